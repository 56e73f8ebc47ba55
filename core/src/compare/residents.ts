import { parseAddress, parsePrefix, prefixText, type Prefix } from '../address/address.js'
import { PrefixTrie } from '../address/trie.js'
import type { PodFact } from '../event/event.js'
import { LabelFilter } from '../identity/filter.js'
import { namespaceLabels, podLabels } from '../identity/labels.js'
import { reservedLabel } from '../identity/reserved.js'
import { entryOf } from '../multimap.js'
import type { Family, PeerSelector } from '../policy/rule.js'
import { objectKey, type ClusterState, type Stored } from '../state/state.js'
import { namedPorts } from '../verdict/shapes.js'

/** The prefixes that rules name, the two /0s among them: within one and outside all longer ones addresses are alike. */
export class NamedPrefixes {
  readonly all = new Map<string, Prefix>()
  readonly #unknown = new Map<Family, Prefix>()
  readonly #tries: Readonly<Record<Family, PrefixTrie<Prefix>>> = { 4: new PrefixTrie(), 6: new PrefixTrie() }

  constructor(peers: Iterable<PeerSelector>) {
    for (const text of ['0.0.0.0/0', '::/0']) this.#name(text)
    for (const peer of peers) {
      if (peer.kind === 'labels') continue
      for (const block of peer.kind === 'cidr' ? [peer.cidr] : peer.cidrs) this.#name(block)
      for (const hole of peer.except) this.#name(hole)
    }
  }

  /** The longest named prefix around an address. */
  around({ family, bytes, length }: Prefix): Prefix {
    return this.#tries[family].longest(bytes, length)!
  }

  /** The named prefixes within one, itself included. */
  inside({ family, bytes, length }: Prefix): Prefix[] {
    return this.#tries[family].within(bytes, length)
  }

  /**
   * The prefix of a family that stands for an address which nobody knows yet: the widest one that has an address in no
   * longer one.
   */
  unknown(family: Family): Prefix {
    const known = this.#unknown.get(family)
    if (known !== undefined) return known
    const own = [...this.all.values()].filter(prefix => prefix.family === family).sort((a, b) => a.length - b.length)
    const found = own.find(prefix => this.leavesRest(prefix)) ?? own[0]!
    this.#unknown.set(family, found)
    return found
  }

  /** Whether a block has addresses in none of the named prefixes that are longer and within it. */
  leavesRest(block: Prefix): boolean {
    let covered = 0n
    for (const prefix of this.inside(block)) {
      if (prefix.length === block.length) continue
      const parent = this.parentOf(prefix)
      if (parent === undefined || parent.length <= block.length) covered += sizeOf(prefix)
    }
    return covered < sizeOf(block)
  }

  /**
   * The named prefixes with an address of their own: one that is in no longer named one and that nobody has.
   * @param taken addresses that somebody has
   */
  withRest(taken: Iterable<string>): Prefix[] {
    const covered = new Map<Prefix, bigint>()
    const cover = (prefix: Prefix, count: bigint): void => void covered.set(prefix, (covered.get(prefix) ?? 0n) + count)
    for (const prefix of this.all.values()) {
      const parent = this.parentOf(prefix)
      if (parent !== undefined) cover(parent, sizeOf(prefix))
    }
    for (const text of new Set(taken)) {
      const address = parseAddress(text)
      if (address !== undefined) cover(this.around(address), 1n)
    }
    return [...this.all.values()].filter(prefix => (covered.get(prefix) ?? 0n) < sizeOf(prefix))
  }

  /** The longest named prefix around a shorter part of one; undefined of a /0. */
  parentOf({ family, bytes, length }: Prefix): Prefix | undefined {
    return length === 0 ? undefined : this.#tries[family].longest(bytes, length - 1)
  }

  #name(text: string): void {
    const prefix = parsePrefix(text)
    if (prefix === undefined || this.all.has(prefixText(prefix))) return
    this.all.set(prefixText(prefix), prefix)
    this.#tries[prefix.family].set(prefix.bytes, prefix.length, prefix)
  }
}

