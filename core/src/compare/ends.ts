import { parseAddress, prefixText, type Prefix } from '../address/address.js'
import { derivedKeys } from '../identity/labels.js'
import { nodeLabels, placeKeys } from '../identity/node-labels.js'
import { entryOf } from '../multimap.js'
import { selectorText } from '../policy/match.js'
import type { Family, Rule } from '../policy/rule.js'
import type { ClusterState } from '../state/state.js'
import { hypotheticals, podSelectors } from './hypothetical.js'
import type { Cube } from './key-set.js'
import { namespaceFaces } from './namespace-faces.js'
import { NamedPrefixes, nodesOf, type Resident, residentsOf, workloadName, worldLabels } from './residents.js'
import { RuleBook, type Face } from './rule-book.js'

/** All of one state that judging needs. */
export interface Reading {
  readonly book: RuleBook
  readonly residents: ReadonlyMap<string, Resident>
  readonly nodes: ReadonlyMap<string, readonly string[]>
  readonly state: ClusterState
}

/** An engine, or anything that knows inputs and the rules in force. */
export interface Readable {
  readonly state: ClusterState
  rules(): Iterable<Rule>
}

/** @param like a reading of a state that may share pods with this one */
export const readingOf = (engine: Readable, like?: Reading): Reading => ({
  book: new RuleBook(engine.rules()),
  residents: residentsOf(engine.state, like),
  nodes: nodesOf(engine.state),
  state: engine.state,
})

/** Several states, to be compared. */
export function readingsOf(engines: readonly Readable[]): Reading[] {
  const readings: Reading[] = []
  for (const engine of engines) readings.push(readingOf(engine, readings.at(-1)))
  return readings
}

/** Somebody who can send or receive at one address, in every state that is looked at. */
export interface End {
  readonly kind: 'pod' | 'hypothetical' | 'node' | 'world'
  /** `namespace/name` of a pod, a selector, a node's name ('' for one that isn't there), a prefix. */
  readonly name: string
  /** `namespace/workload` of a pod. */
  readonly workload: string
  readonly family: Family
  /** By state. Somebody who is in one state only is taken to be in the others as he is there. */
  readonly faces: readonly Face[]
  /** By state: of a pod to the node that runs it, of a node to itself and its own pods; absent where it is all the same. */
  readonly ownFaces?: readonly Face[]
  /** By state: the node that is the host to a pod. */
  readonly hosts: readonly string[]
  /** By state: whether he is really there. */
  readonly present: readonly boolean[]
  readonly pod?: Resident
  /** Of a pod or a node to come. */
  readonly prospect?: Prospect
}

/** Pods or nodes to come, as a reader can tell them from others. */
export interface Prospect {
  readonly cubes: readonly Cube[]
  /** Names of all namespaces that there are; none for nodes. */
  readonly namespaces: readonly string[]
  /** The longest prefix that rules name around their addresses; absent where they name none. */
  readonly within?: string
  /** The one pod or node that they are like: of flows with others it tells what becomes of theirs. */
  readonly like?: string
}

const families: readonly Family[] = [4, 6]

/** Everybody whom rules of the states could tell apart, over all of the states. */
export function endsOf(readings: readonly Reading[]): End[] {
  const prefixes = namedPrefixes(readings)
  const asked = askedLabels(readings)
  return [...residentEnds(readings, prefixes), ...hypotheticalEnds(readings, prefixes, asked)]
}

/** The prefixes that rules of any of the states name. */
export const namedPrefixes = (readings: readonly Reading[]): NamedPrefixes =>
  new NamedPrefixes(readings.flatMap(({ book }) => [...book.peers.values()]))

/** Pods and nodes that are there, and the world. */
export function residentEnds(readings: readonly Reading[], prefixes = namedPrefixes(readings)): End[] {
  const asked = askedLabels(readings)
  return [
    ...podEnds(readings, prefixes, asked),
    ...nodeEnds(readings, prefixes, asked),
    ...worldEnds(readings, prefixes),
  ]
}

export type AskedLabels = (labels: ReadonlyMap<string, string>) => ReadonlyMap<string, string>

/** Cuts labels down to the keys that some selector names; pods that differ in others only share one map. */
export function askedLabels(readings: readonly Reading[]): AskedLabels {
  const keys = new Set(readings.flatMap(({ book }) => [...book.keys])).add(derivedKeys.namespace)
  const known = new Map<string, ReadonlyMap<string, string>>()
  const byLabels = new WeakMap<ReadonlyMap<string, string>, ReadonlyMap<string, string>>()
  return labels => {
    let found = byLabels.get(labels)
    if (found === undefined) {
      const asked = [...labels].filter(([key]) => keys.has(key)).sort(([a], [b]) => (a < b ? -1 : 1))
      found = entryOf(known, JSON.stringify(asked), () => new Map(asked))
      byLabels.set(labels, found)
    }
    return found
  }
}

/** The same for who is a node's own: pods that share a map share this one too. */
function ownLabels(asked: AskedLabels): AskedLabels {
  const own = new Map<ReadonlyMap<string, string>, ReadonlyMap<string, string>>()
  return labels => {
    const others = asked(labels)
    return entryOf(own, others, () => asked(new Map([...others, [placeKeys.ownPod, '']])))
  }
}

