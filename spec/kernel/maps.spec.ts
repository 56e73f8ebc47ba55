import { expect } from 'chai'
import fc from 'fast-check'
import { kernel, memory } from './machines.js'
import type { Typed } from './packets/machine.js'
import { hex } from './packets/play.js'

/** Key and value sizes of the maps that are compared; few possible keys, so that operations meet. */
const compared: Readonly<Record<string, { key: fc.Arbitrary<Uint8Array>; valueBytes: number }>> = {
  weir_cells: { key: bytes(8, 3), valueBytes: 8 },
  weir_rows: { key: fc.constantFrom(0, 1, 65535, 65536, 2 ** 32 - 1).map(u32), valueBytes: 128 },
  weir_pfx4: { key: prefix(4, [0, 1, 8, 9, 24, 31, 32, 33]), valueBytes: 16 },
  weir_pfx6: { key: prefix(16, [0, 3, 64, 127, 128, 129]), valueBytes: 16 },
  weir_ct4: { key: bytes(16, 3), valueBytes: 32 },
}

function bytes(length: number, most: number): fc.Arbitrary<Uint8Array> {
  return fc.nat(most).map(value => new Uint8Array(length).fill(value))
}

function u32(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer)
}

/** Host bits are zero, as the tables write prefixes: else the kernel lists the key as it was written, memory masked. */
function prefix(addressBytes: number, lengths: number[]): fc.Arbitrary<Uint8Array> {
  return fc.tuple(fc.constantFrom(...lengths), fc.constantFrom(0, 0x80, 0xff, 0x0a)).map(([length, fill]) => {
    const address = Array.from(
      { length: addressBytes },
      (_, i) => fill & (0xff00 >> Math.max(0, Math.min(8, length - 8 * i))),
    )
    return Uint8Array.of(...u32(length), ...address)
  })
}

const operation = fc.record({
  kind: fc.constantFrom('update', 'update', 'lookup', 'delete', 'keys'),
  flag: fc.constantFrom('any', 'noexist', 'exist'),
  fill: fc.nat(255),
})

/** A lookup of a prefix longer than the address is no question that a program asks: the kernel answers it, memory doesn't. */
describe(`maps in memory behave as those of the ${kernel.name}`, () => {
  const machines: Typed[] = []
  before(function () {
    if (kernel.isMissing) this.skip()
    const maxEntries = { weir_cells: 2, weir_pfx4: 6 }
    machines.push(kernel.open({ maxEntries }), memory.open({ maxEntries }))
  })
  after(() => {
    for (const machine of machines) machine.close()
  })

  const isTooLong = (map: string, key: Uint8Array): boolean =>
    map.startsWith('weir_pfx') && new DataView(key.buffer).getUint32(0, true) > (key.length - 4) * 8

  for (const [map, { key, valueBytes }] of Object.entries(compared)) {
    it(`${map}: the same results, errors and contents`, () => {
      fc.assert(
        fc.property(fc.array(fc.tuple(operation, key), { maxLength: 30 }), operations => {
          if (map !== 'weir_rows')
            for (const machine of machines) for (const old of machine.keys(map)) machine.delete(map, old)
          for (const [{ kind, flag, fill }, at] of operations) {
            const [first, second] = machines.map(machine => {
              if (kind === 'update')
                return machine.attempt(map, at, new Uint8Array(valueBytes).fill(fill), flag as 'any')
              if (isTooLong(map, at)) return undefined
              if (kind === 'lookup') return hex(machine.lookup(map, at) ?? new Uint8Array())
              if (map === 'weir_rows') return undefined
              if (kind === 'delete') return machine.delete(map, at)
              return machine.keys(map).map(hex).sort()
            })
            expect(second, `${kind} ${hex(at)}`).to.deep.equal(first)
          }
        }),
        { numRuns: 100 },
      )
    })
  }
})

describe('an LRU map in memory', () => {
  it('evicts what was used longest ago', () => {
    const machine = memory.open({ maxEntries: { weir_ct4: 3 } })
    const key = (value: number): Uint8Array => new Uint8Array(16).fill(value)
    const value = new Uint8Array(32)
    for (const each of [1, 2, 3]) machine.update('weir_ct4', key(each), value)
    machine.lookup('weir_ct4', key(1))
    machine.update('weir_ct4', key(4), value)
    expect(
      machine
        .keys('weir_ct4')
        .map(each => each[0])
        .sort(),
    ).to.deep.equal([1, 3, 4])
  })
})