const sizeOf = ({ family, length }: Prefix): bigint => 1n << BigInt((family === 4 ? 32 : 128) - length)

/** A pod as one state knows it. */
export interface Resident {
  readonly pod: PodFact
  readonly labels: ReadonlyMap<string, string>
  readonly ports: ReadonlyMap<string, number>
  /** The node that is the host to it; '' while there is none. */
  readonly host: string
}

/** A state and its residents, from which another state that shares facts with it takes what is the same. */
interface KnownResidents {
  readonly state: ClusterState
  readonly residents: ReadonlyMap<string, Resident>
}

/** Pods that policies can select, by `namespace/name`: those that are the node are left out. */
export function residentsOf(state: ClusterState, known?: KnownResidents): Map<string, Resident> {
  const namespaces = new Map<string, ReadonlyMap<string, string>>()
  const residents = new Map<string, Resident>()
  const isSame = (key: string, { fact }: Stored<PodFact>): boolean =>
    known !== undefined &&
    known.state.agent === state.agent &&
    known.state.pods.get(key)?.fact === fact &&
    known.state.namespaces.get(fact.namespace) === state.namespaces.get(fact.namespace) &&
    known.state.endpoints.has(key) === state.endpoints.has(key)
  for (const [key, stored] of state.pods) {
    const resident = isSame(key, stored) ? known?.residents.get(key) : residentOf(state, key, namespaces)
    if (resident !== undefined) residents.set(key, resident)
  }
  return residents
}

const nothingFiltered = new LabelFilter()

/** @param namespaces labels of namespaces that were looked up before */
export function residentOf(
  state: ClusterState,
  key: string,
  namespaces: Map<string, ReadonlyMap<string, string>> = new Map(),
): Resident | undefined {
  const agent = state.agent?.fact
  const pod = state.pods.get(key)?.fact
  if (pod === undefined || pod.hostNetwork) return undefined
  const namespace = entryOf(namespaces, pod.namespace, () =>
    namespaceLabels(pod.namespace, state.namespaces.get(pod.namespace)?.fact.labels),
  )
  const { relevant, filtered } = podLabels({ pod, namespace, cluster: agent?.cluster ?? 'default' }, nothingFiltered)
  // A pod whose interface is here runs here, whichever node that is.
  const local = state.endpoints.has(key) || (agent !== undefined && pod.node === agent.node)
  return {
    pod,
    labels: new Map([...relevant, ...filtered]),
    ports: namedPorts(pod),
    host: local ? (agent?.node ?? '') : pod.node,
  }
}

/** Addresses of nodes, those that only their hostNetwork pods or this node's devices tell of included. */
export function nodesOf(state: ClusterState): Map<string, readonly string[]> {
  const nodes = new Map<string, Set<string>>()
  for (const [name, { fact }] of state.nodes) nodes.set(name, new Set(fact.addresses))
  for (const { fact } of state.pods.values()) {
    if (!fact.hostNetwork) continue
    const addresses = entryOf(nodes, fact.node, () => new Set<string>())
    for (const address of fact.addresses) addresses.add(address)
  }
  const own = state.agent?.fact.node
  const observed = state.host?.fact.addresses ?? []
  if (own !== undefined && observed.length > 0) {
    // What a device has is this node's, whoever else claims it.
    for (const [name, addresses] of nodes) if (name !== own) for (const address of observed) addresses.delete(address)
    const addresses = entryOf(nodes, own, () => new Set<string>())
    for (const address of observed) addresses.add(address)
  }
  return new Map([...nodes].map(([name, addresses]) => [name, [...addresses]]))
}

/** Labels of what is outside of the cluster. */
export const worldLabels = (family: Family): ReadonlyMap<string, string> =>
  new Map([
    [reservedLabel('world'), ''],
    [reservedLabel(family === 4 ? 'world-ipv4' : 'world-ipv6'), ''],
  ])

/** `namespace/name` of the workload that a pod belongs to, of the pod itself when it stands alone. */
export const workloadName = ({ namespace, name, workload }: PodFact): string =>
  objectKey(namespace, workload === undefined ? name : workload.slice(workload.indexOf('/') + 1))
