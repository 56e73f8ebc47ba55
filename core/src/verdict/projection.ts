import type { CidrIdentities } from '../identity/cidr-identities.js'
import type { Identity } from '../identity/identities.js'
import { reservedIdentities } from '../identity/reserved.js'
import type { Workload, Workloads } from '../identity/workloads.js'
import type { PodFact } from '../event/event.js'
import { builtinRules } from '../policy/builtin.js'
import { compileNetworkPolicy } from '../policy/networkpolicy.js'
import type { ClusterState } from '../state/state.js'
import { RecordedTable } from '../tables/recorded-table.js'
import type { AddressRow, EndpointRow, PrefixRow, Tables, TablesDelta } from '../tables/tables.js'
import { Cells, type CellListener } from './cells.js'
import { KeyUse } from './key-use.js'
import type { Claimant, KnownAddress, NamedPrefix, PeerClass, Shape, Subject } from './model.js'
import { classMeaning, subjectMeaning } from '../digest/meaning.js'
import { NumberPool } from './number-pool.js'
import { Ownership } from './ownership.js'
import type { Partition } from './partition.js'
import { Peers } from './peers.js'
import { RuleSet } from './rule-set.js'
import { reservedShape, Shapes } from './shapes.js'
import { Subjects } from './subjects.js'
import { sameAddress, sameEndpoint, samePrefix } from './same-row.js'

/** What the digest follows. Called while settling; what is named there is looked at later. */
export interface SettleListener {
  addressTouched(address: KnownAddress): void
  prefixTouched(named: NamedPrefix): void
  endpointTouched(claimant: Claimant): void
  classTouched(peerClass: PeerClass): void
  subjectTouched(subject: Subject): void
  cellTouched: CellListener
}

/**
 * The numbers that stand in tables, by what they mean. A kernel goes on with maps written by these numbers while the
 * agent is away: an agent that comes back with others would have to write every row again.
 */
export interface Numbering {
  readonly classes: readonly (readonly [meaning: string, number: number])[]
  readonly subjects: readonly (readonly [meaning: string, number: number])[]
  readonly rows: readonly (readonly [keys: string, id: number])[]
  readonly slots: readonly (readonly [pod: string, slot: number])[]
}

/** State and identities → tables. Gathers what is dirty; `settle` brings every table up to date at a cost of that. */
export class Verdicts {
  readonly dirtyPolicies = new Set<string>()
  readonly dirtyNodes = new Set<string>()
  readonly peers: Peers
  readonly rules: RuleSet
  readonly subjects: Subjects
  readonly cells: Cells
  readonly ownership: Ownership
  readonly shapes: Shapes
  readonly claimants = new Map<Workload, Claimant>()
  readonly tables: Tables
  readonly hostShape = reservedShape('node', 'host')
  readonly remoteNodeShape = reservedShape('node', 'remote-node')
  readonly #keys = new KeyUse()
  readonly #state: ClusterState
  readonly #workloads: Workloads
  readonly #cidrIdentities: CidrIdentities
  readonly #nodes = new Map<string, Claimant>()
  readonly #slots = new NumberPool()
  readonly #rememberedSlots = new Map<string, number>()
  readonly #dirtyEndpoints = new Set<Claimant>()
  readonly #byClaimant = new Map<Claimant, Workload>()
  readonly #listener: SettleListener
  readonly #addresses = new RecordedTable<string, AddressRow>(sameAddress)
  readonly #prefixes = new RecordedTable<string, PrefixRow>(samePrefix)
  readonly #endpoints = new RecordedTable<number, EndpointRow>(sameEndpoint)

