/** Bits per address, and how many of them each sets: about one address in a hundred is told to be there that isn't. */
const bitsPerAddress = 10
const probes = 7

/**
 * A Bloom filter of addresses, so that blocks without an address needn't be inflated to know. It may say that an address
 * is there that isn't, never the other way round.
 *
 * @param addresses Each in 16 bytes, as `FlowColumns` has them.
 */
export function makeAddressFilter(addresses: readonly Uint8Array[]): Uint8Array {
  const filter = new Uint8Array(Math.max(1, Math.ceil((addresses.length * bitsPerAddress) / 8)))
  for (const address of addresses)
    for (const bit of bitsOf(address, filter.length * 8)) filter[bit >> 3] = (filter[bit >> 3] ?? 0) | (1 << (bit & 7))
  return filter
}

export function mayHave(filter: Uint8Array, address: Uint8Array): boolean {
  return bitsOf(address, filter.length * 8).every(bit => ((filter[bit >> 3] ?? 0) & (1 << (bit & 7))) !== 0)
}

function bitsOf(address: Uint8Array, size: number): number[] {
  let [a, b] = [0x811c9dc5, 0x1b873593]
  for (const byte of address) {
    a = Math.imul(a ^ byte, 0x01000193)
    b = Math.imul(b ^ byte, 0x85ebca6b)
    b ^= b >>> 15
  }
  a ^= a >>> 16
  const bits: number[] = []
  for (let probe = 0; probe < probes; probe++) bits.push(((a + Math.imul(probe, b | 1)) >>> 0) % size)
  return bits
}
