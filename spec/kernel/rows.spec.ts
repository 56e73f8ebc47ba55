import { expect } from 'chai'
import fc from 'fast-check'
import { machines } from './machines.js'
import { flags, frame, raw, tcp } from './packets/frames.js'
import type { Typed } from './packets/machine.js'
import { empty } from './packets/reset.js'
import { a, b, fill, leaving, putCell, putRow, type Step } from './packets/world.js'

/** Law: the verdict is that of the last step whose key isn't above protocol << 16 | port. */
function byDefinition(steps: readonly Step[], key: number): number {
  return steps.filter(step => step.key <= key).at(-1)!.word
}

const steps = fc
  .uniqueArray(fc.oneof(fc.integer({ min: 1, max: 0xffffff }), fc.integer({ min: 0x60001, max: 0x6ffff })), {
    maxLength: 90,
  })
  .map((keys): Step[] => [0, ...keys.sort((x, y) => x - y)].map((key, i) => ({ key, word: i % 2 })))

for (const kind of machines) {
  describe(`rows in ${kind.name}`, () => {
    let machine: Typed
    before(function () {
      if (kind.isMissing) this.skip()
      machine = kind.open({ variables: { weir_events_per_second: 0 } })
      empty(machine)
      fill(machine)
    })
    after(() => machine?.close())

    const passes = (key: number): boolean => {
      const protocol = key >> 16
      const payload = protocol === 6 ? tcp(1, key & 0xffff, flags.syn) : raw(protocol, new Uint8Array(40))
      for (const entry of machine.keys('weir_ct4')) machine.delete('weir_ct4', entry)
      return (
        machine.run(
          'weir_from_endpoint',
          frame(leaving(a), { from: a.four, to: b.four }, payload),
          machine.ifindex.a,
          0,
        ).result === 7
      )
    }

    const check = (row: readonly Step[], keys: readonly number[]): void => {
      putCell(machine, b.subject, 1, a.peerClass, putRow(machine, 200, row))
      for (const key of keys) expect(passes(key), `key ${key.toString(16)}`).to.equal(byDefinition(row, key) === 1)
    }

    it('a row is searched to the step that holds the port', function () {
      this.timeout(20_000)
      fc.assert(
        fc.property(steps, fc.array(fc.nat(0xffff), { minLength: 1, maxLength: 8 }), (row, ports) => {
          const near = row
            .filter(({ key }) => key >> 16 === 6)
            .flatMap(({ key }) => [key - 1, key])
            .slice(0, 12)
          check(row, [...near.filter(key => key >> 16 === 6), ...ports.map(port => 0x60000 | port)])
        }),
        { numRuns: 60 },
      )
    })

    it('other protocols have the key of their number', () => {
      check(
        [
          { key: 0, word: 0 },
          { key: 47 << 16, word: 1 },
          { key: 48 << 16, word: 0 },
        ],
        [46 << 16, 47 << 16, 48 << 16],
      )
    })

    for (const count of [1, 15, 16, 17, 32, 255, 256, 257, 4096, 65536]) {
      it(`a row of ${count} steps`, () => {
        const row = Array.from({ length: count }, (_, i) => ({ key: i === 0 ? 0 : 0x60000 + i, word: i % 2 }))
        check(
          row,
          [0x60000, 0x60001, 0x60002, 0x60000 + count - 1, 0x60000 + Math.min(count, 65535), 0x6ffff].filter(
            key => key <= 0x6ffff,
          ),
        )
      })
    }

    it('a row of more chunks than the search can halve is refused', () => {
      putCell(machine, b.subject, 1, a.peerClass, { first: 200, chunks: 8192 })
      expect(passes(0x60050)).to.equal(false)
      putCell(machine, b.subject, 1, a.peerClass, { first: 70_000, chunks: 1 })
      expect(passes(0x60050)).to.equal(false)
    })
  })
}
