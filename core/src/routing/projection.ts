import type { Prefix } from '../address/address.js'
import { empty } from '../empty.js'
import type { NodeFact, WeirEvent } from '../event/event.js'
import { dropFrom, entryOf } from '../multimap.js'
import { type ClusterState, objectKey } from '../state/state.js'
import { addressesOutside, blocksOf } from './pod-sources.js'
import { claimsOfNode, claimsOfPod, type TunnelClaim } from './tunnel-claims.js'
import type { TunnelRow } from './tunnel-rows.js'

type Cluster = Pick<ClusterState, 'agent' | 'nodes' | 'pods'>

/** A node as the rows have it. */
interface KnownNode {
  readonly fact: NodeFact
  readonly blocks: readonly Prefix[]
}

/**
 * `tunnelRows`, event by event: what a node or a pod changes costs its own rows. Pods are looked at one by one only where
 * they are in no block of their node; all of them when a node loses a block or when this node becomes another one.
 */
export class Tunnels {
  /** Prefixes whose row may have changed since the digest looked. */
  readonly touched = new Set<string>()
  readonly #state: Cluster
  readonly #dirtyNodes = new Set<string>()
  readonly #dirtyPods = new Set<string>()
  #allIsDirty = false
  #own: string | undefined
  readonly #nodes = new Map<string, KnownNode>()
  /** Pods that are in no block of their node, by node, and the reverse. */
  readonly #strays = new Map<string, Set<string>>()
  readonly #strayOf = new Map<string, string>()
  /** Who asks for rows, by prefix; and what each asks for. */
  readonly #claims = new Map<string, Map<string, TunnelClaim>>()
  readonly #claimed = new Map<string, readonly string[]>()

  constructor(state: Cluster) {
    this.#state = state
  }

  /** Notes what an event, which the state has taken in already, makes dirty. */
  observe(event: WeirEvent): void {
    if (this.#allIsDirty) return
    switch (event.kind) {
      case 'pod.upserted':
        this.#dirtyPods.add(objectKey(event.pod.namespace, event.pod.name))
        break
      case 'pod.deleted': {
        // What came and went between two settlings must not gather until the next one.
        const key = objectKey(event.namespace, event.name)
        if (this.#strayOf.has(key)) this.#dirtyPods.add(key)
        else this.#dirtyPods.delete(key)
        break
      }
      case 'node.upserted':
        this.#dirtyNodes.add(event.node.name)
        break
      case 'node.deleted':
        if (this.#nodes.has(event.name)) this.#dirtyNodes.add(event.name)
        else this.#dirtyNodes.delete(event.name)
        break
      case 'agent.configured':
        this.#allIsDirty = event.agent.node !== this.#own
        break
    }
  }

  /** Takes in a whole state, as a snapshot brings it. */
  resume(): void {
    this.#allIsDirty = true
  }

  /** Brings the rows up to the state. */
  settle(): void {
    if (this.#allIsDirty) this.#settleAll()
    else this.#settleDirty()
    empty(this.#dirtyNodes)
    empty(this.#dirtyPods)
    this.#allIsDirty = false
  }

  #settleAll(): void {
    const { agent, nodes, pods } = this.#state
    this.#own = agent?.fact.node
    for (const name of this.#nodes.keys()) if (!nodes.has(name)) this.#settleNode(name)
    for (const name of nodes.keys()) this.#settleNode(name)
    for (const key of [...this.#strayOf.keys()]) if (!pods.has(key)) this.#settlePod(key)
    for (const key of pods.keys()) this.#settlePod(key)
  }

  #settleDirty(): void {
    const shrunk = new Set<string>()
    for (const name of this.#dirtyNodes) if (this.#settleNode(name)) shrunk.add(name)
    if (shrunk.size > 0)
      for (const [key, { fact }] of this.#state.pods) if (shrunk.has(fact.node)) this.#dirtyPods.add(key)
    for (const key of this.#dirtyPods) this.#settlePod(key)
  }

  /** The row of a prefix, settled. */
  row(prefix: string): TunnelRow | undefined {
    let first: TunnelClaim | undefined
    for (const claim of this.#claims.get(prefix)?.values() ?? [])
      if (first === undefined || claim.rank < first.rank) first = claim
    return first
  }

  /** @returns whether pods that were in one of its blocks may be in none now */
  #settleNode(name: string): boolean {
    const before = this.#nodes.get(name)?.fact
    const fact = this.#state.nodes.get(name)?.fact
    if (fact === undefined) this.#nodes.delete(name)
    else this.#nodes.set(name, { fact, blocks: blocksOf(fact) })
    this.#claim(`node ${name}`, fact === undefined || name === this.#own ? [] : claimsOfNode(fact))
    for (const key of this.#strays.get(name) ?? []) this.#dirtyPods.add(key)
    return before?.podCidrs.some(block => fact?.podCidrs.includes(block) !== true) === true
  }

  #settlePod(key: string): void {
    const pod = this.#state.pods.get(key)?.fact
    const node = pod && this.#nodes.get(pod.node)
    const isStray = pod !== undefined && addressesOutside(node?.blocks ?? [], pod).length > 0
    const before = this.#strayOf.get(key)
    if (before === undefined && !isStray) return
    if (before !== undefined) {
      dropFrom(this.#strays, before, key)
      this.#strayOf.delete(key)
    }
    if (isStray) {
      entryOf(this.#strays, pod.node, () => new Set()).add(key)
      this.#strayOf.set(key, pod.node)
    }
    const isElsewhere = isStray && pod.node !== this.#own
    this.#claim(`pod ${key}`, isElsewhere ? claimsOfPod(pod, node?.blocks ?? [], node?.fact) : [])
  }

  #claim(owner: string, claims: readonly TunnelClaim[]): void {
    for (const prefix of this.#claimed.get(owner) ?? []) {
      const there = this.#claims.get(prefix)!
      there.delete(owner)
      if (there.size === 0) this.#claims.delete(prefix)
      this.touched.add(prefix)
    }
    for (const claim of claims) {
      const there = entryOf(this.#claims, claim.prefix, () => new Map<string, TunnelClaim>())
      const own = there.get(owner)
      // A node's own address may be a block of its pods as well.
      if (own === undefined || claim.rank < own.rank) there.set(owner, claim)
      this.touched.add(claim.prefix)
    }
    if (claims.length === 0) this.#claimed.delete(owner)
    else this.#claimed.set(owner, [...new Set(claims.map(({ prefix }) => prefix))])
  }
}