/** One end per address. An address of one state pairs with the one in the same place of the other's list. */
function places(lists: readonly (readonly string[])[], prefixes: NamedPrefixes) {
  const parsed = lists.map(list => list.flatMap(text => parseAddress(text) ?? []))
  const known = families.filter(family => parsed.some(list => list.some(address => address.family === family)))
  return (known.length > 0 ? known : families).flatMap(family => {
    const own = parsed.map(list => list.filter(address => address.family === family))
    const count = Math.max(1, ...own.map(({ length }) => length))
    return Array.from({ length: count }, (_, at) => ({
      family,
      within: own.map((list): Prefix => {
        const address = list[Math.min(at, list.length - 1)]
        return address === undefined ? prefixes.unknown(family) : prefixes.around(address)
      }),
    }))
  })
}

/**
 * The pods of all states.
 * @param isWanted says by what each state knows of a pod whether it is to be among them
 */
export function* podEnds(
  readings: readonly Reading[],
  prefixes: NamedPrefixes,
  asked: AskedLabels,
  isWanted: (residents: readonly Resident[]) => boolean = () => true,
): Iterable<End> {
  const names = new Set(readings.flatMap(({ residents }) => [...residents.keys()]))
  const askedOfOwn = ownLabels(asked)
  for (const name of names) {
    const found = readings.map(({ residents }) => residents.get(name))
    const example = found.findLast(each => each !== undefined)!
    const as = found.map(each => each ?? example)
    if (!isWanted(as)) continue
    const addresses = as.map(({ pod }) => pod.addresses)
    for (const { family, within } of places(addresses, prefixes)) {
      yield {
        kind: 'pod',
        name,
        workload: workloadName(example.pod),
        family,
        ownFaces: as.map(({ labels, ports }, at) => ({
          kind: 'pod',
          labels: askedOfOwn(labels),
          ports,
          address: within[at]!,
        })),
        faces: as.map(({ labels, ports }, at) => ({ kind: 'pod', labels: asked(labels), ports, address: within[at]! })),
        hosts: as.map(({ host }) => host),
        present: found.map(each => each !== undefined),
        pod: example,
      }
    }
  }
}

const noPorts: ReadonlyMap<string, number> = new Map()

function* hypotheticalEnds(readings: readonly Reading[], prefixes: NamedPrefixes, asked: AskedLabels): Iterable<End> {
  const pods = new Set(readings.flatMap(({ residents }) => [...residents.values()].map(({ labels }) => asked(labels))))
  const selectors = podSelectors(readings.map(({ book }) => book))
  const namespaces = [...namespaceFaces(readings).values()].map(faces => faces.at(-1)!)
  for (const { selector, labels } of hypotheticals(selectors, [...pods], namespaces)) {
    const name = selectorText(selector)
    for (const family of families) {
      const face: Face = { kind: 'pod', labels, ports: noPorts, address: prefixes.unknown(family) }
      yield {
        kind: 'hypothetical',
        name,
        workload: name,
        family,
        faces: readings.map(() => face),
        hosts: readings.map(() => ''),
        present: readings.map(() => false),
      }
    }
  }
}

export function* nodeEnds(readings: readonly Reading[], prefixes: NamedPrefixes, asked: AskedLabels): Iterable<End> {
  const names = new Set(readings.flatMap(({ nodes }) => [...nodes.keys()]))
  const facesOf = (name: string, within: readonly Prefix[], isOwn: boolean): Face[] =>
    within.map((address, at) => {
      const { state } = readings.find(({ nodes }, index) => index >= at && nodes.has(name)) ?? readings[at]!
      return { kind: 'node', labels: asked(nodeLabels(state, name, isOwn)), ports: noPorts, address }
    })
  // Rules can speak of other nodes where there is one only.
  if (names.size < 2) names.add('')
  for (const name of names) {
    const found = readings.map(({ nodes }) => nodes.get(name))
    const example = found.findLast(each => each !== undefined) ?? []
    for (const { family, within } of places(
      found.map(each => each ?? example),
      prefixes,
    )) {
      yield {
        kind: 'node',
        name,
        workload: name,
        family,
        faces: facesOf(name, within, false),
        // What has no name runs nothing and judges nothing.
        ...(name !== '' && { ownFaces: facesOf(name, within, true) }),
        hosts: readings.map(() => name),
        present: found.map(each => each !== undefined),
      }
    }
  }
}

export function* worldEnds(readings: readonly Reading[], prefixes: NamedPrefixes): Iterable<End> {
  const [first, ...rest] = readings.map(({ state, nodes }) => {
    const pods = [...state.pods.values()].flatMap(({ fact }) => fact.addresses)
    return new Set([...pods, ...[...nodes.values()].flat()])
  })
  const taken = [...(first ?? [])].filter(address => rest.every(others => others.has(address)))
  for (const prefix of prefixes.withRest(taken)) {
    const { family } = prefix
    const face: Face = { kind: 'world', labels: worldLabels(family), ports: noPorts, address: prefix }
    yield {
      kind: 'world',
      name: prefixText(prefix),
      workload: prefixText(prefix),
      family,
      faces: readings.map(() => face),
      hosts: readings.map(() => ''),
      present: readings.map(() => true),
    }
  }
}
