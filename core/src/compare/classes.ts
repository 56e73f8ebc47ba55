import type { LabelMap } from '../identity/labels.js'
import { prefixText } from '../address/address.js'
import { entryOf } from '../multimap.js'
import type { Direction, Family } from '../policy/rule.js'
import { type End, endsOf, type Reading } from './ends.js'
import { judgeSide, freeRow, type SideRow } from './side.js'
import type { BookRule, Face, RuleBook } from './rule-book.js'

/** What the rules of one state make of an end. */
export interface Standing {
  readonly rules: Readonly<Record<Direction, readonly BookRule[]>>
  /** Texts of the peer selectors that mean it; for pods and nodes, to other nodes and their pods. */
  readonly meant: ReadonlySet<string>
  /** To its own pods for a node, to its own node for a pod. */
  readonly meantByOwn: ReadonlySet<string>
  readonly ports: ReadonlyMap<string, number>
  readonly key: string
}

/** Ends that no rule of any of the states tells apart. */
export interface EndClass {
  readonly kind: End['kind']
  readonly family: Family
  readonly members: readonly End[]
  /** By state. */
  readonly standings: readonly Standing[]
  /** True when what rules can ask of the members is the same in every state. */
  readonly steady: boolean
}

/** Sorts ends into classes; what it learns of one it knows of others like it. */
export class Classifier {
  readonly #judges: readonly Standings[]

  constructor(readings: readonly Reading[]) {
    this.#judges = readings.map(({ book }) => new Standings(book))
  }

  classesOf(ends: Iterable<End>): EndClass[] {
    const classes = new Map<string, EndClass & { readonly members: End[] }>()
    for (const end of ends) {
      const standings = end.faces.map((face, at) => this.#judges[at]!.of(face, end.ownFaces?.[at]))
      const steady = isSteady(end)
      const key = [end.kind, end.family, steady, ...standings.map(standing => standing.key)].join('|')
      const { kind, family } = end
      entryOf(classes, key, () => ({ kind, family, members: [], standings, steady })).members.push(end)
    }
    return [...classes.values()]
  }
}

/** The classes of everybody whom rules of the states could tell apart, unless it is told of whom. */
export const classesOf = (readings: readonly Reading[], ends: Iterable<End> = endsOf(readings)): EndClass[] =>
  new Classifier(readings).classesOf(ends)

/**
 * The rules of one end that speak of its traffic with another in one state, in deciding order.
 * @param own whether a node among them is the pod's own
 */
export function matchingRules(
  state: number,
  direction: Direction,
  subject: EndClass,
  peer: EndClass,
  own: boolean,
): readonly BookRule[] {
  const other = peer.standings[state]!
  const meant = own ? other.meantByOwn : other.meant
  return subject.standings[state]!.rules[direction].filter(
    ({ peers }) => peers === 'any' || peers.some(text => meant.has(text)),
  )
}

/** What one end says about its traffic with another in one state. */
export function rowOf(state: number, direction: Direction, subject: EndClass, peer: EndClass, own: boolean): SideRow {
  const matching = matchingRules(state, direction, subject, peer, own)
  const destination = direction === 'egress' ? peer : subject
  return matching.length === 0 ? freeRow : judgeSide(matching, destination.standings[state]!.ports)
}

/** Whether the states know somebody alike. */
export function isSteady({ faces, hosts }: End): boolean {
  const [first, ...rest] = faces
  return (
    hosts.every(host => host === hosts[0]) &&
    rest.every(
      face =>
        face.labels === first!.labels &&
        face.address === first!.address &&
        portsText(face.ports, () => true) === portsText(first!.ports, () => true),
    )
  )
}

const portsText = (ports: ReadonlyMap<string, number>, asked: (key: string) => boolean): string =>
  [...ports]
    .filter(([key]) => asked(key))
    .map(([key, number]) => `${key}=${number}`)
    .sort()
    .join()

const nobody: ReadonlySet<string> = new Set()

/** Standings of one state; equal faces share one. */
class Standings {
  readonly #book: RuleBook
  readonly #names: ReadonlySet<string>
  readonly #numbers = new Map<string, number>()
  readonly #labels = new Map<LabelMap, number>()
  readonly #known = new Map<string, Standing>()

  constructor(book: RuleBook) {
    this.#book = book
    this.#names = new Set(book.rules.flatMap(({ names }) => names.map(({ name }) => name)))
  }

  of(face: Face, own: Face | undefined): Standing {
    const ports = portsText(face.ports, key => this.#names.has(key.slice(key.indexOf('/') + 1)))
    const labels = entryOf(this.#labels, face.labels, () => this.#labels.size)
    const ownLabels = own === undefined ? '' : entryOf(this.#labels, own.labels, () => this.#labels.size)
    const key = `${face.kind} ${labels} ${ownLabels} ${ports} ${prefixText(face.address)}`
    return entryOf(this.#known, key, () => this.#standing(face, own, ports))
  }

  #standing(face: Face, own: Face | undefined, portsOfIt: string): Standing {
    // A node judges its own traffic as the host that it is to itself; the world is judged by nobody.
    const labels = face.kind === 'pod' ? face.labels : face.kind === 'node' ? own?.labels : undefined
    const ingress = labels === undefined ? [] : this.#book.selecting(labels, 'ingress')
    const egress = labels === undefined ? [] : this.#book.selecting(labels, 'egress')
    const meant = this.#book.meaning(face)
    const meantByOwn = own === undefined ? nobody : this.#book.meaning(own)
    const number = (text: string): number => entryOf(this.#numbers, text, () => this.#numbers.size)
    const ids = (rules: readonly BookRule[]): number => number(rules.map(({ id }) => id).join())
    const texts = (set: ReadonlySet<string>): number => number([...set].sort().join('\n'))
    const key = [ids(ingress), ids(egress), texts(meant), texts(meantByOwn), portsOfIt].join(':')
    return { rules: { ingress, egress }, meant, meantByOwn, ports: face.ports, key }
  }
}
