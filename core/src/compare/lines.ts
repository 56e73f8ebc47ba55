import { entryOf } from '../multimap.js'
import type { Family } from '../policy/rule.js'
import { classOrder } from './order.js'
import { type End, namedPrefixes, type Reading, worldEnds } from './ends.js'
import type { ChangeKind, Difference, PairChange, PortNaming } from './compare.js'
import { type Outcome, outcomeText } from './outcome.js'
import { type NamedEnd, Parties, type Party, partyText, settledParties, withRemainders } from './parties.js'
import { type KeyRange, keyRanges } from './port-text.js'
import { Remainders } from './remainders.js'

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

/** Ends by what names them; those with equal names have one number. */
interface NamedEnds {
  readonly parties: ReadonlyMap<string, NamedEnd>
  readonly number: number
}

/** Numbers texts: names of pods to come are long, and there may be millions of lines about few of them. */
class Texts {
  readonly #numbers = new Map<string, number>()

  numberOf(text: string): number {
    return entryOf(this.#numbers, text, () => this.#numbers.size)
  }
}

interface Line {
  readonly from: NamedEnds
  readonly to: NamedEnds
  readonly families: ReadonlySet<Family>
  readonly difference: Difference
  /** Of what the difference says. */
  readonly text: number
}

/** Joins changes that differ in one end, or in the family of addresses alone. */
export function linesOf(changes: readonly PairChange[], readings: readonly Reading[]): FlowChange[] {
  if (changes.length === 0) return []
  const parties = new Parties(readings)
  const prefixes = namedPrefixes(readings)
  const outside = new Set([...worldEnds(readings, prefixes)].map(({ name }) => name))
  const remainders = new Remainders(prefixes, outside)
  const names = new Texts()
  const said = new Texts()
  const known = { true: new Map<readonly End[], NamedEnds>(), false: new Map<readonly End[], NamedEnds>() }
  const endsOf = (members: readonly End[], isOwn: boolean): NamedEnds =>
    entryOf(known[`${isOwn}`], members, () => named(parties.of(members, isOwn), names))
  const texts = new Map<Difference, number>()
  const single = changes.flatMap(({ from, fromMembers, toMembers, own, differences }) => {
    const isOwn = own.at(-1) ?? false
    return differences.map(
      (difference): Line => ({
        from: endsOf(fromMembers, isOwn),
        to: endsOf(toMembers, isOwn),
        families: family[from.family],
        difference,
        text: entryOf(texts, difference, () => said.numberOf(textOf(difference))),
      }),
    )
  })
  // Families first: a flow is the same to a reader, whichever of its addresses is used.
  const byFamily = joined(single, names, line => `${line.from.number} ${line.to.number}`)
  const bySource = joined(byFamily, names, line => `${line.to.number} ${familiesOf(line)}`)
  const lines = joined(bySource, names, line => `${line.from.number} ${familiesOf(line)}`)
  return lines
    .filter(({ from, to }) => !isItself([...from.parties.values()], [...to.parties.values()]))
    .map(({ from, to, families, difference }) => ({
      change: difference.change,
      from: sorted(from.parties, remainders),
      to: sorted(to.parties, remainders),
      families: [...families].sort(),
      ports: keyRanges(difference.keys),
      ...(difference.portNames !== undefined && { portNames: difference.portNames }),
      before: difference.before,
      after: difference.after,
    }))
    .sort(classOrder)
}

/** One line for all that say the same and have a key in common. */
function joined(lines: readonly Line[], names: Texts, key: (line: Line) => string): Line[] {
  const groups = new Map<string, Line[]>()
  for (const line of lines) entryOf(groups, `${line.text} ${key(line)}`, () => []).push(line)
  return [...groups.values()].map(group => ({
    ...group[0]!,
    from: united(
      group.map(({ from }) => from),
      names,
    ),
    to: united(
      group.map(({ to }) => to),
      names,
    ),
    families: new Set(group.flatMap(({ families }) => [...families])),
  }))
}

function united(ends: readonly NamedEnds[], names: Texts): NamedEnds {
  const [first, ...others] = new Set(ends)
  if (others.length === 0) return first!
  return named(
    [first!, ...others].flatMap(({ parties }) => [...parties.values()]),
    names,
  )
}

function named(ends: readonly NamedEnd[], names: Texts): NamedEnds {
  const parties = new Map(ends.map(each => [keyOf(each), each]))
  return { parties, number: names.numberOf([...parties.keys()].sort().join('\u0001')) }
}

const family: Readonly<Record<Family, ReadonlySet<Family>>> = { 4: new Set([4]), 6: new Set([6]) }
const keyOf = ({ kind, name, only, end }: NamedEnd): string =>
  `${kind} ${name} ${only ?? ''} ${end?.prospect?.within ?? ''}`
const familiesOf = ({ families }: Line): string => [...families].sort().join()
const textOf = ({ change, keys, portNames, before, after }: Difference): string =>
  [change, keys.join(), JSON.stringify(portNames), outcomeText(before), before.l7, outcomeText(after), after.l7].join(
    '\n',
  )

const sorted = (parties: ReadonlyMap<string, NamedEnd>, remainders: Remainders): Party[] =>
  settledParties(withRemainders([...parties.values()], remainders)).sort((a, b) =>
    partyText(a) < partyText(b) ? -1 : 1,
  )

/** One pod with itself. */
const isItself = (from: readonly Party[], to: readonly Party[]): boolean =>
  from.length === 1 &&
  to.length === 1 &&
  from[0]!.pods.length === 1 &&
  from[0]!.pods[0] === to[0]!.pods[0] &&
  to[0]!.pods.length === 1
