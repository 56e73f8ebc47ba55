import { DigestKeeper, type Digest } from './digest/digest.js'
import { Egress } from './egress/projection.js'
import { WeirError } from './errors.js'
import type { WeirEvent } from './event/event.js'
import type { EndpointSliceFact } from './event/service.js'
import { Explainer, type Explanation, type FlowQuery, type SupposedFlow } from './explain/explain.js'
import { flowVerdict } from './explain/flow-verdict.js'
import type { NumberRange } from './identity/allocator.js'
import { CidrIdentities } from './identity/cidr-identities.js'
import { Identities, type IdentityRow } from './identity/identities.js'
import { reservedRows } from './identity/reserved-rows.js'
import { Workloads } from './identity/workloads.js'
import { apiServerEndpoints } from './policy/address-source.js'
import type { Protocol, Rule } from './policy/rule.js'
import { Tunnels } from './routing/projection.js'
import { type Candidate, candidatesOf } from './service/candidates.js'
import { backendCauses, frontendCauses } from './service/causes.js'
import type { Conflict } from './service/frontends.js'
import { Services } from './service/projection.js'
import { usableAddresses } from './service/usable-addresses.js'
import { Settling } from './settling.js'
import { restoreState, snapshotState, snapshotVersion, type EngineSnapshot } from './snapshot.js'
import { reduceState } from './state/reduce.js'
import { enforceStaged, unstaged } from './state/staged.js'
import { touchedBy } from './state/touched.js'
import { emptyState, objectKey, refusalKey, type ClusterState, type MutableClusterState } from './state/state.js'
import type { BackendRow, FrontendRow } from './tables/service-rows.js'
import type { Tables, TablesDelta, Verdict } from './tables/tables.js'
import { cidrScope, policiesOf, policyKey, policyOf, writtenBlocks } from './verdict/dialects.js'
import { numberingOf, settleWith } from './verdict/numbering.js'
import { Verdicts } from './verdict/projection.js'

/** Bounds of the engine's number ranges, for tests of their exhaustion; and what it enforces. */
export interface EngineOptions {
  readonly clusterIdentities?: NumberRange
  /** Puts staged policies into force, as if nobody had staged them: what would be. */
  readonly enforceStaged?: boolean
}

export interface RestoreOptions extends EngineOptions {
  /** `kept`, the default: all numbers as they were, as maps written by them need. `fresh`: in half the time, to only ask. */
  readonly numbers?: 'kept' | 'fresh'
}

/**
 * Events → inputs, identities, tables. Pure: what it holds is a function of the events folded, what it costs follows
 * the change.
 */
export class Engine {
  readonly #state: MutableClusterState
  readonly #enforcesStaged: boolean
  readonly #digest = new DigestKeeper()
  readonly #identities: Identities
  readonly #cidrIdentities = new CidrIdentities()
  readonly #workloads: Workloads
  readonly #verdicts: Verdicts
  readonly #services: Services
  readonly #egress: Egress
  readonly #tunnels: Tunnels
  readonly #explainer: Explainer
  readonly #tables: Tables
  /** The slices whose addresses policies may mean. */
  readonly #topicSlices = new Set<string>()
  readonly #settling: Settling
  #cidrScope = cidrScope()

