import { empty } from '../empty.js'
import type { CidrIdentities } from '../identity/cidr-identities.js'
import type { Workload, Workloads } from '../identity/workloads.js'
import type { ServiceReference } from '../event/cilium.js'
import { builtinRules, defaultFailSafePorts, hostBuiltinRules, initBuiltinRules } from '../policy/builtin.js'
import type { Rule } from '../policy/rule.js'
import type { ClusterState } from '../state/state.js'
import { RecordedTable } from '../tables/recorded-table.js'
import type { AddressRow, EndpointRow, PrefixRow, VerdictsDelta, VerdictTables } from '../tables/tables.js'
import { Claimants } from './claimants.js'
import { Cells, type CellListener } from './cells.js'
import { compilePolicy, policyOf, servicesIn, speaksOfNodes } from './dialects.js'
import { KeyUse } from './key-use.js'
import type { Claimant, KnownAddress, NamedPrefix, PeerClass, PeerGroup, Shape, Subject } from './model.js'
import { Ownership } from './ownership.js'
import { Peers } from './peers.js'
import { RuleSet } from './rule-set.js'
import { Shapes, worldShape } from './shapes.js'
import { Subjects } from './subjects.js'
import { WrittenAddress } from './written-address.js'
import { sameAddress, sameEndpoint, samePrefix } from './same-row.js'

/** What the digest follows. Called while settling; what is named there is looked at later. */
export interface SettleListener {
  /** @param isThere false for one that is gone for good */
  addressTouched(address: KnownAddress, isThere: boolean): void
  prefixTouched(named: NamedPrefix, isThere: boolean): void
  endpointTouched(claimant: Claimant): void
  classTouched(peerClass: PeerClass): void
  subjectTouched(subject: Subject): void
  cellTouched: CellListener
}

/** State and identities → tables. Gathers what is dirty; `settle` brings every table up to date at a cost of that. */
export class Verdicts {
  readonly dirtyPolicies = new Set<string>()
  readonly keys = new KeyUse()
  readonly peers: Peers
  readonly rules: RuleSet
  readonly subjects: Subjects
  readonly cells: Cells
  readonly ownership: Ownership
  readonly shapes: Shapes
  readonly claimants: Claimants
  readonly tables: VerdictTables
  readonly #serviceUsers = new Map<string, readonly ServiceReference[]>()
  readonly #hostPolicies = new Set<string>()
  /** The ports that the built-in rules for nodes keep open; undefined while no such rules are needed. */
  #hostRules: string | undefined
  /** Whether the built-in rules for pods not known yet are needed. */
  #initRules = false
  readonly #state: ClusterState
  readonly #workloads: Workloads
  readonly #cidrIdentities: CidrIdentities
  readonly #listener: SettleListener
  readonly #addresses = new RecordedTable<string, AddressRow>(sameAddress)
  readonly #prefixes = new RecordedTable<string, PrefixRow>(samePrefix)
  readonly #endpoints = new RecordedTable<number, EndpointRow>(sameEndpoint)

  constructor(state: ClusterState, workloads: Workloads, cidrIdentities: CidrIdentities, listener: SettleListener) {
    this.#state = state
    this.#workloads = workloads
    this.#cidrIdentities = cidrIdentities
    this.#listener = listener
    this.peers = new Peers(this.keys, [worldShape('world', 'world-ipv4'), worldShape('world', 'world-ipv6')])
    this.rules = new RuleSet(this.keys, this.peers.atoms)
    this.rules.replace('built-in', builtinRules)
    this.subjects = new Subjects(this.rules)
    this.cells = new Cells(listener.cellTouched)
    this.ownership = new Ownership(this.peers.groups)
    this.shapes = new Shapes(workloads, this.keys)
    this.claimants = new Claimants({
      state,
      shapes: this.shapes,
      ownership: this.ownership,
      subjects: this.subjects,
    })
    this.tables = {
      addresses: this.#addresses,
      prefixes: this.#prefixes,
      endpoints: this.#endpoints,
      cells: this.cells.table,
      rows: this.cells.rows.table,
    }
  }

