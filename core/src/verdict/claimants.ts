import type { PodFact } from '../event/event.js'
import type { Identity } from '../identity/identities.js'
import { reservedIdentities } from '../identity/reserved.js'
import type { Workload } from '../identity/workloads.js'
import type { ClusterState } from '../state/state.js'
import type { Claimant, Shape } from './model.js'
import { NumberPool } from './number-pool.js'
import type { Ownership } from './ownership.js'
import type { Peers } from './peers.js'
import { reservedShape, type Shapes } from './shapes.js'
import type { Subjects } from './subjects.js'

/** What claimants are entered into. */
export interface ClaimantPlaces {
  readonly state: ClusterState
  readonly peers: Peers
  readonly shapes: Shapes
  readonly ownership: Ownership
  readonly subjects: Subjects
}

/** Pods and nodes as the tables see them: shape, addresses, and for local pods a subject and an endpoint slot. */
export class Claimants {
  /** Local pods whose endpoint may have changed. */
  readonly dirty = new Set<Claimant>()
  /** Slots that were given up. */
  readonly vacated = new Set<number>()
  readonly dirtyNodes = new Set<string>()
  readonly hostShape = reservedShape('node', 'host')
  readonly remoteNodeShape = reservedShape('node', 'remote-node')
  readonly #state: ClusterState
  readonly #peers: Peers
  readonly #shapes: Shapes
  readonly #ownership: Ownership
  readonly #subjects: Subjects
  readonly #pods = new Map<Workload, Claimant>()
  readonly #nodes = new Map<string, Claimant>()
  readonly #byClaimant = new Map<Claimant, Workload>()
  readonly #slots = new NumberPool()
  /** Slots that a snapshot knew, by pod, until the pod is here. */
  readonly #remembered = new Map<string, number>()

  constructor({ state, peers, shapes, ownership, subjects }: ClaimantPlaces) {
    this.#state = state
    this.#peers = peers
    this.#shapes = shapes
    this.#ownership = ownership
    this.#subjects = subjects
    peers.addShape(this.hostShape)
    peers.addShape(this.remoteNodeShape)
  }

  /** The pod that a claimant is; absent for nodes. */
  workloadOf(claimant: Claimant): Workload | undefined {
    return this.#byClaimant.get(claimant)
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
      if (fact === undefined) {
        if (claimant === undefined) continue
        this.#ownership.remove(claimant)
        this.#nodes.delete(name)
        continue
      }
      const is = { ...this.#nodeAs(name), addresses: fact.addresses }
      const before = claimant?.addresses ?? []
      const current: Claimant = claimant ?? { kind: 'node', key: name, slot: 0, ...is }
      Object.assign(current, is)
      this.#nodes.set(name, current)
      this.#ownership.update(current, before)
    }
    this.dirtyNodes.clear()
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
    const is = { ...this.#nodeAs(node), addresses }
    const before = claimant?.addresses ?? []
    const current = claimant ?? { kind: 'hostNetwork', key: workload.key, slot: 0, ...is }
    Object.assign(current, is)
    this.#pods.set(workload, current)
    this.#byClaimant.set(current, workload)
    this.#ownership.update(current, before)
  }

  #nodeAs(name: string): Pick<Claimant, 'shape' | 'identity'> {
    const isLocal = name !== '' && name === this.#state.agent?.fact.node
    return {
      shape: isLocal ? this.hostShape : this.remoteNodeShape,
      identity: reservedIdentities[isLocal ? 'host' : 'remote-node'],
    }
  }

  #settlePod(workload: Workload, pod: PodFact, identity: Identity, claimant: Claimant | undefined): void {
    const shape = this.#shapes.acquire(workload, identity, pod)
    this.#peers.addShape(shape)
    const local = this.#isLocal(workload)
    if (claimant === undefined) {
      const { addresses } = pod
      const added: Claimant = { kind: 'pod', key: workload.key, shape, identity: identity.number, addresses, slot: 0 }
      this.#pods.set(workload, added)
      this.#byClaimant.set(added, workload)
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
    this.#byClaimant.delete(claimant)
    this.#ownership.remove(claimant)
    if (claimant.slot > 0) {
      this.#leaveShape(claimant)
      this.#vacate(claimant)
    }
    if (claimant.kind === 'pod') this.#release(claimant.shape)
  }

  /** Makes a pod a subject, or says that its endpoint may have changed. */
  #enter(claimant: Claimant): void {
    if (claimant.slot === 0) {
      claimant.slot = this.#remembered.get(claimant.key) ?? this.#slots.take()
      this.#remembered.delete(claimant.key)
    }
    const { localPods } = claimant.shape
    localPods.add(claimant)
    if (localPods.size === 1) this.#subjects.add(claimant.shape)
    this.dirty.add(claimant)
  }

  #leaveShape(claimant: Claimant): void {
    const { shape } = claimant
    shape.localPods.delete(claimant)
    if (shape.localPods.size === 0) this.#subjects.remove(shape)
  }

  #vacate(claimant: Claimant): void {
    this.#slots.free(claimant.slot)
    this.vacated.add(claimant.slot)
    this.dirty.add(claimant)
    claimant.slot = 0
  }

  #release(shape: Shape): void {
    if (this.#shapes.release(shape)) this.#peers.removeShape(shape)
  }

  #isLocal(workload: Workload): boolean {
    const node = this.#state.agent?.fact.node
    const pod = workload.pod!
    return (node !== undefined && pod.node !== '' && pod.node === node) || this.#state.endpoints.has(workload.key)
  }
}
