/** Whole numbers as 7 bits a byte, small ones short: up to 2^53 - 1, signed ones up to half of it. */
export class VarintWriter {
  #bytes: Uint8Array
  #length = 0

  constructor(sizeBytes = 4096) {
    this.#bytes = new Uint8Array(sizeBytes)
  }

  /**
   * @param value A whole number, 0 or more.
   * @throws RangeError for any other
   */
  write(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${value} can't be written`)
    this.#reserve(8)
    let rest = value
    while (rest >= 0x80) {
      this.#bytes[this.#length++] = (rest % 0x80) | 0x80
      rest = Math.floor(rest / 0x80)
    }
    this.#bytes[this.#length++] = rest
  }

  /** A whole number that may be negative: -1 is as short as 1. */
  writeSigned(value: number): void {
    this.write(value < 0 ? -2 * value - 1 : 2 * value)
  }

  writeBytes(bytes: Uint8Array): void {
    this.#reserve(bytes.length)
    this.#bytes.set(bytes, this.#length)
    this.#length += bytes.length
  }

  /** What was written; a view that the next write may change. */
  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length)
  }

  #reserve(sizeBytes: number): void {
    if (this.#length + sizeBytes <= this.#bytes.length) return
    const larger = new Uint8Array(2 * this.#bytes.length + sizeBytes)
    larger.set(this.#bytes)
    this.#bytes = larger
  }
}

export class VarintReader {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  /** @throws RangeError past the end. */
  read(): number {
    let value = 0
    let scale = 1
    for (;;) {
      const byte = this.#bytes[this.#at++]
      if (byte === undefined) throw new RangeError('the numbers end too early')
      if (byte < 0x80) return value + byte * scale
      value += (byte & 0x7f) * scale
      scale *= 0x80
    }
  }

  readSigned(): number {
    const value = this.read()
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2
  }

  /** @throws RangeError past the end. */
  readBytes(length: number): Uint8Array {
    const end = this.#at + length
    if (end > this.#bytes.length) throw new RangeError('the bytes end too early')
    const bytes = this.#bytes.subarray(this.#at, end)
    this.#at = end
    return bytes
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length
  }
}
