import { createHash } from 'node:crypto'

/** What happened, in its order. */
export class Trace {
  readonly lines: string[] = []
  readonly #elapsedMs: () => number
  readonly #isKept: boolean
  readonly #hash = createHash('sha1')

  /** @param isKept Keeps the lines too, for whoever wants to read them. */
  constructor(elapsedMs: () => number, isKept: boolean) {
    this.#elapsedMs = elapsedMs
    this.#isKept = isKept
  }

  note(what: string): void {
    const line = `${this.#elapsedMs()} ${what}`
    this.#hash.update(`${line}\n`)
    if (this.#isKept) this.lines.push(line)
  }

  /** Of all so far. */
  get fingerprint(): string {
    return this.#hash.copy().digest('hex').slice(0, 16)
  }
}
