import { empty } from '../empty.js'
import type { PodFact } from '../event/event.js'
import { nodeLabels } from '../identity/node-labels.js'
import { dropFrom, entryOf } from '../multimap.js'
import type { Identity } from '../identity/identities.js'
import { reservedIdentities } from '../identity/reserved.js'
import type { Workload } from '../identity/workloads.js'
import type { ClusterState } from '../state/state.js'
import type { Claimant, Shape } from './model.js'
import { NumberPool } from './number-pool.js'
import type { Ownership } from './ownership.js'
import { NodeShapes, type Shapes } from './shapes.js'
import type { Subjects } from './subjects.js'

/** What claimants are entered into. */
export interface ClaimantPlaces {
  readonly state: ClusterState
  readonly shapes: Shapes
  readonly ownership: Ownership
  readonly subjects: Subjects
}

/**
 * Pods and nodes as the tables see them: shape, addresses, for local pods a subject and an endpoint slot, and for this
 * node, which its devices speak for too, a subject while a policy selects it.
 */
export class Claimants {
  /** Local pods whose endpoint may have changed. */
  readonly dirty = new Set<Claimant>()
  /** Slots that were given up. */
  readonly vacated = new Set<number>()
  readonly dirtyNodes = new Set<string>()
  readonly #state: ClusterState
  readonly #shapes: Shapes
  readonly #ownership: Ownership
  readonly #subjects: Subjects
  readonly #pods = new Map<Workload, Claimant>()
  readonly #nodes = new Map<string, Claimant>()
  /** What this node's devices say of it. */
  #devices: Claimant | undefined
  readonly #nodeShapes = new NodeShapes()
  /** hostNetwork pods by node, and the node that each was last seen on. */
  readonly #hostNetwork = new Map<string, Set<Workload>>()
  readonly #nodeOf = new Map<Workload, string>()
  /** Who speaks for this node. */
  readonly #own = new Set<Claimant>()
  readonly #slots = new NumberPool()
  /** Slots that a snapshot knew, by pod, until the pod is here. */
  readonly #remembered = new Map<string, number>()

  constructor({ state, shapes, ownership, subjects }: ClaimantPlaces) {
    this.#state = state
    this.#shapes = shapes
    this.#ownership = ownership
    this.#subjects = subjects
  }

  /** Slots in use, by pod. */
  slots(): (readonly [pod: string, slot: number])[] {
    return [...this.#pods.values()].filter(({ slot }) => slot > 0).map(({ key, slot }) => [key, slot])
  }

  /** Pods that become local until `forget` get the slot that they had. */
  remember(slots: Iterable<readonly [pod: string, slot: number]>): void {
    for (const [key, slot] of slots) this.#remembered.set(key, slot)
    this.#slots.resume(this.#remembered.values())
  }

  /** Frees the slots that no pod took. */
  forget(): void {
    for (const slot of this.#remembered.values()) this.#slots.free(slot)
    this.#remembered.clear()
  }

  /** Ends a delta: slots given up in it may be used again. */
  commit(): void {
    this.#slots.commit()
  }

  settleNodes(): void {
    for (const name of this.dirtyNodes) {
      const fact = this.#state.nodes.get(name)?.fact
      const claimant = this.#nodes.get(name)
      if (fact !== undefined) {
        this.#nodes.set(name, this.#settleAsNode({ kind: 'node', key: name }, name, fact.addresses, claimant))
      } else if (claimant !== undefined) {
        this.#endNode(claimant)
        this.#nodes.delete(name)
      }
      for (const workload of this.#hostNetwork.get(name) ?? []) {
        // One that is gone, or elsewhere by now, is dirty itself.
        const { pod } = workload
        if (pod?.hostNetwork === true && pod.node === name) this.#settleHostNetwork(workload, this.#pods.get(workload))
      }
    }
    const own = this.#state.agent?.fact.node
    if (own !== undefined && this.dirtyNodes.has(own)) this.#settleDevices(own)
    empty(this.dirtyNodes)
  }

  #settleDevices(own: string): void {
    const addresses = this.#state.host?.fact.addresses ?? []
    const before = this.#devices
    if (before !== undefined && (addresses.length === 0 || before.key !== own)) {
      this.#endNode(before)
      this.#devices = undefined
    }
    if (addresses.length > 0)
      this.#devices = this.#settleAsNode({ kind: 'devices', key: own }, own, addresses, this.#devices)
  }

  /** Makes this node a subject, or no longer. `ofHost` says whether a policy selects a node with this shape. */
  settleHost(ofHost: (shape: Shape) => boolean): void {
    const [first] = this.#own
    const judged = first !== undefined && ofHost(first.shape)
    for (const claimant of this.#own) {
      if (judged === claimant.shape.judged.has(claimant)) continue
      if (judged) this.#judge(claimant)
      else this.#leaveShape(claimant)
      for (const address of claimant.addresses) this.#ownership.touch(address)
    }
  }

  /**
   * Whether it has a say in who has the addresses or in what rules ask of peers: as one of them, a pod of this node, one
   * that is a node, or one whose place may be another by now.
   */
  concerns(workload: Workload, addresses: readonly string[]): boolean {
    const { pod, settled } = workload
    if (settled || pod === undefined || pod.hostNetwork || this.#isLocal(workload)) return true
    return pod.addresses.some(address => addresses.includes(address))
  }

  settleWorkload(workload: Workload): void {
    const { pod, identity } = workload
    workload.settled = true
    let claimant = this.#pods.get(workload)
    const kind = pod?.hostNetwork === true ? 'hostNetwork' : 'pod'
    if (claimant !== undefined && (pod === undefined || claimant.kind !== kind)) {
      this.#end(workload, claimant)
      claimant = undefined
    }
    if (pod === undefined) this.#shapes.forget(workload)
    else if (identity === undefined) this.#settleHostNetwork(workload, claimant)
    else this.#settlePod(workload, pod, identity, claimant)
  }

  /** The addresses of a hostNetwork pod are its node's, whether or not the node's object says so. */
  #settleHostNetwork(workload: Workload, claimant: Claimant | undefined): void {
    this.#shapes.forget(workload)
    const { node, addresses } = workload.pod!
    const nodeBefore = this.#nodeOf.get(workload)
    if (nodeBefore !== node) {
      if (nodeBefore !== undefined) dropFrom(this.#hostNetwork, nodeBefore, workload)
      entryOf(this.#hostNetwork, node, () => new Set<Workload>()).add(workload)
      this.#nodeOf.set(workload, node)
    }
    const who = { kind: 'hostNetwork', key: workload.key, workload } as const
    this.#pods.set(workload, this.#settleAsNode(who, node, addresses, claimant))
  }

  #settleAsNode(
    who: Pick<Claimant, 'kind' | 'key' | 'workload'>,
    node: string,
    addresses: readonly string[],
    claimant: Claimant | undefined,
  ): Claimant {
    const isOwn = node !== '' && node === this.#state.agent?.fact.node
    const shape = this.#nodeShapes.acquire(nodeLabels(this.#state, node, isOwn))
    const is = { shape, addresses, identity: reservedIdentities[isOwn ? 'host' : 'remote-node'] }
    const before = claimant?.addresses ?? []
    const oldShape = claimant?.shape
    if (claimant !== undefined && oldShape !== shape) this.#leaveShape(claimant)
    const current = claimant ?? { ...who, slot: 0, ...is }
    Object.assign(current, is)
    this.#ownership.update(current, before)
    if (oldShape !== undefined) this.#releaseNode(oldShape)
    if (isOwn) this.#own.add(current)
    else this.#own.delete(current)
    return current
  }

  #endNode(claimant: Claimant): void {
    this.#leaveShape(claimant)
    this.#ownership.remove(claimant)
    this.#own.delete(claimant)
    this.#releaseNode(claimant.shape)
  }

  #releaseNode(shape: Shape): void {
    this.#nodeShapes.release(shape)
  }

