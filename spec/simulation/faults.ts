/** What a write to the disk may come to. */
export type DiskCode = 'EIO' | 'ENOSPC'

/** What a write to a map, or the attachment of a program, may come to. */
export type KernelCode = 'E2BIG' | 'ENOMEM' | 'EBUSY'

/** A fault that lies in wait: it strikes after so many operations, so many times in a row. */
interface Armed<Code> {
  readonly code: Code
  after: number
  times: number
}

/** Faults of one kind of operation. One lies in wait at a time; a later one takes its place. */
export class Faults<Code> {
  #armed: Armed<Code> | undefined

  arm(code: Code, after: number, times: number): void {
    this.#armed = { code, after, times }
  }

  disarm(): void {
    this.#armed = undefined
  }

  /** Told of each operation: how it fails, if it does. */
  next(): Code | undefined {
    const armed = this.#armed
    if (armed === undefined) return undefined
    if (armed.after > 0) {
      armed.after -= 1
      return undefined
    }
    armed.times -= 1
    if (armed.times <= 0) this.#armed = undefined
    return armed.code
  }
}

/** As Node and the kernel say it. */
export function failure(code: DiskCode | KernelCode | 'ENODEV', call: string): Error {
  return Object.assign(new Error(`${code}: ${call}`), { code, call })
}
