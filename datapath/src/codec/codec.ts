import { endianness } from 'node:os'

/** A type as the layout has it. */
export type LayoutType =
  | { readonly kind: 'int'; readonly size: number; readonly signed: boolean }
  | {
      readonly kind: 'enum'
      readonly name: string
      readonly size: number
      readonly values: Readonly<Record<string, number>>
    }
  | { readonly kind: 'array'; readonly length: number; readonly element: LayoutType }
  | {
      readonly kind: 'struct' | 'union'
      readonly name: string
      readonly size: number
      readonly members: readonly LayoutMember[]
    }

export interface LayoutMember {
  readonly name: string
  readonly offsetBits: number
  readonly bits?: number
  readonly type: LayoutType
}

/** What a value of the type is here: 8-byte integers are bigint, byte arrays Uint8Array; padding isn't shown. */
export type Decoded<Type> = Type extends { readonly kind: 'int'; readonly size: 8 }
  ? bigint
  : Type extends { readonly kind: 'int' | 'enum' }
    ? number
    : Type extends { readonly kind: 'array'; readonly element: { readonly kind: 'int'; readonly size: 1 } }
      ? Uint8Array
      : Type extends { readonly kind: 'array'; readonly element: infer Element }
        ? readonly Decoded<Element>[]
        : Type extends { readonly members: readonly (infer Member)[] }
          ? { readonly [M in Member as Shown<M>]: M extends { readonly type: infer Inner } ? Decoded<Inner> : never }
          : never

type Shown<Member> = Member extends { readonly name: infer Name extends string }
  ? Name extends `pad${string}`
    ? never
    : Name
  : never

/** Values of a type as bytes in the host's byte order. */
export interface Codec<Value> {
  readonly size: number
  /** Into `bytes` at `offset`; padding becomes zero. */
  write(bytes: Uint8Array, offset: number, value: Value): void
  read(bytes: Uint8Array, offset?: number): Value
  encode(value: Value): Uint8Array
}

const little = endianness() === 'LE'

interface Access {
  read(view: DataView, offset: number): unknown
  /** Byte by byte: a view of each entry would cost more than what is written through it. */
  write(bytes: Uint8Array, offset: number, value: unknown): void
}

export function codecOf<const Type extends LayoutType>(type: Type): Codec<Decoded<Type>> {
  const access = accessOf(type)
  const size = sizeOf(type)
  const hasPadding = writtenBits(type) < size * 8
  return {
    size,
    write: (bytes, offset, value) => {
      if (hasPadding) bytes.fill(0, offset, offset + size)
      access.write(bytes, offset, value)
    },
    read: (bytes, offset = 0) =>
      access.read(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), offset) as Decoded<Type>,
    encode: value => {
      const bytes = new Uint8Array(size)
      access.write(bytes, 0, value)
      return bytes
    },
  }
}

/** How many of a type's bits a write is sure to set. */
function writtenBits(type: LayoutType): number {
  if (type.kind === 'array') return type.length * writtenBits(type.element)
  if (type.kind === 'union') return 0
  if (type.kind !== 'struct') return type.size * 8
  return shownOf(type.members).reduce((sum, { bits, type: inner }) => sum + (bits ?? writtenBits(inner)), 0)
}

const shownOf = (all: readonly LayoutMember[]): readonly LayoutMember[] =>
  all.filter(member => !member.name.startsWith('pad'))

export function sizeOf(type: LayoutType): number {
  return type.kind === 'array' ? type.length * sizeOf(type.element) : type.size
}

function accessOf(type: LayoutType): Access {
  switch (type.kind) {
    case 'int':
      return integer(type.size, type.signed)
    case 'enum':
      return integer(type.size, false)
    case 'array':
      return array(type.length, type.element)
    default:
      return members(type.members)
  }
}