  constructor(state: ClusterState, workloads: Workloads, cidrIdentities: CidrIdentities, listener: SettleListener) {
    this.#state = state
    this.#workloads = workloads
    this.#cidrIdentities = cidrIdentities
    this.#listener = listener
    this.peers = new Peers(this.#keys, [
      reservedShape('world', 'world', 'world-ipv4'),
      reservedShape('world', 'world', 'world-ipv6'),
    ])
    this.peers.addShape(this.hostShape)
    this.peers.addShape(this.remoteNodeShape)
    this.rules = new RuleSet(this.#keys, this.peers, builtinRules)
    this.subjects = new Subjects(this.rules)
    this.cells = new Cells(listener.cellTouched)
    this.ownership = new Ownership(this.peers)
    this.shapes = new Shapes(workloads, this.#keys)
    this.tables = {
      addresses: this.#addresses,
      prefixes: this.#prefixes,
      endpoints: this.#endpoints,
      cells: this.cells.table,
      rows: this.cells.rows.table,
    }
  }

  /** The pod or node that owns an address. */
  workloadOf(claimant: Claimant): Workload | undefined {
    return this.#byClaimant.get(claimant)
  }

  /** The numbers that tables use, by what they mean. The tables must be settled. */
  numbering(): Numbering {
    const named = <Member, Data>(
      partition: Partition<Member, Data>,
      meaning: (data: Data) => string,
    ): [string, number][] => [...partition.blocks()].map(({ data, number }) => [meaning(data), number])
    const slots: [string, number][] = []
    for (const { key, slot } of this.claimants.values()) if (slot > 0) slots.push([key, slot])
    return {
      classes: named(this.peers.classes, classMeaning),
      subjects: named(this.subjects.partition, subjectMeaning),
      rows: this.cells.rows.ids(),
      slots,
    }
  }

  /** Settles for the first time, with numbers as they were: what was written by them stays right. */
  settleWith({ classes, subjects, rows, slots }: Numbering): void {
    this.peers.classes.remember(classes, classMeaning)
    this.subjects.partition.remember(subjects, subjectMeaning)
    this.cells.rows.remember(rows)
    for (const [key, slot] of slots) this.#rememberedSlots.set(key, slot)
    this.#slots.resume(this.#rememberedSlots.values())
    this.settle()
    this.peers.classes.forget()
    this.subjects.partition.forget()
    this.cells.rows.forget()
    for (const slot of this.#rememberedSlots.values()) this.#slots.free(slot)
    this.#rememberedSlots.clear()
  }

  /** Brings the tables up to the state. */
  settle(): void {
    this.#settlePolicies()
    this.#settleNodes()
    for (const workload of this.#workloads.takeDirty()) this.#settleWorkload(workload)
    const classes = this.peers.settle()
    const subjects = this.subjects.settle()
    for (const shape of subjects.moved) {
      for (const claimant of shape.localPods) {
        this.#dirtyEndpoints.add(claimant)
        for (const address of claimant.addresses) {
          const known = this.ownership.knownOf(address)
          if (known !== undefined) this.peers.dirtyAddresses.add(known)
        }
      }
    }
    for (const block of [...classes.removed.keys(), ...classes.renamed.keys()]) this.#listener.classTouched(block)
    for (const block of [...subjects.removed.keys(), ...subjects.renamed.keys()]) this.#listener.subjectTouched(block)
    this.cells.settle(subjects, classes)
    this.#writeAddresses()
    this.#writePrefixes()
    this.#writeEndpoints()
  }

  /** The net changes since the last call. Numbers that went out of use may be used again from now on. */
  flush(): TablesDelta {
    const delta = {
      seq: this.#state.seq,
      addresses: this.#addresses.flush(),
      prefixes: this.#prefixes.flush(),
      endpoints: this.#endpoints.flush(),
      cells: this.cells.table.flush(),
      rows: this.cells.rows.table.flush(),
    }
    this.peers.classes.commit()
    this.subjects.partition.commit()
    this.cells.rows.commit()
    this.#slots.commit()
    return delta
  }

  #settlePolicies(): void {
    for (const key of this.dirtyPolicies) {
      const stored = this.#state.policies.get(key)
      this.rules.replace(key, stored === undefined ? [] : compileNetworkPolicy(stored.fact, stored.seq))
    }
    this.dirtyPolicies.clear()
    this.rules.sweep()
    for (const key of this.#keys.changed) {
      for (const workload of this.shapes.withFiltered(key)) this.#workloads.touch(workload)
    }
    this.#keys.changed.clear()
    for (const prefix of this.#cidrIdentities.dirty) {
      const named = this.peers.prefixes.get(prefix)
      if (named !== undefined) this.peers.dirtyPrefixes.add(named)
    }
    this.#cidrIdentities.dirty.clear()
  }

  #settleNodes(): void {
    for (const name of this.dirtyNodes) {
      const fact = this.#state.nodes.get(name)?.fact
      const claimant = this.#nodes.get(name)
      if (fact === undefined) {
        if (claimant === undefined) continue
        this.ownership.remove(claimant)
        this.#nodes.delete(name)
        continue
      }
      const is = { ...this.#nodeAs(name), addresses: fact.addresses }
      const before = claimant?.addresses ?? []
      const current: Claimant = claimant ?? { kind: 'node', key: name, slot: 0, ...is }
      Object.assign(current, is)
      this.#nodes.set(name, current)
      this.ownership.update(current, before)
    }
    this.dirtyNodes.clear()
  }

  #settleWorkload(workload: Workload): void {
    const { pod, identity } = workload
    workload.settled = true
    let claimant = this.claimants.get(workload)
    const kind = pod?.hostNetwork === true ? 'hostNetwork' : 'pod'
    if (claimant !== undefined && (pod === undefined || claimant.kind !== kind)) {
      this.#end(workload, claimant)
      claimant = undefined
    }
    if (pod === undefined) this.shapes.forget(workload)
    else if (identity === undefined) this.#settleHostNetwork(workload, claimant)
    else this.#settlePod(workload, pod, identity, claimant)
  }

  /** The addresses of a hostNetwork pod are its node's, whether or not the node's object says so. */
  #settleHostNetwork(workload: Workload, claimant: Claimant | undefined): void {
    this.shapes.forget(workload)
    const { node, addresses } = workload.pod!
    const is = { ...this.#nodeAs(node), addresses }
    const before = claimant?.addresses ?? []
    const current = claimant ?? { kind: 'hostNetwork', key: workload.key, slot: 0, ...is }
    Object.assign(current, is)
    this.claimants.set(workload, current)
    this.#byClaimant.set(current, workload)
    this.ownership.update(current, before)
  }

  #nodeAs(name: string): Pick<Claimant, 'shape' | 'identity'> {
    const isLocal = name !== '' && name === this.#state.agent?.fact.node
    return {
      shape: isLocal ? this.hostShape : this.remoteNodeShape,
      identity: reservedIdentities[isLocal ? 'host' : 'remote-node'],
    }
  }

