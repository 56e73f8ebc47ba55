import { constants } from 'node:os'

// Several names share a number; these are the ones that people know.
const codesByErrno = new Map<number, string>([
  [11, 'EAGAIN'],
  [95, 'EOPNOTSUPP'],
])
for (const [code, errno] of Object.entries(constants.errno)) {
  if (!codesByErrno.has(errno)) {
    codesByErrno.set(errno, code)
  }
}
// Missing among Node's constants.
codesByErrno.set(94, 'ESOCKTNOSUPPORT')

/**
 * Every failure of this package. `code` is the errno's name ('ECONNREFUSED', 'EPROTONOSUPPORT', …), or one of
 * ERR_NETNS_ARGUMENT and ERR_NETNS_NOT_BUILT.
 */
export class NetnsError extends Error {
  override readonly name = 'NetnsError'
  readonly code: string
  /** Positive; 0 when the kernel wasn't asked. */
  readonly errno: number
  /** The system call that failed. */
  readonly call: string

  constructor(code: number | string, call: string, detail: string, options?: { cause?: unknown }) {
    const word = typeof code === 'string' ? code : (codesByErrno.get(code) ?? `errno ${code}`)
    super([`${call}: ${word}`, detail].filter(part => part !== '').join(': '), options)
    this.code = word
    this.errno = typeof code === 'number' ? code : ((constants.errno as Readonly<Record<string, number>>)[code] ?? 0)
    this.call = call
  }
}
