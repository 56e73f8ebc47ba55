import { sweepPairs } from '@weir/datapath/pairs/sweep.js'
import { expect } from 'chai'
import { encode, type Value } from './packets/btf-value.js'
import { later } from './packets/fixture.js'
import { layoutOf, type Typed, typeOf } from './packets/machine.js'
import { decode } from './packets/btf-value.js'
import { machines, memory } from './machines.js'
import { entries, writeHalf } from './packets/pairs.js'

const far = 1n << 62n

for (const kind of machines) {
  describe(`the sweep in ${kind.name}`, () => {
    let machine: Typed
    before(function () {
      if (kind.isMissing) this.skip()
      machine = kind.open()
    })
    after(() => machine?.close())

    const put = (map: string, count: number, expires: (index: number) => bigint): void => {
      const { key, value } = layoutOf(map)
      for (let i = 0; i < count; i++) {
        const bytes = new Uint8Array(key.kind === 'struct' ? key.size : 0)
        new DataView(bytes.buffer).setUint32(0, i)
        machine.update(map, bytes, encode(value, { expires: expires(i) }))
      }
    }

    const putPairs = (family: 4 | 6, count: number, expires: (index: number) => bigint): void => {
      for (let i = 0; i < count; i++) {
        const ends = {
          source: new Uint8Array(family === 4 ? 4 : 16).fill(9),
          sourcePort: 1000 + i,
          destinationPort: 80,
        }
        const before = { ...ends, destination: ends.source.map(() => 1) }
        const after = { ...ends, destination: ends.source.map(() => 2) }
        const half = { before, after, protocol: 6, kind: 1, isReply: false, expires: expires(i), is: {} }
        writeHalf(machine, family, half)
      }
    }

    const swept = (): ReturnType<typeof sweepPairs> =>
      sweepPairs(
        { weir_nat4: { maxEntries: machine.size('weir_nat4') }, weir_nat6: { maxEntries: machine.size('weir_nat6') } },
        asked => machine.run('weir_sweep_pairs', asked, 1, 0).packet,
      )

    it('removes what has expired from every map, keeps the rest, and counts both', function () {
      this.timeout(10_000)
      put('weir_ct4', 20_000, i => (i % 4 === 0 ? far : 1n))
      put('weir_ct6', 300, i => (i % 3 === 0 ? 1n : far))
      put('weir_frag4', 20, () => 1n)
      put('weir_frag6', 10, () => far)
      later(1).change(machine)
      const result = decode(typeOf('weir_sweep'), machine.sweep()) as Readonly<Record<string, Value>>
      expect(result).to.deep.equal({
        ct4: { seen: 20_000, removed: 15_000 },
        ct6: { seen: 300, removed: 100 },
        frag4: { seen: 20, removed: 20 },
        frag6: { seen: 10, removed: 0 },
      })
      expect(machine.keys('weir_ct4').length).to.equal(5_000)
      expect((decode(typeOf('weir_sweep'), machine.sweep()) as { ct4: Value }).ct4).to.deep.equal({
        seen: 5_000,
        removed: 0,
      })
    })

    it('ends pairs that have expired, and counts both', () => {
      putPairs(4, 30, i => (i % 3 === 0 ? 1n : far))
      putPairs(6, 400, i => (i % 4 === 0 ? 1n : far))
      expect(swept()).to.deep.equal({ nat4: { seen: 30, removed: 10 }, nat6: { seen: 400, removed: 100 } })
      expect([entries(machine, 4), entries(machine, 6)]).to.deep.equal([20, 300])
      expect(swept()).to.deep.equal({ nat4: { seen: 20, removed: 0 }, nat6: { seen: 300, removed: 0 } })
    })
  })
}

describe('the sweep in memory, whatever the clock says', () => {
  it('ends pairs that have expired, and no other', () => {
    for (const hours of [0.01, 1, 5, 8, 9.5, 12, 26]) {
      const machine = memory.open()
      machine.advance(hours * 3600)
      const now = machine.now()
      const ages = [1n, 3_600n, 20_000n].map(seconds => now - seconds * 1_000_000_000n).filter(expires => expires > 0n)
      const all = [...ages, now + 8_000_000_000_000n]
      for (const [at, expires] of all.entries()) {
        const ends = { source: new Uint8Array(4).fill(9), sourcePort: 1000 + at, destinationPort: 80 }
        const before = { ...ends, destination: new Uint8Array(4).fill(1) }
        const after = { ...ends, destination: new Uint8Array(4).fill(2) }
        writeHalf(machine, 4, { before, after, protocol: 6, kind: 1, isReply: false, expires, is: {} })
      }
      const { nat4 } = sweepPairs(
        { weir_nat4: { maxEntries: machine.size('weir_nat4') }, weir_nat6: { maxEntries: machine.size('weir_nat6') } },
        asked => machine.run('weir_sweep_pairs', asked, 1, 0).packet,
      )
      expect(nat4, `${hours} h`).to.deep.equal({ seen: all.length, removed: ages.length })
    }
  })
})