function integer(size: number, signed: boolean): Access {
  if (size === 8) {
    return {
      read: (view, offset) => (signed ? view.getBigInt64(offset, little) : view.getBigUint64(offset, little)),
      write: (bytes, offset, value) => {
        const number = BigInt.asUintN(64, value as bigint)
        const [low, high] = [Number(number & 0xffffffffn), Number(number >> 32n)]
        putNumber(bytes, offset, 4, little ? low : high)
        putNumber(bytes, offset + 4, 4, little ? high : low)
      },
    }
  }
  const name = `${signed ? 'Int' : 'Uint'}${size * 8}` as 'Uint8' | 'Uint16' | 'Uint32' | 'Int8' | 'Int16' | 'Int32'
  const get = `get${name}` as const
  const read = (view: DataView, offset: number): number => view[get](offset, little)
  // Most fields are words, and a loop costs more than their bytes.
  if (size === 4) return { read, write: (bytes, offset, value) => putWord(bytes, offset, value as number) }
  return { read, write: (bytes, offset, value) => putNumber(bytes, offset, size, value as number) }
}

/** The low bytes of a number, in the host's order. */
function putNumber(bytes: Uint8Array, offset: number, size: number, number: number): void {
  for (let index = 0; index < size; index += 1) {
    bytes[offset + (little ? index : size - 1 - index)] = number >>> (index * 8)
  }
}

function putWord(bytes: Uint8Array, offset: number, number: number): void {
  bytes[offset + (little ? 0 : 3)] = number
  bytes[offset + (little ? 1 : 2)] = number >>> 8
  bytes[offset + (little ? 2 : 1)] = number >>> 16
  bytes[offset + (little ? 3 : 0)] = number >>> 24
}

function numberAt(bytes: Uint8Array, offset: number, size: number): number {
  let number = 0
  for (let index = 0; index < size; index += 1) {
    number |= bytes[offset + (little ? index : size - 1 - index)]! << (index * 8)
  }
  return number
}

function array(length: number, element: LayoutType): Access {
  if (element.kind === 'int' && element.size === 1) {
    return {
      read: (view, offset) =>
        new Uint8Array(view.buffer.slice(view.byteOffset + offset, view.byteOffset + offset + length)),
      write: (bytes, offset, value) => {
        const from = value as Uint8Array
        if (from.length !== length) throw new RangeError(`${from.length} bytes for ${length}`)
        for (let index = 0; index < length; index += 1) bytes[offset + index] = from[index]!
      },
    }
  }
  const access = accessOf(element)
  const size = sizeOf(element)
  return {
    read: (view, offset) => Array.from({ length }, (_, index) => access.read(view, offset + index * size)),
    write: (bytes, offset, value) => {
      const items = value as readonly unknown[]
      if (items.length !== length) throw new RangeError(`${items.length} items for ${length}`)
      for (let index = 0; index < length; index += 1) access.write(bytes, offset + index * size, items[index])
    },
  }
}

function members(all: readonly LayoutMember[]): Access {
  const shown = shownOf(all).map(member => ({ name: member.name, access: memberAccess(member) }))
  return {
    read: (view, offset) => Object.fromEntries(shown.map(({ name, access }) => [name, access.read(view, offset)])),
    write: (bytes, offset, value) => {
      for (const { name, access } of shown) access.write(bytes, offset, (value as Record<string, unknown>)[name])
    },
  }
}

function memberAccess(member: LayoutMember): Access {
  if (member.bits !== undefined) return bitField(member.offsetBits, member.bits)
  const access = accessOf(member.type)
  const at = member.offsetBits / 8
  return {
    read: (view, offset) => access.read(view, offset + at),
    write: (bytes, offset, value) => access.write(bytes, offset + at, value),
  }
}

/** A field within one aligned 32-bit word. BTF counts bits in memory order: from the low end on little-endian hosts. */
function bitField(offsetBits: number, bits: number): Access {
  const at = Math.floor(offsetBits / 32) * 4
  const first = offsetBits % 32
  const shift = little ? first : 32 - first - bits
  const mask = bits === 32 ? 0xffffffff : 2 ** bits - 1
  return {
    read: (view, offset) => ((view.getUint32(offset + at, little) >>> shift) & mask) >>> 0,
    write: (bytes, offset, value) => {
      const others = numberAt(bytes, offset + at, 4) & ~(mask << shift)
      putNumber(bytes, offset + at, 4, others | (((value as number) & mask) << shift))
    },
  }
}
