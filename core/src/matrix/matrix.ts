import { classesOf, type EndClass, matchingRules, type Standing } from '../compare/classes.js'
import { type End, type Readable, readingOf, residentEnds } from '../compare/ends.js'
import { outcomesOf } from '../compare/outcome.js'
import { canBeJudged, pairsOf } from '../compare/pairs.js'
import { type KeyRange, keyRanges } from '../compare/port-text.js'
import { asksForNames, judgeSide, type SideRow } from '../compare/side.js'
import { derivedKeys } from '../identity/labels.js'
import { entryOf } from '../multimap.js'
import { everything, intersection, union, type Intervals } from '../verdict/intervals.js'

/** By what pods are taken together; a label is the pod's own, or else its namespace's. */
export type Grouping = 'workload' | 'namespace' | { readonly label: string }

/** What one group may send to another. */
export interface MatrixCell {
  readonly from: string
  readonly to: string
  /** What every member may send to every other one. */
  readonly all: readonly KeyRange[]
  /** What some member may send to some other one; as `all` where nobody is told apart. */
  readonly some: readonly KeyRange[]
  /** What passes when a proxy finds what rules ask of the traffic; none runs yet, so it doesn't. */
  readonly l7: readonly KeyRange[]
}

/** Who may talk to whom. */
export interface Matrix {
  readonly by: string
  readonly seq: number
  /** Groups of pods by name, then `host`, `remote-node`, `world` and the prefixes that policies name. */
  readonly parties: readonly string[]
  /** Every two parties of whom one is judged by some policy's rules, or could be: at least one is pods. */
  readonly cells: readonly MatrixCell[]
}

interface Sum {
  all: Intervals
  some: Intervals
  l7: Intervals
}

/** Every pair of groups and what may pass between them, from the rules alone: nothing is tried, nothing left out. */
export function matrixOf(engine: Readable, by: Grouping): Matrix {
  const readings = [readingOf(engine)]
  const classes = classesOf(readings, residentEnds(readings))
  const sums = new Map<string, Map<string, Sum>>()
  const names = new Set<string>()
  const passages = new Passages()
  // Prefixes may be many, and say nothing to each other.
  const judges = classes.filter(to => canBeJudged(to, 'ingress'))
  for (const from of classes) {
    for (const to of canBeJudged(from, 'egress') ? classes : judges) {
      for (const { fromMembers, toMembers, own } of pairsOf(from, to, 1)) {
        const passing = passages.of(from, to, own[0]!)
        const sources = groupsOf(fromMembers, by, own[0]!)
        const targets = groupsOf(toMembers, by, own[0]!)
        for (const [source, senders] of sources) {
          for (const [target, receivers] of targets) {
            if (isOnePod(senders, receivers)) continue
            names.add(source).add(target)
            const row = entryOf(sums, source, () => new Map<string, Sum>())
            const sum = entryOf(row, target, () => ({ all: everything, some: [], l7: [] }))
            sum.all = intersection(sum.all, passing.keys)
            sum.some = union(sum.some, passing.keys)
            sum.l7 = union(sum.l7, passing.l7)
          }
        }
      }
    }
  }
  const cells = [...sums].flatMap(([from, row]) =>
    [...row].map(([to, { all, some, l7 }]) => ({
      from,
      to,
      all: keyRanges(all),
      some: keyRanges(some),
      l7: keyRanges(l7),
    })),
  )
  return {
    by: typeof by === 'string' ? by : by.label,
    seq: engine.state.seq,
    parties: [...names].sort(byRank),
    cells: cells.sort((a, b) => byRank(a.from, b.from) || byRank(a.to, b.to)),
  }
}

interface Passing {
  readonly keys: Intervals
  readonly l7: Intervals
}

/** Answers that are kept: each may have thousands of ranges. */
const keptMost = 4096

/** What passes between two ends. Pairs that the same rules speak of, of which there may be many, share it. */
class Passages {
  readonly #kept = new Map<string, Passing>()
  readonly #ports = new Map<Standing['ports'], number>()

  of(from: EndClass, to: EndClass, own: boolean): Passing {
    const { ports } = to.standings[0]!
    const rules = [matchingRules(0, 'egress', from, to, own), matchingRules(0, 'ingress', to, from, own)] as const
    const ids = rules.map(each => each.map(({ id }) => id).join()).join(';')
    const names = rules.some(asksForNames) ? entryOf(this.#ports, ports, () => this.#ports.size) : ''
    if (this.#kept.size >= keptMost) this.#kept.clear()
    return entryOf(this.#kept, `${ids} ${names}`, () =>
      passingBy(judgeSide(rules[0], ports), judgeSide(rules[1], ports)),
    )
  }
}

function passingBy(egress: SideRow, ingress: SideRow): Passing {
  const keys: number[] = []
  const l7: number[] = []
  for (const { first, last, outcome } of outcomesOf(egress, ingress)) {
    if (outcome.allowed) append(keys, first, last)
    else if (outcome.l7 !== undefined) append(l7, first, last)
  }
  return { keys, l7 }
}

/** Adds a range that begins behind all others. */
function append(intervals: number[], first: number, last: number): void {
  if (intervals.at(-1) === first - 1) intervals[intervals.length - 1] = last
  else intervals.push(first, last)
}

/** Names of the members, by group. */
function groupsOf(members: readonly End[], by: Grouping, own: boolean): Map<string, Set<string>> {
  const groups = new Map<string, Set<string>>()
  for (const end of members) entryOf(groups, groupOf(end, by, own), () => new Set()).add(end.name)
  return groups
}

function groupOf({ kind, name, workload, pod }: End, by: Grouping, own: boolean): string {
  if (kind === 'node') return own ? 'host' : 'remote-node'
  if (kind === 'world') return name.endsWith('/0') ? 'world' : name
  if (pod === undefined || by === 'workload') return workload
  if (by === 'namespace') return pod.pod.namespace
  const value = pod.labels.get(by.label) ?? pod.labels.get(derivedKeys.namespaceLabels + by.label)
  return value === undefined ? `no ${by.label}` : `${by.label}=${value}`
}

/** A pod always reaches itself: a group of one says nothing about itself. */
const isOnePod = (senders: ReadonlySet<string>, receivers: ReadonlySet<string>): boolean =>
  senders.size === 1 && receivers.size === 1 && [...senders][0] === [...receivers][0]

const outside = ['host', 'remote-node', 'world']

/** Pods first, then nodes, the world, and its prefixes. */
function byRank(a: string, b: string): number {
  const rank = (name: string): number => (/^[\da-f.:]+\/\d+$/.test(name) ? outside.length : outside.indexOf(name))
  return rank(a) - rank(b) || (a < b ? -1 : a > b ? 1 : 0)
}
