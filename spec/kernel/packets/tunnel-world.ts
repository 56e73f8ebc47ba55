import { families, type Family, of } from './fixture.js'
import { address, bytes } from './frames.js'
import type { Tunnel, Typed } from './machine.js'
import { a } from './world.js'

export const tag = Uint8Array.of(1, 2, 3, 4, 5)
export const vni = 0x123456

/** The option of Geneve that carries a tag. */
export const optionOf = (bits: Uint8Array): Uint8Array => bytes(0xff, 0x57, 1, 2, ...bits, 0, 0, 0)

/** Two other nodes, with a pod each that no table knows by its address. */
export const far = { four: '192.0.2.50', six: '2001:db8:50::50', pod: { four: '10.9.1.1', six: 'fd09:1::1' } } as const
export const other = {
  four: '192.0.2.60',
  six: '2001:db8:60::60',
  pod: { four: '10.9.2.1', six: 'fd09:2::1' },
} as const

const wide = (bits: Uint8Array): Uint8Array => bytes(...bits, ...new Uint8Array(16 - bits.length))
export const tunnel = (who: typeof far | typeof other, family: Family, number = vni, bits = tag): Tunnel => ({
  family,
  number,
  address: address(of(who, family)),
  option: optionOf(bits),
})

/** The two nodes, reached over the family given, and identity of `a` as it is called between nodes. */
export function know(machine: Typed, outer: Family): void {
  for (const who of [far, other]) {
    const reached = { family: outer, address: wide(address(of(who, outer))) }
    for (const family of families) {
      const bits = family === 4 ? 32 : 128
      const row = (length: number, text: string, isNode: number): void =>
        machine.put(`weir_tunnels${family}`, { length, address: address(text) }, { ...reached, is_node: isNode })
      row(bits, of(who, family), 1)
      row(family === 4 ? 24 : 64, of(who.pod, family), 0)
    }
  }
  machine.put('weir_marks', a.identity, { vni, tag })
  machine.put('weir_fellows', { vni, tag }, { ipv4: address(a.four), ipv6: address(a.six) })
}

export const dropsOf = (machine: Typed, reason: number): bigint => {
  const counts = machine.perCpu('weir_counters', Uint8Array.of(reason, 0, 0, 0))
  return [...counts].reduce((sum, count) => sum + count, 0n)
}
