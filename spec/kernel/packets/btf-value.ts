import type { BtfType } from 'ebpf-napi'

/** A struct as an object, an array of bytes as a Uint8Array, other arrays as arrays, integers as numbers or bigints. */
export type Value = number | bigint | Uint8Array | readonly Value[] | { readonly [member: string]: Value }

/** Bytes of `value` as the C compiler lays `type` out on this (little-endian) machine; members left out are zero. */
export function encode(type: BtfType, value: Value): Uint8Array {
  const bytes = new Uint8Array(sizeOf(type))
  write(type, value, bytes)
  return bytes
}

export function decode(type: BtfType, bytes: Uint8Array): Value {
  switch (type.kind) {
    case 'int':
    case 'enum':
      return readInt(bytes, type.size)
    case 'array':
      if (isByte(type.element)) return bytes.slice(0, type.length)
      return Array.from({ length: type.length }, (_, i) =>
        decode(type.element, bytes.subarray(i * sizeOf(type.element))),
      )
    case 'struct':
    case 'union':
      return Object.fromEntries(
        type.members.map(({ name, offsetBits, bits, type: member }) => {
          if (bits === undefined) return [name, decode(member, bytes.subarray(offsetBits / 8))]
          const word = Number(readInt(bytes.subarray((offsetBits >> 5) * 4), 4))
          return [name, (word >>> (offsetBits & 31)) & (2 ** bits - 1)]
        }),
      )
    case 'other':
      throw new TypeError(`${type.name} is no data`)
  }
}

export function sizeOf(type: BtfType): number {
  return type.kind === 'array' ? type.length * sizeOf(type.element) : type.size
}

const isByte = (type: BtfType): boolean => type.kind === 'int' && type.size === 1

function write(type: BtfType, value: Value, bytes: Uint8Array): void {
  if (type.kind === 'int' || type.kind === 'enum') {
    let rest = BigInt(value as number | bigint)
    for (let i = 0; i < type.size; i++, rest >>= 8n) bytes[i] = Number(rest & 0xffn)
  } else if (type.kind === 'array') {
    const step = sizeOf(type.element)
    if (value instanceof Uint8Array) bytes.set(value)
    else
      for (const [i, item] of (value as readonly Value[]).entries()) write(type.element, item, bytes.subarray(i * step))
  } else if (type.kind === 'other') {
    throw new TypeError(`${type.name} is no data`)
  } else {
    for (const [name, item] of Object.entries(value as object) as [string, Value][]) {
      const member = type.members.find(candidate => candidate.name === name)
      if (member === undefined) throw new TypeError(`${type.name} has no ${name}`)
      if (member.bits === undefined) write(member.type, item, bytes.subarray(member.offsetBits / 8))
      else writeBits(bytes, member.offsetBits, member.bits, Number(item))
    }
  }
}

function writeBits(bytes: Uint8Array, offsetBits: number, bits: number, value: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset + (offsetBits >> 5) * 4, 4)
  const shift = offsetBits & 31
  const mask = ((2 ** bits - 1) << shift) >>> 0
  view.setUint32(0, ((view.getUint32(0, true) & ~mask) | ((value << shift) & mask)) >>> 0, true)
}

function readInt(bytes: Uint8Array, size: number): number | bigint {
  let value = 0n
  for (let i = size - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i] ?? 0)
  return size === 8 ? value : Number(value)
}
