import type { Tables } from '@weir/core/tables/tables.js'
import { goalFromTables } from '@weir/datapath/plan/goal.js'
import { Installed } from '@weir/datapath/plan/installed.js'
import type { Operation } from '@weir/datapath/plan/operation.js'
import { planTransition } from '@weir/datapath/plan/plan.js'
import { expect } from 'chai'
import { generationsOf, sumOf, type MapState, stateOf, verdictsOf, write } from './map-state.js'

/** The flows that a check looks at. */
export interface Flows {
  readonly addresses: readonly string[]
  readonly keys: readonly number[]
}

export const operationsTo = (installed: Installed, tables: Tables): readonly Operation[] =>
  planTransition(installed, goalFromTables(installed, tables)).flatMap(phase => phase.operations)

/** What tables say, installed by whatever way. */
export function installedFrom(tables: Tables): Installed {
  const installed = new Installed()
  for (const operation of operationsTo(installed, tables)) installed.apply(operation)
  return installed
}

/** The state of tables with the generations that are installed. */
export function stateWith(tables: Tables, installed: Installed): MapState {
  const state = stateOf(tables)
  for (const [slot, { generation }] of installed.endpoints) state.generations.set(slot, generation)
  return state
}

/**
 * Writes the operations one by one. After each, every verdict is that of `a` or of `b`; and what a program remembered on
 * the way counts no longer at the end unless it is what `b` says.
 */
export function expectLawful(
  state: MapState,
  operations: readonly Operation[],
  a: Uint8Array,
  b: Uint8Array,
  flows: Flows,
): void {
  const remembered: { readonly flow: number; readonly slots: readonly [number, number]; readonly sum: number }[] = []
  const remember = () => {
    const generations = generationsOf(state, flows.addresses, flows.keys)
    const now = verdictsOf(state, flows.addresses, flows.keys)
    for (const [flow, verdict] of now.entries()) {
      if (verdict !== b[flow]) remembered.push({ flow, ...generations[flow]! })
    }
    return now
  }
  remember()
  for (const [index, operation] of operations.entries()) {
    write(state, operation)
    const now = remember()
    const third = now.findIndex((verdict, flow) => verdict !== a[flow] && verdict !== b[flow])
    if (third >= 0) {
      throw new Error(`third verdict of flow ${third} after operation ${index}: ${JSON.stringify(operation)}`)
    }
  }
  const stale = remembered.find(({ slots, sum }) => sumOf(state, slots) === sum)
  if (stale !== undefined) throw new Error(`flow ${stale.flow} keeps a verdict that no longer holds`)
}

export function expectEqualStates(state: MapState, tables: Tables): void {
  const wanted = stateOf(tables)
  expect([...state.addresses.keys()].sort()).to.deep.equal([...wanted.addresses.keys()].sort())
  expect([...state.prefixes.keys()].sort()).to.deep.equal([...wanted.prefixes.keys()].sort())
  expect([...state.cells].sort()).to.deep.equal([...wanted.cells].sort())
}
