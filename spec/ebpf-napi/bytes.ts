/** A 32-bit number as the host stores it. */
export function u32(value: number): Uint8Array {
  return new Uint8Array(new Uint32Array([value]).buffer)
}

export function u64(value: number | bigint): Uint8Array {
  return new Uint8Array(new BigUint64Array([BigInt(value)]).buffer)
}

export function readU32(bytes: Uint8Array, index = 0): number {
  return new Uint32Array(bytes.slice(index * 4, index * 4 + 4).buffer)[0] ?? Number.NaN
}

export function readU64(bytes: Uint8Array | undefined, index = 0): bigint {
  const found = new BigUint64Array((bytes ?? new Uint8Array()).slice(index * 8, index * 8 + 8).buffer)[0]
  if (found === undefined) {
    throw new Error('fewer than 8 bytes')
  }
  return found
}

/** `count` numbers from `first`, 4 bytes each. */
export function u32s(first: number, count: number): Uint8Array {
  return new Uint8Array(Uint32Array.from({ length: count }, (_, index) => first + index).buffer)
}
