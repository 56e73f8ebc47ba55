import { parseAddress, type Prefix } from '../address/address.js'
import { classesOf, type EndClass } from '../compare/classes.js'
import type { Reading } from '../compare/ends.js'
import type { Resident } from '../compare/residents.js'
import { derivedKeys, type LabelMap } from '../identity/labels.js'
import { nodeLabels, placeKeys } from '../identity/node-labels.js'
import { entryOf } from '../multimap.js'
import { matchesSelector, selectorText } from '../policy/match.js'
import type { LabelSelector } from '../policy/selector.js'
import { type WrittenPolicy, writtenPolicies } from './written.js'

/** A node by name, and its labels as a peer. */
export interface LintNode {
  readonly name: string
  readonly labels: LabelMap
  readonly addresses: readonly Prefix[]
}

/** A state prepared for questions about selectors. */
export class LintCluster {
  readonly reading: Reading
  readonly policies: readonly WrittenPolicy[]
  readonly pods: readonly Resident[]
  readonly nodes: readonly LintNode[]
  readonly #byNamespace = new Map<string, Resident[]>()
  readonly #matching = new Map<string, readonly Resident[]>()
  readonly #addresses = new Map<Resident, readonly Prefix[]>()
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

  addressesOf(pod: Resident): readonly Prefix[] {
    return entryOf(this.#addresses, pod, () => pod.pod.addresses.flatMap(text => parseAddress(text) ?? []))
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
