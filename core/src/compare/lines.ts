import { entryOf } from '../multimap.js'
import type { Family } from '../policy/rule.js'
import { classOrder } from './order.js'
import type { Reading } from './ends.js'
import type { ChangeKind, Difference, PairChange, PortNaming } from './compare.js'
import { type Outcome, outcomeText } from './outcome.js'
import { type NamedEnd, Parties, type Party, partyText, settledParties } from './parties.js'
import { type KeyRange, keyRanges } from './port-text.js'

/** Flows that change alike: everybody of `from` to everybody of `to` on the ports. A pod's flows to itself never change. */
export interface FlowChange {
  readonly change: ChangeKind
  readonly from: readonly Party[]
  readonly to: readonly Party[]
  /** Address families; both unless only one of those that the ends have changes. */
  readonly families: readonly Family[]
  readonly ports: readonly KeyRange[]
  /** Of pods to come: the names that the ports have, and those that they don't. Absent when it is all the same. */
  readonly portNames?: PortNaming
  readonly before: Outcome
  readonly after: Outcome
}

interface Line {
  readonly from: ReadonlyMap<string, NamedEnd>
  readonly to: ReadonlyMap<string, NamedEnd>
  readonly families: ReadonlySet<Family>
  readonly difference: Difference
  readonly text: string
}

/** Joins changes that differ in one end, or in the family of addresses alone. */
export function linesOf(changes: readonly PairChange[], readings: readonly Reading[]): FlowChange[] {
  if (changes.length === 0) return []
  const parties = new Parties(readings)
  const single = changes.flatMap(({ from, fromMembers, toMembers, own, differences }) => {
    const isOwn = own.at(-1) ?? false
    const ends = { from: named(parties.of(fromMembers, isOwn)), to: named(parties.of(toMembers, isOwn)) }
    return differences.map(
      (difference): Line => ({ ...ends, families: new Set([from.family]), difference, text: textOf(difference) }),
    )
  })
  // Families first: a flow is the same to a reader, whichever of its addresses is used.
  const byFamily = joined(single, line => [keysOf(line.from), keysOf(line.to)])
  const bySource = joined(byFamily, line => [keysOf(line.to), familiesOf(line)])
  const lines = joined(bySource, line => [keysOf(line.from), familiesOf(line)])
  return lines
    .filter(({ from, to }) => !isItself([...from.values()], [...to.values()]))
    .map(({ from, to, families, difference }) => ({
      change: difference.change,
      from: sorted(from),
      to: sorted(to),
      families: [...families].sort(),
      ports: keyRanges(difference.keys),
      ...(difference.portNames !== undefined && { portNames: difference.portNames }),
      before: difference.before,
      after: difference.after,
    }))
    .sort(classOrder)
}

/** One line for all that have a text and a key in common. */
function joined(lines: readonly Line[], key: (line: Line) => readonly string[]): Line[] {
  const groups = new Map<string, Line[]>()
  for (const line of lines) entryOf(groups, [line.text, ...key(line)].join('\u0000'), () => []).push(line)
  return [...groups.values()].map(group => ({
    ...group[0]!,
    from: new Map(group.flatMap(({ from }) => [...from])),
    to: new Map(group.flatMap(({ to }) => [...to])),
    families: new Set(group.flatMap(({ families }) => [...families])),
  }))
}

const named = (parties: readonly NamedEnd[]): Map<string, NamedEnd> => new Map(parties.map(each => [keyOf(each), each]))
const keyOf = ({ kind, name, only, end }: NamedEnd): string =>
  `${kind} ${name} ${only ?? ''} ${end?.prospect?.within ?? ''}`
const keysOf = (parties: ReadonlyMap<string, NamedEnd>): string => [...parties.keys()].sort().join('\u0001')
const familiesOf = ({ families }: Line): string => [...families].sort().join()
const textOf = ({ change, keys, portNames, before, after }: Difference): string =>
  [change, keys.join(), JSON.stringify(portNames), outcomeText(before), before.l7, outcomeText(after), after.l7].join(
    '\n',
  )

const sorted = (parties: ReadonlyMap<string, NamedEnd>): Party[] =>
  settledParties([...parties.values()]).sort((a, b) => (partyText(a) < partyText(b) ? -1 : 1))

/** One pod with itself. */
const isItself = (from: readonly Party[], to: readonly Party[]): boolean =>
  from.length === 1 &&
  to.length === 1 &&
  from[0]!.pods.length === 1 &&
  from[0]!.pods[0] === to[0]!.pods[0] &&
  to[0]!.pods.length === 1
