import { momentOf, pairHash, pairMark, pairSet } from '@weir/datapath/pairs/place.js'
import { expect } from 'chai'
import fc from 'fast-check'
import { machines, memory } from './machines.js'
import { of } from './packets/fixture.js'
import { flags, frame, tcp } from './packets/frames.js'
import type { Typed } from './packets/machine.js'
import { connect, far, inward, near, serve, service, servicePort } from './packets/north-world.js'
import { entries, halves, placed, tellMoments } from './packets/pairs.js'
import { fill, outside } from './packets/world.js'

const families = [4, 6] as const
const places = 15
const ports = { weir_nat_first_port: 2000, weir_nat_last_port: 2999 }
const one = {
  variables: { ...ports, weir_nat4_sets: 1, weir_nat6_sets: 1 },
  maxEntries: { weir_nat4: 1, weir_nat6: 1 },
}
const transmit = 3
const exactly = { minLength: places, maxLength: places }

function call(machine: Typed, family: 4 | 6, port: number): number {
  const ends = { from: of(outside, family), to: of(service, family) }
  return machine.run('weir_xdp', frame(inward, ends, tcp(port, servicePort, flags.syn)), 1, 0).result
}

/** Clients' ports of flows that there is an entry for. */
const callers = (machine: Typed, family: 4 | 6): number[] =>
  placed(machine, family)
    .map(({ entry }) => entry.key.sourcePort)
    .sort()

for (const kind of machines)
  describe(`sets of pairs in ${kind.name}`, () => {
    const opened: Typed[] = []
    const open = (options?: Parameters<typeof kind.open>[0]): Typed => {
      const machine = kind.open(options)
      opened.push(machine)
      fill(machine)
      return machine
    }
    before(function () {
      if (kind.isMissing) this.skip()
    })
    afterEach(() => {
      for (const machine of opened.splice(0)) machine.close()
    })

    for (const family of families) {
      for (const seed of [0n, 0x1234_5678_90ab_cdefn])
        it(`IPv${family}: an entry lies where user space says, with the seed ${seed}`, () => {
          const machine = open({ variables: ports })
          machine.put('weir_pair_seed', 0, seed)
          serve(machine, [near])
          for (let port = 40_000; port < 40_020; port++) call(machine, family, port)
          const all = placed(machine, family)
          expect(all).to.have.length(20)
          for (const { set, mark, entry } of all) {
            const hash = pairHash(entry, seed)
            expect([set, mark]).to.deep.equal([
              pairSet(hash, machine.size(`weir_nat${family}`)),
              pairMark(hash, entry.expires),
            ])
          }
          expect(new Set(all.map(({ set }) => set)).size, 'they spread').to.be.greaterThan(10)
        })

      it(`IPv${family}: a set that is full gives the place of who expires first`, () => {
        const machine = open(one)
        serve(machine, [near])
        const first = 40_000
        for (let nth = 0; nth < places; nth++) {
          call(machine, family, first + nth)
          machine.advance(2)
        }
        expect(entries(machine, family)).to.equal(places)
        call(machine, family, first + places)
        expect(callers(machine, family)).to.deep.equal(Array.from({ length: places }, (_, nth) => first + 1 + nth))
      })

      it(`IPv${family}: a flow that is known keeps its place`, () => {
        const machine = open(one)
        serve(machine, [near])
        for (const port of [40_000, 40_001, 40_000, 40_000]) call(machine, family, port)
        expect(callers(machine, family)).to.deep.equal([40_000, 40_001])
        expect(halves(machine, family)).to.have.length(4)
      })
    }
  })

describe('sets of pairs, by ways that a test gives', () => {
  for (const family of families) {
    it(`IPv${family}: a flow to another node has an entry a direction, in sets of their own`, () => {
      const machine = memory.open({ variables: ports })
      fill(machine)
      serve(machine, [far])
      connect(machine, 1)
      expect(call(machine, family, 40_000)).to.equal(transmit)
      const all = placed(machine, family)
      expect(all.map(({ entry }) => entry.isReply).sort()).to.deep.equal([false, true])
      for (const { set, entry } of all)
        expect(set).to.equal(pairSet(pairHash(entry, 0n), machine.size(`weir_nat${family}`)))
    })

    it(`IPv${family}: who goes is one of those that expire first, whenever that is`, () => {
      const machine = memory.open(one)
      fill(machine)
      serve(machine, [near])
      const first = 40_000
      for (let nth = 0; nth < places; nth++) call(machine, family, first + nth)
      const fullest = placed(machine, family)
      const restore = machine.lookup(`weir_nat${family}`, new Uint8Array(4))!
      const ahead = 0x2000
      const range = 0x8000
      const moment = fc.oneof(fc.integer({ min: 0, max: range - 1 }), fc.constantFrom(0, 1, range - 2, range - 1))
      const few = fc.tuple(moment, moment).chain(([a, b]) => fc.array(fc.constantFrom(a, b), exactly))
      fc.assert(
        fc.property(
          fc.oneof(fc.array(moment, exactly), few),
          fc.integer({ min: 50_000, max: 60_000 }),
          (ages, port) => {
            machine.update(`weir_nat${family}`, new Uint8Array(4), restore)
            const from = Number(momentOf(machine.now())) + ahead
            tellMoments(
              machine,
              family,
              0,
              ages.map(age => BigInt((from + age) % range)),
            )
            call(machine, family, port)
            const left = callers(machine, family)
            expect(left).to.have.length(places).and.to.include(port)
            const gone = fullest.findIndex(({ entry }) => !left.includes(entry.key.sourcePort))
            expect(ages[gone], `place ${gone} of ${ages}`).to.equal(Math.min(...ages))
          },
        ),
        { numRuns: 300 },
      )
    })

    it(`IPv${family}: among those that expire together it isn't always the same place`, () => {
      const machine = memory.open(one)
      fill(machine)
      serve(machine, [near])
      for (let nth = 0; nth < 3 * places; nth++) call(machine, family, 40_000 + nth)
      const late = callers(machine, family).filter(port => port >= 40_000 + places)
      expect(late.length).to.be.greaterThan(3)
    })

    it(`IPv${family}: nobody is pushed out while there is room, whatever the clock says`, () => {
      const days = [0, 3, 7, 11, 14]
      for (const day of days) {
        const machine = memory.open(one)
        fill(machine)
        machine.advance(day * 86_400)
        serve(machine, [near])
        for (let nth = 0; nth < places; nth++) call(machine, family, 40_000 + nth)
        expect(entries(machine, family), `day ${day}`).to.equal(places)
      }
    })
  }
})
