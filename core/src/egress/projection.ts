import { empty } from '../empty.js'
import { type Prefix, parsePrefix } from '../address/address.js'
import type { EgressGatewayPolicyFact } from '../event/egress.js'
import type { PodFact, WeirEvent } from '../event/event.js'
import { dropFrom, entryOf } from '../multimap.js'
import { objectKey, type ClusterState } from '../state/state.js'
import { egressKey, type EgressRow, type MasqueradeRow, type NonMasqueradeRow } from '../tables/egress-rows.js'
import { RecordedTable } from '../tables/recorded-table.js'
import type { EgressDelta, EgressTables } from '../tables/tables.js'
import { type Decision, type Destinations, decisionsOf } from './decisions.js'
import { type Gateway, familyOf, gatewayFor, gatewaysOf } from './gateways.js'
import { masqueradeRows, nonMasqueradeRows } from './masquerade.js'
import { labelsFor, nodeOfPod, selectsPod } from './selected-pods.js'

/** A policy with what its text and the nodes make of it. */
interface Compiled extends Destinations {
  readonly fact: EgressGatewayPolicyFact
  readonly gateways: readonly Gateway[]
}

/** What a pod asks for at one of its addresses. Of several that have it those of this node come first, then names decide. */
interface Claim {
  readonly source: string
  readonly rows: readonly EgressRow[]
  readonly rank: string
}

/**
 * Egress gateway policies → rows for the pods that this node has to do with: its own, which it leads to their gateway, and
 * those whose gateway it is; and where pods' traffic is masqueraded.
 */
export class Egress {
  readonly rules = new RecordedTable<string, EgressRow>(sameRow)
  readonly nonMasquerade = new RecordedTable<string, NonMasqueradeRow>((a, b) => a.why === b.why)
  readonly masquerade = new RecordedTable<number, MasqueradeRow>(sameMasquerade)
  readonly tables: EgressTables
  /** Keys whose row may have changed since the digest looked. */
  readonly touched = new Set<string>()
  readonly #state: ClusterState
  readonly #policies = new Map<string, Compiled>()
  readonly #dirtyPolicies = new Set<string>()
  readonly #dirtyPods = new Set<string>()
  readonly #dirtyNamespaces = new Set<string>()
  #allPodsAreDirty = false
  #gatewaysAreDirty = false
  #masqueradeIsDirty = false
  /** Policies that select a pod, by the pod's key, and the reverse. */
  readonly #selecting = new Map<string, readonly string[]>()
  readonly #selected = new Map<string, Set<string>>()
  /** What decides for pods that the same policies select. */
  readonly #decisions = new Map<string, readonly Decision<Compiled>[]>()
  /** Who asks for rows, by source and pod; the sources of each pod; and the keys of the rows that each source has. */
  readonly #claims = new Map<string, Map<string, Claim>>()
  readonly #claimed = new Map<string, readonly string[]>()
  readonly #keys = new Map<string, readonly string[]>()

  constructor(state: ClusterState) {
    this.#state = state
    this.tables = { egressRules: this.rules, nonMasquerade: this.nonMasquerade, masquerade: this.masquerade }
  }

