import { empty } from '../empty.js'
import type { Identity } from '../identity/identities.js'
import { prefixIdentityLabels } from '../identity/cidr-identities.js'
import { entryOf } from '../multimap.js'
import type { Direction } from '../policy/rule.js'
import type { ClusterState } from '../state/state.js'
import { policyOf } from '../verdict/dialects.js'
import { directions } from '../verdict/cells.js'
import type { Claimant, KnownAddress, NamedPrefix, PeerClass, Subject } from '../verdict/model.js'
import { subjectsAsking } from '../verdict/plan.js'
import type { SettleListener, Verdicts } from '../verdict/projection.js'
import type { Egress } from '../egress/projection.js'
import type { Tunnels } from '../routing/projection.js'
import type { Services } from '../service/projection.js'
import { backendMeaning, frontendMeaning } from './service-meaning.js'
import { egressMeaning, masqueradeMeaning, nonMasqueradeMeaning } from './egress-meaning.js'
import { GroupedSum } from './grouped-sum.js'
import {
  addressMeaning,
  classMeaning,
  endpointMeaning,
  identityMeaning,
  policyMeaning,
  rowMeaning,
  subjectMeaning,
} from './meaning.js'
import { add, hash, subtract, sumHex, zero, type Sum } from './sum.js'
import { hexOf, version } from './versions.js'

/** Hashes of the derived tables by meaning: equal wherever and however the same state came about. */
export interface Digest {
  /** 64 hex digits over all parts. */
  readonly hex: string
  /** Of what is hashed, and how: digests of two versions can't be compared. */
  readonly version: number
  readonly parts: {
    readonly addresses: string
    readonly prefixes: string
    readonly endpoints: string
    readonly cells: string
    readonly policies: string
    readonly identities: string
    readonly frontends: string
    readonly backends: string
    readonly egress: string
    readonly tunnels: string
  }
}

/** What the digest reads when it is asked for. */
export interface DigestSources {
  readonly state: ClusterState
  readonly verdicts: Verdicts
  readonly services: Services
  readonly egress: Egress
  readonly tunnels: Tunnels
}

/**
 * Follows the tables' changes by name and hashes them when the digest is asked for, so that the cost is that of the
 * changes since the last time, and a replay pays once.
 */
export class DigestKeeper implements SettleListener {
  readonly #addresses = new GroupedSum<KnownAddress, PeerClass>('class of addresses', block => classMeaning(block.data))
  readonly #prefixes = new GroupedSum<NamedPrefix, PeerClass>('class of prefixes', block => classMeaning(block.data))
  readonly #endpoints = new GroupedSum<Claimant, Subject>('subject', block => subjectMeaning(block.data))
  readonly #cells = new GroupedSum<string, Subject>('cells', block => subjectMeaning(block.data))
  readonly #policies = new HashSum<string>()
  readonly #identities = new HashSum<Identity>()
  readonly #frontends = new HashSum<string>()
  readonly #backends = new HashSum<number>()
  readonly #egress = new HashSum<string>()
  /** By node: one that is reached at another address costs one hash, besides what its rows cost. */
  readonly #tunnels = new GroupedSum<string, string>('tunnels', address => address)
  readonly #touchedAddresses = new Set<KnownAddress>()
  readonly #touchedPrefixes = new Set<NamedPrefix>()
  readonly #touchedEndpoints = new Set<Claimant>()
  /** Classes whose cells are as they were and mean something else. */
  readonly #touchedClasses = new Set<PeerClass>()
  readonly #touchedCells = new Map<Subject, Map<string, readonly [Direction, PeerClass | undefined]>>()
  readonly #touchedPolicies = new Set<string>()
  readonly #touchedIdentities = new Set<Identity>()
  readonly #cellMembers = new Map<Subject, Set<string>>()