  #settlePod(workload: Workload, pod: PodFact, identity: Identity, claimant: Claimant | undefined): void {
    const shape = this.shapes.acquire(workload, identity, pod)
    this.peers.addShape(shape)
    const local = this.#isLocal(workload)
    if (claimant === undefined) {
      const { addresses } = pod
      const added: Claimant = { kind: 'pod', key: workload.key, shape, identity: identity.number, addresses, slot: 0 }
      this.claimants.set(workload, added)
      this.#byClaimant.set(added, workload)
      if (local) this.#enter(added)
      this.ownership.update(added, [])
      return
    }
    const { addresses: before, shape: oldShape } = claimant
    const wasLocal = claimant.slot > 0
    if (wasLocal && (shape !== oldShape || !local)) this.#leaveShape(claimant)
    if (wasLocal && !local) this.#vacate(claimant)
    Object.assign(claimant, { shape, identity: identity.number, addresses: pod.addresses })
    if (local) this.#enter(claimant)
    this.ownership.update(claimant, before)
    this.#release(oldShape)
  }

  #end(workload: Workload, claimant: Claimant): void {
    this.claimants.delete(workload)
    this.#byClaimant.delete(claimant)
    this.ownership.remove(claimant)
    if (claimant.slot > 0) {
      this.#leaveShape(claimant)
      this.#vacate(claimant)
    }
    if (claimant.kind === 'pod') this.#release(claimant.shape)
  }

  /** Makes a pod a subject, or says that its endpoint may have changed. */
  #enter(claimant: Claimant): void {
    if (claimant.slot === 0) {
      claimant.slot = this.#rememberedSlots.get(claimant.key) ?? this.#slots.take()
      this.#rememberedSlots.delete(claimant.key)
    }
    const { localPods } = claimant.shape
    localPods.add(claimant)
    if (localPods.size === 1) this.subjects.add(claimant.shape)
    this.#dirtyEndpoints.add(claimant)
  }

  #leaveShape(claimant: Claimant): void {
    const { shape } = claimant
    shape.localPods.delete(claimant)
    if (shape.localPods.size === 0) this.subjects.remove(shape)
  }

  #vacate(claimant: Claimant): void {
    this.#slots.free(claimant.slot)
    this.#endpoints.delete(claimant.slot)
    this.#dirtyEndpoints.add(claimant)
    claimant.slot = 0
  }

  #release(shape: Shape): void {
    if (this.shapes.release(shape)) this.peers.removeShape(shape)
  }

  #isLocal(workload: Workload): boolean {
    const node = this.#state.agent?.fact.node
    const pod = workload.pod!
    return (node !== undefined && pod.node !== '' && pod.node === node) || this.#state.endpoints.has(workload.key)
  }

  #writeAddresses(): void {
    for (const known of this.peers.dirtyAddresses) {
      const { address } = known
      this.#listener.addressTouched(known)
      const current = this.ownership.knownOf(address)
      if (current === undefined) {
        this.#addresses.delete(address)
        continue
      }
      const { identity, slot, shape } = this.ownership.ownerOf(address)!
      this.#addresses.set(address, {
        address,
        identity,
        peerClass: this.peers.classOf(current.group).number,
        subject: slot > 0 ? this.#subjectNumber(shape) : 0,
        endpoint: slot,
      })
    }
    this.peers.dirtyAddresses.clear()
  }

  #writePrefixes(): void {
    for (const named of this.peers.dirtyPrefixes) {
      const { text } = named
      this.#listener.prefixTouched(named)
      const current = this.peers.prefixes.get(text)
      if (current === undefined) {
        this.#prefixes.delete(text)
        continue
      }
      const peerClass = this.peers.classOf(this.peers.restOf(current)).number
      this.#prefixes.set(text, { prefix: text, identity: this.#cidrIdentities.numberOf(text), peerClass })
    }
    this.peers.dirtyPrefixes.clear()
  }

  #writeEndpoints(): void {
    for (const claimant of this.#dirtyEndpoints) {
      this.#listener.endpointTouched(claimant)
      const { slot, identity, addresses, shape } = claimant
      const pod = this.#byClaimant.get(claimant)?.pod
      if (slot === 0 || pod === undefined) continue
      const wiring = this.#state.endpoints.get(claimant.key)?.fact
      this.#endpoints.set(slot, {
        endpoint: slot,
        namespace: pod.namespace,
        pod: pod.name,
        identity,
        subject: this.#subjectNumber(shape),
        addresses,
        ...(wiring === undefined
          ? {}
          : {
              wiring: {
                ifindex: wiring.ifindex,
                ifname: wiring.ifname,
                hostMac: wiring.hostMac,
                podMac: wiring.podMac,
              },
            }),
      })
    }
    this.#dirtyEndpoints.clear()
  }

  #subjectNumber(shape: Shape): number {
    return this.subjects.partition.blockOf(shape)!.number
  }
}