  /** Has the policies compiled anew that speak of a service. */
  serviceChanged(namespace: string, name: string): void {
    for (const [key, references] of this.#serviceUsers) {
      const speaks = references.some(
        reference => reference.kind === 'selector' || (reference.namespace === namespace && reference.name === name),
      )
      if (speaks) this.dirtyPolicies.add(key)
    }
  }

  /** A rule with the members that its sets of addresses have now. */
  withMembers(rule: Rule): Rule {
    if (rule.peers === 'any' || !rule.peers.some(({ kind }) => kind === 'set')) return rule
    const peers = rule.peers.map(peer =>
      peer.kind === 'set' ? { ...peer, cidrs: this.peers.atoms.sets.membersOf(peer.source) } : peer,
    )
    return { ...rule, peers }
  }

  /** Brings up to the state which rules are in force, and nothing else. */
  settleRules(): void {
    for (const key of this.dirtyPolicies) {
      const policy = policyOf(this.#state, key)
      this.rules.replace(key, policy === undefined ? [] : compilePolicy(policy, this.#state))
      const services = policy === undefined ? [] : servicesIn(policy)
      if (services.length > 0) this.#serviceUsers.set(key, services)
      else this.#serviceUsers.delete(key)
      if (policy !== undefined && speaksOfNodes(policy)) this.#hostPolicies.add(key)
      else this.#hostPolicies.delete(key)
    }
    empty(this.dirtyPolicies)
    const ports = this.#state.agent?.fact.failSafePorts ?? defaultFailSafePorts
    const hostRules = this.#hostPolicies.size === 0 ? undefined : ports.join()
    if (hostRules !== this.#hostRules) {
      this.#hostRules = hostRules
      this.rules.replace('built-in for nodes', hostRules === undefined ? [] : hostBuiltinRules(ports))
    }
    if (this.#workloads.hasInit !== this.#initRules) {
      this.#initRules = this.#workloads.hasInit
      this.rules.replace('built-in for pods not known yet', this.#initRules ? initBuiltinRules : [])
    }
    this.rules.sweep()
    this.peers.atoms.settleSets()
    for (const key of this.keys.changed) {
      for (const workload of this.shapes.withFiltered(key)) this.#workloads.touch(workload)
    }
    empty(this.keys.changed)
    for (const prefix of this.#cidrIdentities.dirty) {
      const named = this.peers.groups.prefixes.get(prefix)
      if (named !== undefined) this.peers.groups.dirtyPrefixes.add(named)
    }
    empty(this.#cidrIdentities.dirty)
  }

  /** Brings up to the state who has which address and which rules are in force, and not the tables: a question's part. */
  settleInputs(): void {
    this.#settleClaims(() => this.#workloads.takeDirty())
  }

  /**
   * As `settleInputs`, of what tells who has these addresses, and which blocks rules tell apart around them: pods of other
   * nodes that have none of them stay for later. What rules ask must not be settled a part at a time once cells follow it.
   */
  settleInputsOf(addresses: readonly string[]): void {
    this.#settleClaims(() => this.#workloads.takeDirtyIf(workload => this.claimants.concerns(workload, addresses)))
    this.rules.settle()
  }

  #settleClaims(takeDirty: () => readonly Workload[]): void {
    this.settleRules()
    this.claimants.settleNodes()
    for (const workload of takeDirty()) this.claimants.settleWorkload(workload)
    this.claimants.settleHost(({ labels }) => this.rules.rulesFor(labels).some(({ rule }) => rule.origin.seq > 0))
  }

  /** Brings the tables up to the state. */
  settle(): void {
    this.settleInputs()
    const rules = this.rules.settle()
    const classes = this.peers.settle()
    const subjects = this.subjects.settle()
    for (const shape of subjects.moved) {
      for (const claimant of shape.judged) {
        this.claimants.dirty.add(claimant)
        for (const address of claimant.addresses) {
          this.ownership.touch(address)
        }
      }
    }
    for (const { classes: having } of this.peers.atoms.changedLists)
      for (const block of having) this.#listener.classTouched(block)
    empty(this.peers.atoms.changedLists)
    for (const block of classes.removed.keys()) this.#listener.classTouched(block)
    for (const block of classes.renamed.keys()) this.#listener.classTouched(block)
    for (const block of subjects.removed.keys()) this.#listener.subjectTouched(block)
    for (const block of subjects.renamed.keys()) this.#listener.subjectTouched(block)
    const amended = rules.flatMap(change => this.subjects.of(change.rule).map(subject => ({ subject, change })))
    for (const { subject } of amended) this.#listener.subjectTouched(subject)
    this.cells.settle(subjects, classes, amended)
    this.#writeAddresses()
    this.#writePrefixes()
    this.#writeEndpoints()
  }

  /** The net changes since the last call. Numbers that went out of use may be used again from now on. */
  flush(): VerdictsDelta {
    const delta = {
      addresses: this.#addresses.flush(),
      prefixes: this.#prefixes.flush(),
      endpoints: this.#endpoints.flush(),
      cells: this.cells.table.flush(),
      rows: this.cells.rows.table.flush(),
    }
    this.peers.classes.commit()
    this.subjects.partition.commit()
    this.cells.rows.commit()
    this.claimants.commit()
    return delta
  }

  #writeAddresses(): void {
    const { dirtyAddresses } = this.peers.groups
    // Addresses of one group mostly come one after the other.
    let last: PeerGroup | undefined
    let peerClass = 0
    for (const known of dirtyAddresses) {
      const { group, dirt } = known
      known.dirt = 'none'
      if (group !== last) {
        last = group
        peerClass = this.peers.numberOfClass(group)
      }
      // Thousands go to another class at once: what their owners say is as it was.
      const now = dirt === 'class' ? known.row?.now : undefined
      if (now === undefined) {
        this.#writeAddress(known, peerClass)
        continue
      }
      const { address, identity, subject, endpoint } = now
      this.#listener.addressTouched(known, true)
      this.#addresses.put(known.row!, new WrittenAddress(address, identity, peerClass, subject, endpoint))
    }
    dirtyAddresses.length = 0
  }

  #writeAddress(known: KnownAddress, peerClass: number): void {
    const { address, claimants } = known
    const owner = claimants[0]
    this.#listener.addressTouched(known, owner !== undefined)
    if (owner === undefined) {
      // An address that came back meanwhile is known anew.
      if (this.ownership.knownOf(address) === undefined) this.#addresses.delete(address)
      return
    }
    const { identity, slot, shape } = owner
    known.row ??= this.#addresses.slotOf(address)
    const subject = shape.judged.size > 0 && shape.judged.has(owner) ? this.#subjectNumber(shape) : 0
    this.#addresses.put(known.row, new WrittenAddress(address, identity, peerClass, subject, slot))
  }

  #writePrefixes(): void {
    for (const named of this.peers.groups.dirtyPrefixes) {
      const { text } = named
      const current = this.peers.groups.prefixes.get(text)
      this.#listener.prefixTouched(named, current === named)
      if (current === undefined) {
        this.#prefixes.delete(text)
        continue
      }
      const peerClass = this.peers.classOfRest(current).number
      this.#prefixes.set(text, { prefix: text, identity: this.#cidrIdentities.numberOf(text), peerClass })
    }
    empty(this.peers.groups.dirtyPrefixes)
  }

  #writeEndpoints(): void {
    for (const slot of this.claimants.vacated) this.#endpoints.delete(slot)
    empty(this.claimants.vacated)
    for (const claimant of this.claimants.dirty) {
      this.#listener.endpointTouched(claimant)
      const { slot, identity, addresses, shape } = claimant
      const pod = claimant.workload?.pod
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
    empty(this.claimants.dirty)
  }

  #subjectNumber(shape: Shape): number {
    return this.subjects.partition.blockOf(shape)!.number
  }
}
