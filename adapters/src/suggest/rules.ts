import { counted } from '@weir/core/counted.js'
import type { ClusterState, Labels, PodFact } from '@weir/core'
import { parseAddress, parsePrefix } from '@weir/core/address/address.js'
import { workloadName } from '@weir/core/compare/residents.js'
import { LabelFilter } from '@weir/core/identity/filter.js'
import { entryOf } from '@weir/core/multimap.js'
import { blocksAround } from './blocks.js'
import type { Dialect, SuggestedPeer, SuggestedRule } from './policy-object.js'
import { portsOfKeys } from './seen-ports.js'
import { addressesInside, type SeenEnd } from './seen-traffic.js'
import { tellingLabels } from './telling-labels.js'

export interface RuleOptions {
  readonly dialect: Dialect
  /** Most blocks of addresses of a family that one rule names before they are made wider. */
  readonly blocksMost: number
}

/** Turns ends that were seen into rules, and gathers what these say more, or less, than was seen. */
export class RuleMaker {
  readonly #state: ClusterState
  readonly #options: RuleOptions
  readonly #filter: LabelFilter
  readonly #notes = new Set<string>()

  /** @param state The state that the policy is to be put into. */
  constructor(state: ClusterState, options: RuleOptions) {
    this.#state = state
    this.#options = options
    this.#filter = new LabelFilter(state.agent?.fact.labelFilter)
  }

  /** What a reader should know: one sentence each. */
  get notes(): readonly string[] {
    return [...this.#notes]
  }

  /** The labels that mean a workload's pods; each set of them is a peer of its own. */
  labelsOf(workload: string, seen: readonly PodFact[]): readonly Labels[] {
    const namespace = workload.slice(0, workload.indexOf('/'))
    const there = [...this.#state.pods.values()].map(({ fact }) => fact).filter(pod => pod.namespace === namespace)
    const own = there.filter(pod => workloadName(pod) === workload && !pod.hostNetwork)
    const others = there.filter(pod => workloadName(pod) !== workload && !pod.hostNetwork)
    const told = tellingLabels(
      [...seen, ...own].map(({ labels }) => labels),
      others.map(({ labels }) => labels),
      key => this.#filter.keeps(key),
    )
    if (told.some(({ exact }) => !exact))
      this.#notes.add(`the labels of ${workload} don't tell it from other pods of its namespace: these are meant, too`)
    return told.map(({ labels }) => labels)
  }

  /** Peers with the same ports share a rule, so that nobody gets a port that he wasn't seen with. */
  rulesOf(ends: readonly SeenEnd[]): readonly SuggestedRule[] {
    const groups = new Map<string, SeenEnd[]>()
    for (const end of ends) {
      const keys = [...end.keys].sort((a, b) => a - b).join()
      entryOf(groups, keys, () => []).push(end)
    }
    return [...groups.values()].map(group => {
      const ports = portsOfKeys(group[0]!.keys)
      this.#noteUnsaid(ports)
      return { peers: this.#peersOf(group), ports }
    })
  }

  #noteUnsaid({ icmpTypes, unsaid }: SuggestedRule['ports']): void {
    if (icmpTypes.length > 0 && this.#options.dialect === 'k8s')
      this.#notes.add('a NetworkPolicy has no words for ICMP: --dialect cilium has')
    for (const protocol of unsaid) this.#notes.add(`no policy has words for protocol ${protocol}`)
  }

  #peersOf(group: readonly SeenEnd[]): readonly SuggestedPeer[] {
    const peers: SuggestedPeer[] = []
    const entities = new Set<'host' | 'remote-node'>()
    const nodes: string[] = []
    const outside: string[] = []
    for (const { peer } of group)
      if (peer.kind === 'pods') {
        const namespace = peer.workload.slice(0, peer.workload.indexOf('/'))
        for (const labels of this.labelsOf(peer.workload, peer.pods)) peers.push({ kind: 'pods', namespace, labels })
      } else if (peer.kind === 'outside') outside.push(peer.address)
      else if (this.#options.dialect === 'cilium') entities.add(peer.isOwn ? 'host' : 'remote-node')
      else nodes.push(...peer.addresses)
    for (const entity of entities) peers.push({ kind: 'entity', entity })
    const taken = addressesInside(this.#state).flatMap(text => parseAddress(text) ?? parsePrefix(text) ?? [])
    const { blocks, widened } = blocksAround(outside, this.#options.blocksMost, taken)
    if (widened)
      this.#notes.add(
        `${counted(new Set(outside).size, 'address outside is', 'addresses outside are')} in ${counted(blocks.length, 'wider block')}`,
      )
    const all = [...blocks, ...blocksAround(nodes, Number.POSITIVE_INFINITY, []).blocks]
    if (all.length > 0) peers.push({ kind: 'blocks', blocks: all })
    return peers
  }
}