  #settlePod(workload: Workload, pod: PodFact, identity: Identity, claimant: Claimant | undefined): void {
    const local = this.#isLocal(workload)
    const shape = this.#shapes.acquire(workload, identity, pod, local)
    if (claimant === undefined) {
      const { key } = workload
      const { addresses } = pod
      const added: Claimant = { kind: 'pod', key, shape, identity: identity.number, addresses, slot: 0, workload }
      this.#pods.set(workload, added)
      if (local) this.#enter(added)
      this.#ownership.update(added, [])
      return
    }
    const { addresses: before, shape: oldShape } = claimant
    const wasLocal = claimant.slot > 0
    if (wasLocal && (shape !== oldShape || !local)) this.#leaveShape(claimant)
    if (wasLocal && !local) this.#vacate(claimant)
    Object.assign(claimant, { shape, identity: identity.number, addresses: pod.addresses })
    if (local) this.#enter(claimant)
    this.#ownership.update(claimant, before)
    this.#release(oldShape)
  }

  #end(workload: Workload, claimant: Claimant): void {
    this.#pods.delete(workload)
    if (claimant.kind === 'hostNetwork') {
      dropFrom(this.#hostNetwork, this.#nodeOf.get(workload)!, workload)
      this.#nodeOf.delete(workload)
      this.#endNode(claimant)
      return
    }
    this.#ownership.remove(claimant)
    if (claimant.slot > 0) {
      this.#leaveShape(claimant)
      this.#vacate(claimant)
    }
    this.#release(claimant.shape)
  }

  /** Makes a pod a subject, or says that its endpoint may have changed. */
  #enter(claimant: Claimant): void {
    if (claimant.slot === 0) {
      claimant.slot = this.#remembered.get(claimant.key) ?? this.#slots.take()
      this.#remembered.delete(claimant.key)
    }
    this.#judge(claimant)
    this.dirty.add(claimant)
  }

  #judge(claimant: Claimant): void {
    const { shape } = claimant
    shape.judged.add(claimant)
    if (shape.judged.size === 1) this.#subjects.add(shape)
  }

  #leaveShape(claimant: Claimant): void {
    const { shape } = claimant
    if (shape.judged.delete(claimant) && shape.judged.size === 0) this.#subjects.remove(shape)
  }

  #vacate(claimant: Claimant): void {
    this.#slots.free(claimant.slot)
    this.vacated.add(claimant.slot)
    this.dirty.add(claimant)
    claimant.slot = 0
  }

  #release(shape: Shape): void {
    this.#shapes.release(shape)
  }

  #isLocal(workload: Workload): boolean {
    const node = this.#state.agent?.fact.node
    const pod = workload.pod!
    return (node !== undefined && pod.node !== '' && pod.node === node) || this.#state.endpoints.has(workload.key)
  }
}
