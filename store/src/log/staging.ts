import type { Borrowed } from './record.js'

/** Encoded records of one append, back to back. */
export interface Staged {
  readonly bytes: Buffer
  readonly lengths: readonly number[]
}

const slabBytes = 1 << 20

/** Holds encoded records until a commit takes them: a few large buffers instead of one object per record. */
export class Staging {
  #slab = Buffer.allocUnsafeSlow(slabBytes)
  #start = 0
  #at = 0
  #lengths: number[] = []

  /** Copies a record behind the others of this append. */
  add({ buffer, start, end }: Borrowed): void {
    const length = end - start
    if (this.#at + length > this.#slab.length) this.#grow(length)
    buffer.copy(this.#slab, this.#at, start, end)
    this.#at += length
    this.#lengths.push(length)
  }

  /** What was added since the last call. */
  take(): Staged {
    const staged = { bytes: this.#slab.subarray(this.#start, this.#at), lengths: this.#lengths }
    this.#start = this.#at
    this.#lengths = []
    return staged
  }

  /** Forgets what was added since the last `take`. */
  drop(): void {
    this.#at = this.#start
    this.#lengths = []
  }

  #grow(length: number): void {
    const used = this.#at - this.#start
    const slab = Buffer.allocUnsafeSlow(Math.max(slabBytes, (used + length) * 2))
    this.#slab.copy(slab, 0, this.#start, this.#at)
    this.#slab = slab
    this.#start = 0
    this.#at = used
  }
}
