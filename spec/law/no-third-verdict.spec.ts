import { Engine } from '@weir/core'
import type { Tables } from '@weir/core/tables/tables.js'
import { goalFromDelta } from '@weir/datapath/plan/goal.js'
import { Installed } from '@weir/datapath/plan/installed.js'
import { planTransition } from '@weir/datapath/plan/plan.js'
import { expect } from 'chai'
import fc from 'fast-check'
import { histories, numberedBatches } from '../oracle/generate/history.js'
import { emptyTables } from './empty-tables.js'
import { expectEqualStates, expectLawful, type Flows, installedFrom, operationsTo, stateWith } from './lawful.js'
import { emptyState, type MapState, stateOf, verdictsOf, write } from './map-state.js'
import { crowdFlows, crowdMoves, crowdSize, partedCrowd } from './crowds-at-random.js'
import { flowAddresses, flowKeys, transition } from './tables-at-random.js'
import { nothingElse } from './empty-tables.js'

const flows: Flows = { addresses: flowAddresses, keys: flowKeys }
const verdicts = (state: MapState, of = flows) => verdictsOf(state, of.addresses, of.keys)

/** Addresses that the tables name, one in each prefix, and the keys around the steps of their rows: a few of each. */
function flowsIn(tables: readonly Tables[]): Flows {
  const addresses = new Set(['203.0.113.77', '2001:db8:77::1'])
  const keys = new Set([0, 0x10800])
  for (const { addresses: exact, prefixes, rows } of tables) {
    for (const [address] of exact) addresses.add(address)
    for (const [prefix] of prefixes) addresses.add(prefix.split('/')[0]!)
    for (const [, row] of rows) for (const step of row.steps) keys.add(step.key)
  }
  return { addresses: [...addresses].sort().slice(0, 24), keys: [...keys].sort((a, b) => a - b).slice(0, 6) }
}

