import { constants } from 'node:os'

const codesByErrno = new Map(Object.entries(constants.errno).map(([code, errno]) => [errno, code]))

/** Every failure of this package. `code` is the errno's name ('ENOENT', 'ENOSPC', …) or ERR_INOTIFY_NOT_BUILT. */
export class InotifyError extends Error {
  override readonly name = 'InotifyError'
  readonly code: string
  /** The system call that failed. */
  readonly call: string

  constructor(code: number | string, call: string, detail: string, options?: { cause?: unknown }) {
    const word = typeof code === 'string' ? code : (codesByErrno.get(code) ?? `errno ${code}`)
    super([`${call}: ${word}`, detail].filter(part => part !== '').join(': '), options)
    this.code = word
    this.call = call
  }
}