  addressTouched(address: KnownAddress, isThere: boolean): void {
    // Thousands at once, and most of them again before the next digest: a flag is cheaper to ask than a set.
    if (isThere && address.isToHash) return
    address.isToHash = isThere || this.#addresses.has(address)
    noteTouched(this.#touchedAddresses, address, address.isToHash)
  }

  prefixTouched(named: NamedPrefix, isThere: boolean): void {
    noteTouched(this.#touchedPrefixes, named, isThere || this.#prefixes.has(named))
  }

  endpointTouched(claimant: Claimant): void {
    noteTouched(this.#touchedEndpoints, claimant, claimant.slot > 0 || this.#endpoints.has(claimant))
  }

  classTouched(peerClass: PeerClass): void {
    this.#addresses.touch(peerClass)
    this.#prefixes.touch(peerClass)
    if (peerClass.members.size > 0) this.#touchedClasses.add(peerClass)
    else this.#touchedClasses.delete(peerClass)
  }

  subjectTouched(subject: Subject): void {
    this.#endpoints.touch(subject)
    this.#cells.touch(subject)
    if (subject.members.size > 0) return
    this.#touchedCells.delete(subject)
    for (const cell of this.#cellMembers.get(subject) ?? []) this.#cells.remove(cell)
    this.#cellMembers.delete(subject)
  }

  readonly cellTouched = (subject: Subject, direction: Direction, peerClass: PeerClass | undefined): void => {
    const cells = entryOf(this.#touchedCells, subject, () => new Map())
    cells.set(`${subject.number}:${direction}:${peerClass?.number ?? 0}`, [direction, peerClass])
  }

  /** A policy's `Kind/namespace/name`, or that of what policies refer to. */
  policyTouched(key: string, isThere: boolean): void {
    noteTouched(this.#touchedPolicies, key, isThere || this.#policies.has(key))
  }

  identityTouched(identity: Identity): void {
    noteTouched(this.#touchedIdentities, identity, identity.references > 0 || this.#identities.has(identity))
  }

  /** The tables must be settled. */
  digest(sources: DigestSources): Digest {
    this.#follow(sources)
    this.#followServices(sources.services)
    this.#followEgress(sources.egress)
    this.#followTunnels(sources.tunnels)
    return digestOf({
      addresses: this.#addresses.total(),
      prefixes: this.#prefixes.total(),
      endpoints: this.#endpoints.total(),
      cells: this.#cells.total(),
      policies: this.#policies.total,
      identities: this.#identities.total,
      frontends: this.#frontends.total,
      backends: this.#backends.total,
      egress: this.#egress.total,
      tunnels: this.#tunnels.total(),
    })
  }

  #follow({ state, verdicts }: DigestSources): void {
    const { peers, subjects, cells } = verdicts
    for (const known of this.#touchedAddresses) {
      known.isToHash = false
      if (known.claimants.length === 0) this.#addresses.remove(known)
      else {
        const { shape, address } = { shape: known.group.shape, address: known.address }
        this.#addresses.put(known, peers.classOf(known.group), addressMeaning(address, shape.identityLabels))
      }
    }
    this.#touchedAddresses.clear()
    for (const named of this.#touchedPrefixes) {
      if (peers.groups.prefixes.get(named.text) !== named) this.#prefixes.remove(named)
      else {
        const meaning = hash('prefix', named.text, ...prefixIdentityLabels(named.text))
        this.#prefixes.put(named, peers.classOfRest(named), meaning)
      }
    }
    this.#touchedPrefixes.clear()
    for (const claimant of this.#touchedEndpoints) {
      const pod = claimant.slot === 0 ? undefined : claimant.workload?.pod
      if (pod === undefined) this.#endpoints.remove(claimant)
      else {
        const subject = subjects.partition.blockOf(claimant.shape)!
        this.#endpoints.put(claimant, subject, endpointMeaning(pod, claimant.shape.identityLabels))
      }
    }
    this.#touchedEndpoints.clear()
    for (const peerClass of this.#touchedClasses) {
      for (const subject of subjectsAsking(peerClass.data.atoms)) {
        for (const direction of directions) {
          if (cells.rowOf(subject, direction, peerClass) !== undefined) this.cellTouched(subject, direction, peerClass)
        }
      }
    }
    this.#touchedClasses.clear()
    for (const [subject, touched] of this.#touchedCells) {
      for (const [cell, [direction, peerClass]] of touched) {
        const row = cells.rowOf(subject, direction, peerClass)
        const members = entryOf(this.#cellMembers, subject, () => new Set())
        if (row === undefined) {
          this.#cells.remove(cell)
          members.delete(cell)
          continue
        }
        const whom = peerClass === undefined ? 'default' : classMeaning(peerClass.data)
        this.#cells.put(cell, subject, hash('cell', direction, whom, rowMeaning(row)))
        members.add(cell)
      }
    }
    this.#touchedCells.clear()
    for (const key of this.#touchedPolicies) {
      const kind = key.slice(0, key.indexOf('/'))
      const fact = kind === 'CiliumCIDRGroup' ? groupOf(state, key) : policyOf(state, key)?.fact
      this.#policies.put(key, fact === undefined ? undefined : policyMeaning(kind, fact))
    }
    this.#touchedPolicies.clear()
    for (const identity of this.#touchedIdentities) {
      this.#identities.put(identity, identity.references === 0 ? undefined : identityMeaning(identity.labels))
    }
    this.#touchedIdentities.clear()
  }

  #followServices({ frontends, selections, backends }: Services): void {
    frontends.takeTouched((key, row) =>
      this.#frontends.put(key, row && frontendMeaning(row, selections.table, backends.table)),
    )
    backends.table.takeTouched((number, row) => this.#backends.put(number, row && backendMeaning(row)))
  }

  #followEgress({ rules, nonMasquerade, masquerade, touched }: Egress): void {
    for (const key of touched) {
      const row = rules.get(key)
      this.#egress.put(key, row && egressMeaning(row))
    }
    touched.clear()
    // A handful of rows each.
    let sum = zero
    for (const [, row] of nonMasquerade) sum = add(sum, nonMasqueradeMeaning(row))
    for (const [, row] of masquerade) sum = add(sum, masqueradeMeaning(row))
    this.#egress.put('masquerade', sum)
  }

  #followTunnels(tunnels: Tunnels): void {
    for (const prefix of tunnels.touched) {
      const row = tunnels.row(prefix)
      if (row === undefined) this.#tunnels.remove(prefix)
      else this.#tunnels.put(prefix, row.address, hash('tunnel', prefix, row.isNode ? 'node' : 'pods'))
    }
    empty(tunnels.touched)
  }
}

/** What came and went since the last digest is as if it had never been: churn must not gather until the next one. */
function noteTouched<Item>(touched: Set<Item>, item: Item, counts: boolean): void {
  if (counts) touched.add(item)
  else touched.delete(item)
}

const groupOf = ({ cidrGroups }: ClusterState, key: string) => cidrGroups.get(key.slice(key.lastIndexOf('/') + 1))?.fact

/** A plain sum of hashes by key. */
class HashSum<Key> {
  total = zero
  readonly #hashes = new Map<Key, Sum>()

  has(key: Key): boolean {
    return this.#hashes.has(key)
  }

  put(key: Key, hashed: Sum | undefined): void {
    const before = this.#hashes.get(key)
    if (before !== undefined) this.total = subtract(this.total, before)
    if (hashed === undefined) this.#hashes.delete(key)
    else {
      this.#hashes.set(key, hashed)
      this.total = add(this.total, hashed)
    }
  }
}

type Parts<Part> = { readonly [Key in keyof Digest['parts']]: Part }

function digestOf(sums: Parts<Sum>): Digest {
  const parts = {
    addresses: sumHex(sums.addresses),
    prefixes: sumHex(sums.prefixes),
    endpoints: sumHex(sums.endpoints),
    cells: sumHex(sums.cells),
    policies: sumHex(sums.policies),
    identities: sumHex(sums.identities),
    frontends: sumHex(sums.frontends),
    backends: sumHex(sums.backends),
    egress: sumHex(sums.egress),
    tunnels: sumHex(sums.tunnels),
  }
  return { hex: hexOf(version, parts), version, parts }
}