describe('law 4: no third verdict', function () {
  this.timeout(60_000)

  it('holds after every write of random transitions, which end in the tables wanted', () => {
    fc.assert(
      fc.property(transition, ({ a, b }) => {
        const installed = installedFrom(a)
        const state = stateWith(a, installed)
        const operations = operationsTo(installed, b)
        expectLawful(state, operations, verdicts(stateOf(a)), verdicts(stateOf(b)), flows)
        expectEqualStates(state, b)
        for (const operation of operations) installed.apply(operation)
        expect(operationsTo(installed, b)).to.deep.equal([])
      }),
      { numRuns: 150 },
    )
  })

  it('holds from empty maps', () => {
    fc.assert(
      fc.property(transition, ({ b }) => {
        const a = stateOf(emptyTables)
        expectLawful(a, operationsTo(new Installed(), b), verdicts(emptyState()), verdicts(stateOf(b)), flows)
      }),
      { numRuns: 50 },
    )
  })

  it('holds when a transition breaks off anywhere and a new plan starts from what is there', () => {
    fc.assert(
      fc.property(transition, fc.double({ min: 0, max: 1, noNaN: true }), ({ a, b }, share) => {
        const installed = installedFrom(a)
        const state = stateOf(a)
        const started = operationsTo(installed, b)
        for (const operation of started.slice(0, Math.floor(share * started.length))) {
          installed.apply(operation)
          write(state, operation)
        }
        const operations = operationsTo(installed, b).filter(({ table }) => table !== 'endpoints')
        const [before, after] = [verdicts(stateOf(a)), verdicts(stateOf(b))]
        for (const operation of operations) {
          write(state, operation)
          const third = verdicts(state).findIndex(
            (verdict, flow) => verdict !== before[flow] && verdict !== after[flow],
          )
          expect(third, JSON.stringify(operation)).to.equal(-1)
        }
        expectEqualStates(state, b)
      }),
      { numRuns: 80 },
    )
  })

  it('holds for what the events of random histories change', () => {
    fc.assert(
      fc.property(histories(20), batches => {
        const engine = new Engine()
        const installed = installedFrom(engine.tables)
        for (const batch of numberedBatches(batches)) {
          const before = copyOf(engine.tables)
          const delta = engine.apply(batch)
          const seen = flowsIn([before, engine.tables])
          const operations = planTransition(installed, goalFromDelta(delta, engine.tables)).flatMap(
            phase => phase.operations,
          )
          const state = stateWith(before, installed)
          expectLawful(state, operations, verdicts(stateOf(before), seen), verdicts(stateOf(engine.tables), seen), seen)
          expectEqualStates(state, engine.tables)
          for (const operation of operations) installed.apply(operation)
        }
        expect(operationsTo(installed, engine.tables)).to.deep.equal([])
      }),
      { numRuns: 40 },
    )
  })

  it('holds when many addresses go from class to class at once', () => {
    fc.assert(
      fc.property(crowdMoves, ({ a, b }) => {
        const installed = installedFrom(a)
        const [before, after] = [verdicts(stateOf(a), crowdFlows), verdicts(stateOf(b), crowdFlows)]
        expectLawful(stateWith(a, installed), operationsTo(installed, b), before, after, crowdFlows)
      }),
      { numRuns: 60 },
    )
  })

  it('judges nobody anew when many addresses part from a class and no verdict changes', () => {
    const [a, b] = [partedCrowd(false), partedCrowd(true)]
    const operations = operationsTo(installedFrom(a), b)
    expect(operations.filter(({ table }) => table === 'addresses').length).to.equal(crowdSize / 2)
    expect(operations.filter(({ table }) => table === 'endpoints')).to.deep.equal([])
  })

  it('judges anew whoever came to another slot before those he talks with moved', () => {
    const peer = 'fd00::9'
    const pod = { identity: 256, peerClass: 2, subject: 1, address: 'fd00::2' }
    const wiring = { ifindex: 7, ifname: 'weir7', hostMac: '02:00:00:00:00:01', podMac: '02:00:00:00:00:02' }
    const at = (endpoint: number, peerClass: number): Tables => ({
      ...emptyTables,
      addresses: new Map([[pod.address, { ...pod, endpoint }]]),
      prefixes: new Map([['fd00::/16', { identity: 2, peerClass, prefix: 'fd00::/16' }]]),
      endpoints: new Map([
        [endpoint, { ...pod, endpoint, namespace: 'default', pod: 'a', addresses: [pod.address], wiring }],
      ]),
      cells: new Map([['1:egress:1', { subject: 1, direction: 'egress', peerClass: 1, row: 1 }]]),
      rows: new Map([[1, { id: 1, steps: [{ key: 0, verdict: 1 }] }]]),
    })
    const [a, b] = [at(3, 1), at(2, 3)]
    const installed = installedFrom(a)
    const both = { addresses: [pod.address, peer], keys: [0] }
    const [before, after] = [verdicts(stateOf(a), both), verdicts(stateOf(b), both)]
    expect([...before]).to.deep.equal([1, 0])
    expect([...after]).to.deep.equal([0, 0])
    expectLawful(stateWith(a, installed), operationsTo(installed, b), before, after, both)
  })

  it('would notice a planner that writes in another order', () => {
    const naive = fc.check(
      fc.property(transition, ({ a, b }) => {
        const operations = [...operationsTo(installedFrom(a), b)].reverse()
        expectLawful(stateOf(a), operations, verdicts(stateOf(a)), verdicts(stateOf(b)), flows)
      }),
      { numRuns: 100, endOnFailure: true },
    )
    expect(naive.failed).to.equal(true)
  })
})

const copyOf = (tables: Tables): Tables => ({
  addresses: new Map(tables.addresses),
  prefixes: new Map(tables.prefixes),
  endpoints: new Map(tables.endpoints),
  cells: new Map(tables.cells),
  rows: new Map(tables.rows),
  ...nothingElse,
})