  /** Notes what an event, which the state has taken in already, makes dirty. */
  observe(event: WeirEvent): void {
    switch (event.kind) {
      case 'egressgateway.upserted':
        this.#dirtyPolicies.add(event.policy.name)
        break
      case 'egressgateway.deleted':
        this.#dirtyPolicies.add(event.name)
        break
      case 'pod.upserted':
        if (this.#hasPolicies) this.#dirtyPods.add(objectKey(event.pod.namespace, event.pod.name))
        break
      case 'pod.deleted':
        if (this.#hasPolicies) this.#dirtyPods.add(objectKey(event.namespace, event.name))
        break
      case 'endpoint.attached':
        if (this.#hasPolicies) this.#dirtyPods.add(objectKey(event.endpoint.namespace, event.endpoint.pod))
        break
      case 'endpoint.detached':
        if (this.#hasPolicies) this.#dirtyPods.add(objectKey(event.namespace, event.pod))
        break
      case 'namespace.upserted':
        if (this.#hasPolicies) this.#dirtyNamespaces.add(event.namespace.name)
        break
      case 'namespace.deleted':
        if (this.#hasPolicies) this.#dirtyNamespaces.add(event.name)
        break
      case 'agent.configured':
        this.#allPodsAreDirty = true
        this.#surroundingsChanged()
        break
      case 'node.upserted':
      case 'node.deleted':
      case 'devices.observed':
      case 'host.observed':
        this.#surroundingsChanged()
        break
      case 'ipmasq.configured':
      case 'ipmasq.withdrawn':
        this.#masqueradeIsDirty = true
        break
    }
  }

  /** Takes in a whole state, as a snapshot brings it. */
  resume(): void {
    for (const name of this.#state.egressGateways.keys()) this.#dirtyPolicies.add(name)
    this.#allPodsAreDirty = true
    this.#surroundingsChanged()
  }

  /** Brings the tables up to the state. */
  settle(): void {
    this.#settlePolicies()
    this.#settlePods()
    if (this.#masqueradeIsDirty) this.#settleMasquerade()
  }

  /** The net changes since the last call. */
  flush(): EgressDelta {
    return {
      egressRules: this.rules.flush(),
      nonMasquerade: this.nonMasquerade.flush(),
      masquerade: this.masquerade.flush(),
    }
  }

  /** Where no policy is nor was, there is nothing to look at; one that comes has all pods looked at. */
  get #hasPolicies(): boolean {
    return this.#policies.size + this.#selecting.size > 0
  }

  #surroundingsChanged(): void {
    this.#gatewaysAreDirty = true
    this.#masqueradeIsDirty = true
  }

  /** A policy that selects other pods has all of them looked at; one with other gateways only those that it selects. */
  #settlePolicies(): void {
    const names = this.#gatewaysAreDirty ? this.#state.egressGateways.keys() : this.#dirtyPolicies
    for (const name of [...names]) {
      const before = this.#policies.get(name)
      const fact = this.#state.egressGateways.get(name)?.fact
      if (fact === undefined) continue
      const gateways = gatewaysOf(fact.gateways, this.#state)
      // Which nodes run the pods may be asked for, and nodes have changed.
      if (fact.selectors.some(({ nodeSelector }) => nodeSelector !== undefined)) this.#allPodsAreDirty = true
      if (before?.fact === fact && sameGateways(before.gateways, gateways)) continue
      if (before?.fact !== fact) this.#allPodsAreDirty = true
      for (const pod of this.#selected.get(name) ?? []) this.#dirtyPods.add(pod)
      this.#policies.set(name, { ...destinationsOf(fact), fact, gateways })
      this.#decisions.clear()
    }
    for (const name of this.#dirtyPolicies) {
      if (this.#state.egressGateways.has(name) || !this.#policies.delete(name)) continue
      for (const pod of this.#selected.get(name) ?? []) this.#dirtyPods.add(pod)
      this.#decisions.clear()
    }
    empty(this.#dirtyPolicies)
    this.#gatewaysAreDirty = false
  }

  #settlePods(): void {
    if (this.#hasPolicies) {
      const { pods } = this.#state
      if (this.#allPodsAreDirty) for (const key of pods.keys()) this.#dirtyPods.add(key)
      else if (this.#dirtyNamespaces.size > 0)
        for (const [key, { fact }] of pods) if (this.#dirtyNamespaces.has(fact.namespace)) this.#dirtyPods.add(key)
      for (const key of this.#dirtyPods) this.#settlePod(key)
    }
    empty(this.#dirtyPods)
    empty(this.#dirtyNamespaces)
    this.#allPodsAreDirty = false
  }

  #settlePod(key: string): void {
    const pod = this.#state.pods.get(key)?.fact
    const selecting = pod === undefined || pod.hostNetwork ? [] : this.#selectingOf(pod)
    for (const name of this.#selecting.get(key) ?? []) dropFrom(this.#selected, name, key)
    for (const name of selecting) entryOf(this.#selected, name, () => new Set()).add(key)
    if (selecting.length === 0) this.#selecting.delete(key)
    else this.#selecting.set(key, selecting)
    this.#claim(key, selecting.length === 0 ? [] : this.#claimsOf(key, pod!, selecting))
  }

  #selectingOf(pod: PodFact): readonly string[] {
    const by = labelsFor(pod, this.#state)
    return [...this.#policies.values()]
      .filter(({ fact }) => selectsPod(fact, by))
      .map(({ name }) => name)
      .sort()
  }

  #claimsOf(key: string, pod: PodFact, selecting: readonly string[]): readonly Claim[] {
    const together = selecting.join()
    let decisions = this.#decisions.get(together)
    if (decisions === undefined) {
      decisions = decisionsOf(selecting.map(name => this.#policies.get(name)!))
      this.#decisions.set(together, decisions)
    }
    const own = this.#state.agent?.fact.node
    const isHere = own !== undefined && nodeOfPod(pod, this.#state) === own
    const gateways = new Map(selecting.map(name => [name, gatewayFor(key, this.#policies.get(name)!.gateways)]))
    // Of pods elsewhere only those are of interest that leave by this node.
    if (!isHere && ![...gateways.values()].some(gateway => gateway?.isHere === true)) return []
    return pod.addresses.map(source => ({
      source,
      rows: decisions
        .filter(({ family }) => family === familyOf(source))
        .map(decision => rowOf(source, decision, decision.policy && gateways.get(decision.policy.name), isHere)),
      rank: `${isHere ? 0 : 1} ${key}`,
    }))
  }

  #claim(pod: string, claims: readonly Claim[]): void {
    const before = this.#claimed.get(pod) ?? []
    const after = claims.map(({ source }) => source)
    for (const source of before) dropClaim(this.#claims, source, pod)
    for (const claim of claims) entryOf(this.#claims, claim.source, () => new Map()).set(pod, claim)
    if (after.length === 0) this.#claimed.delete(pod)
    else this.#claimed.set(pod, after)
    for (const source of new Set([...before, ...after])) {
      const [first] = [...(this.#claims.get(source)?.values() ?? [])].sort((a, b) => (a.rank < b.rank ? -1 : 1))
      this.#replace(source, first?.rows ?? [])
    }
  }

  #replace(source: string, rows: readonly EgressRow[]): void {
    const before = this.#keys.get(source) ?? []
    const keys = rows.map(({ prefix }) => egressKey(source, prefix))
    const kept = new Set(keys)
    for (const key of before) if (!kept.has(key)) this.rules.delete(key)
    for (const [at, key] of keys.entries()) this.rules.set(key, rows[at]!)
    for (const key of [...before, ...keys]) this.touched.add(key)
    if (keys.length === 0) this.#keys.delete(source)
    else this.#keys.set(source, keys)
  }

  #settleMasquerade(): void {
    this.#masqueradeIsDirty = false
    const prefixes = new Map(nonMasqueradeRows(this.#state).map(row => [row.prefix, row]))
    for (const [prefix] of [...this.nonMasquerade]) if (!prefixes.has(prefix)) this.nonMasquerade.delete(prefix)
    for (const [prefix, row] of prefixes) this.nonMasquerade.set(prefix, row)
    const devices = new Map(masqueradeRows(this.#state).map(row => [row.ifindex, row]))
    for (const [ifindex] of [...this.masquerade]) if (!devices.has(ifindex)) this.masquerade.delete(ifindex)
    for (const [ifindex, row] of devices) this.masquerade.set(ifindex, row)
  }
}

function dropClaim(claims: Map<string, Map<string, Claim>>, source: string, pod: string): void {
  const there = claims.get(source)!
  there.delete(pod)
  if (there.size === 0) claims.delete(source)
}

/**
 * A row of a pod's. One that is elsewhere has rows for all destinations here once it leaves by this node to some: those
 * that go elsewhere pass, as they are on their way.
 */
function rowOf(
  source: string,
  { prefix, family, policy }: Decision<Compiled>,
  gateway: Gateway | undefined,
  isHere: boolean,
): EgressRow {
  const nobody = { gatewayAddress: '', egressAddress: '' }
  if (policy === undefined) return { source, prefix, action: 'pass', policy: '', gateway: '', ...nobody }
  const said = { source, prefix, policy: policy.name, gateway: gateway?.node ?? '', ...nobody }
  if (gateway?.isHere === true) {
    const egressAddress = gateway.egress[family]
    return egressAddress === '' ? { ...said, action: 'noAddress' } : { ...said, action: 'translate', egressAddress }
  }
  if (!isHere) return { ...said, action: 'pass' }
  const gatewayAddress = gateway?.address[family] ?? ''
  return gatewayAddress === '' ? { ...said, action: 'noGateway' } : { ...said, action: 'steer', gatewayAddress }
}

const destinationsOf = ({ name, destinationCidrs, excludedCidrs }: EgressGatewayPolicyFact): Destinations => ({
  name,
  taken: prefixesOf(destinationCidrs),
  excluded: prefixesOf(excludedCidrs),
})

const prefixesOf = (texts: readonly string[]): readonly Prefix[] => texts.flatMap(text => parsePrefix(text) ?? [])

function sameRow(a: EgressRow, b: EgressRow): boolean {
  return (
    a.action === b.action &&
    a.policy === b.policy &&
    a.gateway === b.gateway &&
    a.gatewayAddress === b.gatewayAddress &&
    a.egressAddress === b.egressAddress
  )
}

const sameMasquerade = (a: MasqueradeRow, b: MasqueradeRow): boolean =>
  a.ifname === b.ifname && a.ipv4 === b.ipv4 && a.ipv6 === b.ipv6

function sameGateways(a: readonly Gateway[], b: readonly Gateway[]): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}
