import { NetnsError } from './error.js'

const flags = { request: 1, ack: 4, replace: 0x100, exclusive: 0x200, create: 0x400 } as const

/** Flags of requests that make what isn't there, that make or replace, that change or end what is there. */
export const make = flags.request | flags.ack | flags.create | flags.exclusive
export const put = flags.request | flags.ack | flags.create | flags.replace
export const change = flags.request | flags.ack
/** And that ask for one thing, or for all of a kind. */
export const ask = flags.request
export const askAll = flags.request | 0x300

/** AF_INET, AF_INET6. */
export const families = { 4: 2, 6: 10 } as const

export const argument = (detail: string): NetnsError => new NetnsError('ERR_NETNS_ARGUMENT', 'rtnetlink', detail)

/** A message of netlink(7) in the making. Numbers are in the machine's order, which is the little-endian one here. */
export class Message {
  #buffer = Buffer.alloc(128)
  #size = 16

  constructor(type: number, flags: number) {
    this.#buffer.writeUInt16LE(type, 4)
    this.#buffer.writeUInt16LE(flags, 6)
  }

  u8(...values: readonly number[]): this {
    return this.#append(Uint8Array.from(values))
  }

  u16(value: number): this {
    return this.#append(Uint8Array.of(value & 255, value >>> 8))
  }

  u32(value: number): this {
    return this.#append(numberBytes(value))
  }

  /** Padded to four bytes, as each attribute must be. */
  attribute(type: number, value: Uint8Array): this {
    this.u16(value.length + 4).u16(type)
    return this.#append(value).#align()
  }

  number(type: number, value: number): this {
    return this.attribute(type, numberBytes(value))
  }

  /** An attribute that holds what `fill` writes. */
  nested(type: number, fill: () => void): this {
    const start = this.#size
    this.u16(0).u16(type)
    fill()
    this.#buffer.writeUInt16LE(this.#size - start, start)
    return this.#align()
  }

  bytes(): Uint8Array {
    this.#buffer.writeUInt32LE(this.#size, 0)
    return this.#buffer.subarray(0, this.#size)
  }

  #align(): this {
    return this.#append(new Uint8Array(-this.#size & 3))
  }

  #append(bytes: Uint8Array): this {
    if (this.#size + bytes.length > this.#buffer.length)
      this.#buffer = Buffer.concat([this.#buffer], 2 * (this.#size + bytes.length))
    this.#buffer.set(bytes, this.#size)
    this.#size += bytes.length
    return this
  }
}

/** A text as the kernel reads it: with a zero at its end. */
export const nul = (text: string): Uint8Array => Buffer.from(`${text}\0`)

function numberBytes(value: number): Uint8Array {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}
