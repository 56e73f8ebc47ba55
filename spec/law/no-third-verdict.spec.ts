import { emptyTables } from './empty-tables.js'
import type { Tables } from '@weir/core/tables/tables.js'
import { goalFromTables } from '@weir/datapath/plan/goal.js'
import { Installed } from '@weir/datapath/plan/installed.js'
import type { Operation } from '@weir/datapath/plan/operation.js'
import { planTransition } from '@weir/datapath/plan/plan.js'
import { expect } from 'chai'
import fc from 'fast-check'
import { type MapState, stateOf, verdictsOf, write } from './map-state.js'
import { flowAddresses, flowKeys, transition } from './tables-at-random.js'

const operationsTo = (installed: Installed, tables: Tables): readonly Operation[] =>
  planTransition(installed, goalFromTables(installed, tables)).flatMap(phase => phase.operations)

/** What tables say, installed by whatever way. */
function installedFrom(tables: Tables): Installed {
  const installed = new Installed()
  for (const operation of operationsTo(installed, tables)) installed.apply(operation)
  return installed
}

const verdicts = (state: MapState) => verdictsOf(state, flowAddresses, flowKeys)

/** Writes the operations one by one; after each every verdict is that of `a` or of `b`. */
function expectLawful(state: MapState, operations: readonly Operation[], a: Uint8Array, b: Uint8Array): void {
  for (const [index, operation] of operations.entries()) {
    write(state, operation)
    const now = verdicts(state)
    const third = now.findIndex((verdict, flow) => verdict !== a[flow] && verdict !== b[flow])
    if (third >= 0) {
      throw new Error(`third verdict of flow ${third} after operation ${index}: ${JSON.stringify(operation)}`)
    }
  }
}

const expectEqualStates = (state: MapState, tables: Tables) => {
  const wanted = stateOf(tables)
  expect([...state.addresses.keys()].sort()).to.deep.equal([...wanted.addresses.keys()].sort())
  expect([...state.prefixes.keys()].sort()).to.deep.equal([...wanted.prefixes.keys()].sort())
  expect([...state.cells].sort()).to.deep.equal([...wanted.cells].sort())
}

describe('law 4: no third verdict', () => {
  it('holds after every write of random transitions, which end in the tables wanted', () => {
    fc.assert(
      fc.property(transition, ({ a, b }) => {
        const installed = installedFrom(a)
        const state = stateOf(a)
        const operations = operationsTo(installed, b)
        expectLawful(state, operations, verdicts(stateOf(a)), verdicts(stateOf(b)))
        expectEqualStates(state, b)
        for (const operation of operations) installed.apply(operation)
        expect(operationsTo(installed, b)).to.deep.equal([])
      }),
      { numRuns: 200 },
    )
  })

  it('holds from empty maps', () => {
    fc.assert(
      fc.property(transition, ({ b }) => {
        const a = stateOf(emptyTables)
        expectLawful(a, operationsTo(new Installed(), b), verdicts(a), verdicts(stateOf(b)))
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
        expectLawful(state, operationsTo(installed, b), verdicts(stateOf(a)), verdicts(stateOf(b)))
        expectEqualStates(state, b)
      }),
      { numRuns: 100 },
    )
  })

  it('would notice a planner that writes in another order', () => {
    const naive = fc.check(
      fc.property(transition, ({ a, b }) => {
        const operations = [...operationsTo(installedFrom(a), b)].reverse()
        expectLawful(stateOf(a), operations, verdicts(stateOf(a)), verdicts(stateOf(b)))
      }),
      { numRuns: 100, endOnFailure: true },
    )
    expect(naive.failed).to.equal(true)
  })
})