  constructor(options: EngineOptions = {}) {
    this.#state = emptyState()
    this.#enforcesStaged = options.enforceStaged === true
    this.#identities = new Identities(
      {
        numbered: identity => this.#workloads.touchIdentity(identity),
        changed: identity => this.#digest.identityTouched(identity),
      },
      options.clusterIdentities,
    )
    this.#workloads = new Workloads(this.#identities)
    this.#verdicts = new Verdicts(this.#state, this.#workloads, this.#cidrIdentities, this.#digest)
    this.#services = new Services(this.#state)
    this.#egress = new Egress(this.#state)
    this.#tunnels = new Tunnels(this.#state)
    this.#settling = new Settling(this.#state, this.#verdicts, this.#services, this.#egress)
    this.#tables = { ...this.#verdicts.tables, ...this.#services.tables, ...this.#egress.tables }
    this.#explainer = new Explainer(this.#state, this.#verdicts, this.#cidrIdentities)
  }

  /** The last event folded. */
  get seq(): number {
    return this.#state.seq
  }

  get state(): ClusterState {
    return this.#state
  }

  /** Rises with every event that changes which addresses sets may have: names, groups, endpoints of services. */
  get addressSetChanges(): number {
    return this.#verdicts.peers.atoms.sets.changes
  }

  /** Settled. Whoever reads them here has seen all changes so far: the next delta starts from what they say now. */
  get tables(): Tables {
    this.#settling.all()
    this.#flush()
    return this.#tables
  }

  /** Set while a label set waits for an identity number; its pods are `unmanaged` by number, their verdicts are right. */
  get exhaustion(): WeirError<'WEIR_IDENTITIES_EXHAUSTED'> | undefined {
    return this.#identities.exhaustion
  }

  /**
   * Folds a batch and settles the tables once.
   * @returns the net change since the last delta, or since `tables` was last read: what `fold` took in meanwhile included
   * @throws WEIR_EVENT_OUT_OF_ORDER, WEIR_EVENT_UNKNOWN
   */
  apply(events: readonly WeirEvent[]): TablesDelta {
    this.fold(events)
    this.#settling.all()
    return this.#flush()
  }

  /**
   * Folds inputs and identities only; the tables follow when they are next read.
   * @throws WEIR_EVENT_OUT_OF_ORDER, WEIR_EVENT_UNKNOWN
   */
  fold(events: readonly WeirEvent[]): void {
    for (const event of events) this.#foldOne(event)
  }

  digest(): Digest {
    this.#settling.all()
    this.#tunnels.settle()
    return this.#digest.digest({
      state: this.#state,
      verdicts: this.#verdicts,
      services: this.#services,
      egress: this.#egress,
      tunnels: this.#tunnels,
    })
  }

  /** The verdict of a flow in the whole cluster, with every rule that had a say. */
  explain(flow: SupposedFlow): Explanation {
    this.#settling.question(addressesIn(flow), () => this.#explainer.asksOfOutside(flow))
    return this.#explainer.explain(flow, this.#state.seq)
  }

  /**
   * All that any rule can tell of the pod that has an address, as text to compare: while it and the rules stay the same, so
   * does what becomes of its flows. Undefined where no pod has the address.
   */
  standingOf(address: string): string | undefined {
    this.#settling.inputs()
    return this.#explainer.standingOf(address)
  }

  /** What the tables of this node make of a flow: pods of other nodes are not judged here. */
  verdict(flow: FlowQuery): Verdict {
    this.#settling.verdicts()
    return flowVerdict(this.#verdicts, flow)
  }

  /** Identities in use, the reserved ones first. */
  *identities(): Iterable<IdentityRow> {
    yield* reservedRows(this.#state)
    yield* this.#identities.rows()
    yield* this.#cidrIdentities.rows()
  }

  /** The sorted labels of a pods' identity in use. */
  readonly labelsOf = (identity: number): readonly string[] | undefined => this.#identities.labelsOf(identity)

  /** What services, host ports and redirects answer at, as the table has it: for a question, no delta starts from it. */
  frontends(): readonly FrontendRow[] {
    this.#settling.services()
    return [...this.#services.tables.frontends].map(([, row]) => row)
  }

  /** Addresses and ports that several services, host ports or redirects claim, and who has them. */
  frontendConflicts(): readonly Conflict[] {
    this.#settling.services()
    return this.#services.conflicts()
  }

  /** The events that brought a frontend, and the endpoints that it leads to. */
  frontendCauses(row: FrontendRow): readonly number[] {
    this.#settling.services()
    return frontendCauses(row, this.#state, this.#services)
  }

  /** `namespace/name` of the services whose frontend an address and port is, or else whose backend; sorted. */
  servicesAt(address: string, port: number, protocol: Protocol): readonly string[] {
    this.#settling.services()
    return this.#services.servicesAt(address, port, protocol)
  }

  /** How many endpoints of a service, `namespace/name`, this node has that take new connections. */
  localEndpoints(service: string): number {
    this.#settling.services()
    return this.#services.localEndpoints(service)
  }

  /** Every endpoint that a frontend may lead to, and why it gets new connections or none. */
  frontendCandidates(row: FrontendRow): readonly Candidate[] {
    this.#settling.services()
    return candidatesOf(row, this.#state, this.#services)
  }

  /** The events that brought a backend, and what was said of it. */
  backendCauses(row: BackendRow): readonly number[] {
    this.#settling.services()
    return backendCauses(row, this.#state, this.#services)
  }

  /** Every rule in force, built-in ones included; sets of addresses with the members that they have now. */
  *rules(): Iterable<Rule> {
    this.#settling.rules()
    for (const { rule } of this.#verdicts.rules.all()) yield this.#verdicts.withMembers(rule)
  }

  /** Inputs and numbers as plain data, not shared with what later events change: what `restore` needs to go on as if it had folded every event. */
  snapshot(): EngineSnapshot {
    this.#settling.all()
    return {
      version: snapshotVersion,
      state: snapshotState(this.#state),
      identities: this.#identities.snapshot(),
      cidrIdentities: this.#cidrIdentities.snapshot(),
      numbering: numberingOf(this.#verdicts),
      services: this.#services.numbering(),
    }
  }

  /** @throws WEIR_SNAPSHOT_VERSION for what another build wrote: fold the events instead */
  static restore(snapshot: EngineSnapshot, options: RestoreOptions = {}): Engine {
    const version: number = snapshot.version
    if (version !== snapshotVersion) {
      const message = `a snapshot of version ${version}; this build has version ${snapshotVersion}`
      throw new WeirError('WEIR_SNAPSHOT_VERSION', message, { version, supported: snapshotVersion })
    }
    const engine = new Engine(options)
    engine.#resume(snapshot)
    if (options.numbers === 'fresh') engine.#takeStaged()
    else engine.#settleWith(snapshot)
    return engine
  }

  /** Another engine in the same state: neither sees what the other folds. Its tables settle when it is first asked. */
  fork(): Engine {
    return Engine.restore(this.snapshot(), { numbers: 'fresh', enforceStaged: this.#enforcesStaged })
  }

  #resume(snapshot: EngineSnapshot): void {
    restoreState(this.#state, snapshot.state)
    this.#cidrScope = cidrScope(this.#state.agent?.fact.cidrMatch)
    this.#workloads.restore(this.#state)
    this.#identities.resume(snapshot.identities)
    for (const policy of policiesOf(this.#state)) this.#policyChanged(policyKey(policy))
    for (const name of this.#state.cidrGroups.keys()) this.#groupChanged(name)
    this.#services.resume()
    for (const key of this.#state.endpointSlices.keys()) this.#sliceChanged(key)
    this.#namesChanged()
    this.#cidrIdentities.resume(snapshot.cidrIdentities)
    this.#allNodesChanged()
    this.#egress.resume()
    this.#tunnels.resume()
  }

  #settleWith(snapshot: EngineSnapshot): void {
    settleWith(this.#verdicts, snapshot.numbering)
    this.#services.settleWith(snapshot.services)
    this.#takeStaged()
    this.#settling.all()
    this.#flush()
  }

  #takeStaged(): void {
    if (this.#enforcesStaged) for (const key of enforceStaged(this.#state)) this.#policyChanged(key)
  }

  #foldOne(given: WeirEvent): void {
    const event = this.#enforcesStaged ? unstaged(given) : given
    const replaced = this.#services.replacedBy(event)
    reduceState(this.#state, event)
    this.#services.observe(event, replaced)
    this.#egress.observe(event)
    this.#tunnels.observe(event)
    // Most events are a pod's, and of it only its identity follows.
    if (event.kind === 'pod.upserted' || event.kind === 'pod.deleted') {
      this.#workloads.observe(event, this.#state)
      return
    }
    const touched = touchedBy(event)
    switch (touched.kind) {
      case 'policy':
        this.#policyChanged(touched.key)
        break
      case 'group':
        this.#groupChanged(touched.name)
        break
      case 'slice':
        this.#sliceChanged(touched.key)
        break
      case 'service':
        this.#serviceChanged(touched.namespace, touched.name)
        break
      case 'names':
        this.#namesChanged()
        break
      case 'node':
        this.#verdicts.claimants.dirtyNodes.add(touched.name)
        break
      case 'host':
        this.#hostChanged()
        break
      case 'agent':
        this.#agentChanged()
        this.#workloads.observe(event, this.#state)
        break
      default:
        this.#workloads.observe(event, this.#state)
    }
  }

  #agentChanged(): void {
    this.#allNodesChanged()
    const scope = cidrScope(this.#state.agent?.fact.cidrMatch)
    if (scope === this.#cidrScope) return
    this.#cidrScope = scope
    for (const key of this.#state.ciliumPolicies.keys()) this.#verdicts.dirtyPolicies.add(key)
  }

  #allNodesChanged(): void {
    for (const name of this.#state.nodes.keys()) this.#verdicts.claimants.dirtyNodes.add(name)
    this.#hostChanged()
  }

  /** Without an agent there is no node that it could be. */
  #hostChanged(): void {
    const node = this.#state.agent?.fact.node
    if (node !== undefined) this.#verdicts.claimants.dirtyNodes.add(node)
  }

  #policyChanged(key: string): void {
    this.#verdicts.dirtyPolicies.add(key)
    const policy = policyOf(this.#state, key)
    this.#digest.policyTouched(key, policy !== undefined)
    this.#cidrIdentities.observe(key, policy === undefined ? [] : writtenBlocks(policy))
  }

  #groupChanged(name: string): void {
    const group = this.#state.cidrGroups.get(name)?.fact
    this.#digest.policyTouched(refusalKey({ kind: 'CiliumCIDRGroup', namespace: '', name }), group !== undefined)
    const topic = group === undefined ? undefined : ({ kind: 'group', name, labels: group.labels } as const)
    this.#verdicts.peers.atoms.sets.put(`group ${name}`, topic, group?.cidrs ?? [])
  }

  #serviceChanged(namespace: string, name: string): void {
    this.#verdicts.serviceChanged(namespace, name)
    for (const slice of this.#services.slicesOf(objectKey(namespace, name)))
      this.#sliceChanged(objectKey(slice.namespace, slice.name))
  }

  /** Policies mean the endpoints of services without a selector, and of the API server's; no others are kept. */
  #sliceChanged(key: string): void {
    const found = this.#state.endpointSlices.get(key)?.fact
    const slice = found !== undefined && this.#isPolicyTopic(found) ? found : undefined
    if (slice === undefined && !this.#topicSlices.delete(key)) return
    if (slice !== undefined) this.#topicSlices.add(key)
    const topic =
      slice === undefined
        ? undefined
        : ({ kind: 'endpoints', name: objectKey(slice.namespace, slice.service) } as const)
    this.#verdicts.peers.atoms.sets.put(`slice ${key}`, topic, slice === undefined ? [] : usableAddresses(slice))
  }

  #isPolicyTopic({ namespace, service }: EndpointSliceFact): boolean {
    if (namespace === apiServerEndpoints.namespace && service === apiServerEndpoints.service) return true
    const known = this.#services.serviceOf(objectKey(namespace, service))
    return known !== undefined && Object.keys(known.selector).length === 0
  }

  #namesChanged(): void {
    for (const name of this.#state.dns.takeChanged()) {
      const addresses = this.#state.dns.get(name)
      const topic = addresses === undefined ? undefined : ({ kind: 'name', name } as const)
      this.#verdicts.peers.atoms.sets.put(`name ${name}`, topic, [...(addresses?.keys() ?? [])])
    }
  }

  #flush(): TablesDelta {
    return { seq: this.#state.seq, ...this.#verdicts.flush(), ...this.#services.flush(), ...this.#egress.flush() }
  }
}

const addressesIn = ({ from, to }: SupposedFlow): readonly string[] => [from, to].filter(end => typeof end === 'string')
