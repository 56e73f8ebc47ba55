import type { EgressDelta, EgressTables } from '@weir/core/tables/tables.js'
import { codecs } from '../codec/maps.js'
import type { MapWrite } from '../reconcile/batch.js'
import {
  egressActs,
  egressLength,
  egressPass,
  egressSource,
  egressWinner,
  egressWrite,
  leavingWrite,
  masqueradeWrite,
  unmaskedWrite,
} from './encode.js'

/** Entries of the maps by name, which is the map's and the key's. */
export type Entries = ReadonlyMap<string, MapWrite>

export const nameOf = ({ map, key }: MapWrite): string => `${map} ${key.join()}`

const byName = (writes: readonly MapWrite[]): Entries => new Map(writes.map(write => [nameOf(write), write]))

/** The switches of the programs, by the tables. */
const switchesOf = ({ egressRules, masquerade }: EgressTables): MapWrite =>
  leavingWrite(
    [...masquerade].map(([, row]) => row),
    egressRules.size > 0,
  )

/** What the maps are to hold. */
export function entriesOf(tables: EgressTables): Entries {
  const { egressRules, nonMasquerade, masquerade } = tables
  return byName([
    ...[...egressRules].map(([, row]) => egressWrite(row, row)),
    ...[...nonMasquerade].map(([prefix]) => unmaskedWrite(prefix, true)),
    ...[...masquerade].map(([ifindex, row]) => masqueradeWrite(ifindex, row)),
    switchesOf(tables),
  ])
}

/** What a delta changes of the maps, in no order; entries that go have no value. */
export function changesOf({ egressRules, nonMasquerade, masquerade }: EgressDelta, tables: EgressTables): Entries {
  return byName([
    ...egressRules.map(({ before, after }) => egressWrite((after ?? before)!, after)),
    ...nonMasquerade.map(({ before, after }) => unmaskedWrite((after ?? before)!.prefix, after !== undefined)),
    ...masquerade.map(({ before, after }) => masqueradeWrite((after ?? before)!.ifindex, after)),
    switchesOf(tables),
  ])
}

/** What leads from what is there to what is wanted. */
export function differences(there: Entries, wanted: Entries): Entries {
  const gone = [...there.values()].filter(write => !wanted.has(nameOf(write)))
  return new Map([...wanted, ...byName(gone.map(({ map, key }) => ({ map, key, value: undefined })))])
}

/**
 * Changes in an order by which each packet meets what either state says. A rule that acts beats masquerading, so:
 *
 * - Rules of the new state come first, but where masquerading changes too only those that act: a packet that the new state
 *   leaves to masquerading is left to it once that is the new state's.
 * - Then masquerading: what is masked no more isn't before its other tables change, what is from now on only after them. A
 *   destination that both leave unmasked is unmasked all the time, and one that both mask is masked all the time.
 * - Then rules go that the new state doesn't have.
 *
 * Rules come the longest first and go the shortest first, so that no packet meets one that is in neither state the
 * longest for it.
 */
export function planned(there: Entries, changes: Entries): readonly MapWrite[] {
  const writes = [...changes.values()].filter(write => !isSame(there.get(nameOf(write)), write))
  const rules = writes.filter(isRule)
  const masks = writes.filter(write => !isRule(write) && !isSwitch(write))
  const switches = switchesBetween(there, writes.find(isSwitch))
  const isMaskChanged = masks.length > 0 || switches.isMaskChanged
  const first = isMaskChanged ? rulesThatAct(there, rules) : rules.filter(isUpdate)
  const left = new Map([...there, ...byName(first)])
  return [
    ...longestFirst(first),
    ...switches.rulesOn,
    ...switches.masksOff,
    ...masks.filter(isUpdate),
    ...switches.masksOn,
    ...masks.filter(write => !isUpdate(write)),
    ...longestFirst(rules.filter(write => isUpdate(write) && !isSame(left.get(nameOf(write)), write))),
    ...rulesToEnd(rules, first, there),
    ...switches.rulesOff,
  ]
}

const longestFirst = (rules: readonly MapWrite[]): readonly MapWrite[] =>
  [...rules].sort((a, b) => egressLength(b) - egressLength(a))

/** The rules of the old state, and those that were for the time between alone. */
function rulesToEnd(rules: readonly MapWrite[], between: readonly MapWrite[], there: Entries): readonly MapWrite[] {
  const wanted = new Map([...there, ...byName(rules)])
  const all = byName([...rules.filter(write => !isUpdate(write)), ...between])
  return [...all.values()]
    .filter(write => wanted.get(nameOf(write))?.value === undefined)
    .map(({ map, key }) => ({ map, key, value: undefined }))
    .sort((a, b) => egressLength(a) - egressLength(b))
}

/**
 * Of the sources whose rules change: at each block of either state the new state's rule if that acts, else the old state's.
 */
function rulesThatAct(there: Entries, changed: readonly MapWrite[]): readonly MapWrite[] {
  const sources = new Set(changed.map(egressSource))
  const before = [...there.values()].filter(write => isRule(write) && sources.has(egressSource(write)))
  const after = new Map([...byName(before), ...byName(changed)])
  const blocks = [...after.values()]
  const wanted = blocks.filter(isUpdate)
  return blocks.flatMap((block): MapWrite[] => {
    const next = egressWinner(wanted, block)
    const value = next !== undefined && egressActs(next) ? next : (egressWinner(before, block) ?? egressPass)
    const write = { ...block, value }
    return isSame(there.get(nameOf(block)), write) ? [] : [write]
  })
}

const isRule = ({ map }: MapWrite): boolean => map === 'weir_egress4' || map === 'weir_egress6'

const isSwitch = ({ map }: MapWrite): boolean => map === 'weir_leaving'

const isUpdate = ({ value }: MapWrite): boolean => value !== undefined

interface SwitchWrites {
  readonly isMaskChanged: boolean
  readonly rulesOn: readonly MapWrite[]
  readonly masksOff: readonly MapWrite[]
  readonly masksOn: readonly MapWrite[]
  readonly rulesOff: readonly MapWrite[]
}

/** The writes of the one entry that says what is on, from the old state's to the new one's. */
function switchesBetween(there: Entries, wanted: MapWrite | undefined): SwitchWrites {
  if (wanted?.value === undefined) return { isMaskChanged: false, rulesOn: [], masksOff: [], masksOn: [], rulesOff: [] }
  const old = there.get(nameOf(wanted))?.value
  const from = old === undefined ? { masquerades: 0, rules: 0 } : codecs.leaving.read(old)
  const to = codecs.leaving.read(wanted.value)
  let now = from
  const turn = (next: typeof from): readonly MapWrite[] => {
    if (next.masquerades === now.masquerades && next.rules === now.rules) return []
    now = next
    return [{ ...wanted, value: codecs.leaving.encode(next) }]
  }
  return {
    isMaskChanged: from.masquerades !== to.masquerades,
    rulesOn: turn({ ...now, rules: from.rules | to.rules }),
    masksOff: turn({ ...now, masquerades: from.masquerades & to.masquerades }),
    masksOn: turn({ ...now, masquerades: to.masquerades }),
    rulesOff: turn(to),
  }
}

const isSame = (a: MapWrite | undefined, b: MapWrite): boolean =>
  a === undefined || a.value === undefined || b.value === undefined
    ? a?.value === b.value
    : Buffer.compare(a.value, b.value) === 0
