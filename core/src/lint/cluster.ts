import { containsPrefix, parseAddress, type Prefix } from '../address/address.js'
import { PrefixTrie } from '../address/trie.js'
import { classesOf, type EndClass } from '../compare/classes.js'
import type { Reading } from '../compare/ends.js'
import type { Resident } from '../compare/residents.js'
import { derivedKeys, type LabelMap } from '../identity/labels.js'
import { nodeLabels, placeKeys } from '../identity/node-labels.js'
import { entryOf } from '../multimap.js'
import { matchesSelector, selectorText } from '../policy/match.js'
import type { Family } from '../policy/rule.js'
import type { LabelSelector } from '../policy/selector.js'
import { type WrittenPolicy, writtenPolicies } from './written.js'

/** A node by name, and its labels as a peer. */
export interface LintNode {
  readonly name: string
  readonly labels: LabelMap
  readonly addresses: readonly Prefix[]
}

interface PodAddress {
  readonly address: Prefix
  readonly pods: Resident[]
}

type AddressesOfPods = Readonly<Record<Family, PrefixTrie<PodAddress>>>

/** A state prepared for questions about selectors. */
export class LintCluster {
  readonly reading: Reading
  readonly policies: readonly WrittenPolicy[]
  readonly pods: readonly Resident[]
  readonly nodes: readonly LintNode[]
  readonly #byNamespace = new Map<string, Resident[]>()
  readonly #matching = new Map<string, readonly Resident[]>()
  #addresses: AddressesOfPods | undefined
  #classes: readonly EndClass[] | undefined

  constructor(reading: Reading) {
    this.reading = reading
    this.policies = [...writtenPolicies(reading.state)]
    this.pods = [...reading.residents.values()]
    for (const pod of this.pods) entryOf(this.#byNamespace, pod.pod.namespace, () => []).push(pod)
    this.nodes = [...reading.state.nodes.keys()].map(name => ({
      name,
      labels: nodeLabels(reading.state, name, false),
      addresses: (reading.nodes.get(name) ?? []).flatMap(text => parseAddress(text) ?? []),
    }))
  }

  /** Everybody whom the rules tell apart; made when first asked for. */
  get classes(): readonly EndClass[] {
    this.#classes ??= classesOf([this.reading])
    return this.#classes
  }

  /** Names of namespaces: those with an object, and those that pods are in. */
  get namespaces(): readonly string[] {
    return [...new Set([...this.reading.state.namespaces.keys(), ...this.#byNamespace.keys()])]
  }

  /** Pods of the state that a selector means. */
  matching(selector: LabelSelector): readonly Resident[] {
    return entryOf(this.#matching, selectorText(selector), () => {
      const place = selector.find(({ key, operator }) => key === derivedKeys.namespace && operator === 'In')
      const pods = place === undefined ? this.pods : place.values.flatMap(name => this.#byNamespace.get(name) ?? [])
      return pods.filter(({ labels }) => matchesSelector(selector, labels))
    })
  }

  /** Nodes that a selector means, as somebody's own node or as another. */
  matchingNodes(selector: LabelSelector): readonly LintNode[] {
    // Whether a node is its pods' own is a matter of who asks.
    const asked = selector.filter(({ key }) => key === placeKeys.node || key.startsWith(placeKeys.nodeLabels))
    return this.nodes.filter(({ labels }) => matchesSelector(asked, labels))
  }

  /** Pods with an address in a block and in none of its holes. */
  podsWithin({ family, bytes, length }: Prefix, holes: readonly Prefix[]): ReadonlySet<Resident> {
    const found = new Set<Resident>()
    for (const { address, pods } of this.#podAddresses()[family].within(bytes, length))
      if (!holes.some(hole => containsPrefix(hole, address))) for (const pod of pods) found.add(pod)
    return found
  }

  #podAddresses(): AddressesOfPods {
    this.#addresses ??= addressesOf(this.pods)
    return this.#addresses
  }

  /** Whether pods that are the node are all that a selector would match. */
  isHostNetworkOnly(selector: LabelSelector): boolean {
    const hosted = [...this.reading.state.pods.values()].filter(({ fact }) => fact.hostNetwork)
    return hosted.some(({ fact }) =>
      matchesSelector(selector, new Map([...Object.entries(fact.labels), [derivedKeys.namespace, fact.namespace]])),
    )
  }
}

export const podName = ({ pod }: Resident): string => `${pod.namespace}/${pod.name}`

function addressesOf(pods: readonly Resident[]): AddressesOfPods {
  const found = { 4: new PrefixTrie<PodAddress>(), 6: new PrefixTrie<PodAddress>() }
  for (const pod of pods)
    for (const text of pod.pod.addresses) {
      const address = parseAddress(text)
      if (address === undefined) continue
      const known = found[address.family].get(address.bytes, address.length)
      if (known !== undefined) known.pods.push(pod)
      else found[address.family].set(address.bytes, address.length, { address, pods: [pod] })
    }
  return found
}
