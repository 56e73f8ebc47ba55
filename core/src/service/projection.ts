import type { WeirEvent } from '../event/event.js'
import type { BackendTarget, EndpointSliceFact, ServiceFact } from '../event/service.js'
import { dropFrom, entryOf } from '../multimap.js'
import { objectKey, type ClusterState } from '../state/state.js'
import type { Protocol } from '../policy/rule.js'
import { frontendKey } from '../tables/service-rows.js'
import type { ServicesDelta, ServiceTables } from '../tables/tables.js'
import { Backends } from './backends.js'
import { ClaimBuilder } from './claims.js'
import { type Conflict, Frontends } from './frontends.js'
import { LocalPods } from './local-pods.js'
import { appended, type Slice, type Unit } from './model.js'
import { compilePod } from './pod-unit.js'
import { compileRedirect } from './redirect-unit.js'
import { Selections } from './selections.js'
import { compileService, isProgrammed, type Surroundings, type Turn } from './service-unit.js'
import { nowhere, sameSurroundings, surroundingsOf } from './surroundings.js'
import { Units } from './units.js'

/** The numbers that stand in tables, by what they mean; see the numbering of verdicts. */
export interface ServiceNumbering {
  readonly backends: readonly (readonly [socket: string, number: number])[]
  readonly selections: readonly (readonly [content: string, number: number])[]
}

/** Services, endpoints, host ports and local redirects → frontends, selections and backends. */
export class Services {
  readonly frontends = new Frontends()
  readonly selections = new Selections()
  readonly backends: Backends
  readonly tables: ServiceTables
  readonly #state: ClusterState
  readonly #services = new Units('service')
  readonly #pods = new Units('pod')
  readonly #redirects = new Units('redirect')
  #dirty: Unit[] = []
  /** Redirects by the service that they speak of, and by their namespace. */
  readonly #redirectsOf = new Map<string, Set<Unit>>()
  readonly #topicOfRedirect = new Map<Unit, string>()
  readonly #localPods: LocalPods
  #around: Surroundings = nowhere
  #aroundIsDirty = false
  #hasMoved = false
  readonly #turn: Turn & { settled: number } = turns()

  constructor(state: ClusterState) {
    this.#state = state
    this.backends = new Backends(state.backends, state.failedChecks)
    this.#localPods = new LocalPods(state)
    this.tables = {
      frontends: this.frontends.table,
      selections: this.selections.table,
      backends: this.backends.table,
    }
  }

  /** The slice in place of which an event brings another, or none. The state must not have taken the event in yet. */
  replacedBy(event: WeirEvent): EndpointSliceFact | undefined {
    if (event.kind === 'endpointslice.upserted')
      return this.#state.endpointSlices.get(objectKey(event.slice.namespace, event.slice.name))?.fact
    if (event.kind !== 'endpointslice.deleted') return undefined
    return this.#state.endpointSlices.get(objectKey(event.namespace, event.name))?.fact
  }

  /** Notes what an event, which the state has taken in by now, makes dirty. @param replaced see `replacedBy` */
  observe(event: WeirEvent, replaced?: EndpointSliceFact): void {
    switch (event.kind) {
      case 'service.upserted':
        this.#serviceChanged(objectKey(event.service.namespace, event.service.name), event.service)
        break
      case 'service.deleted':
        this.#serviceChanged(objectKey(event.namespace, event.name), undefined)
        break
      case 'endpointslice.upserted':
        this.#sliceChanged(objectKey(event.slice.namespace, event.slice.name), replaced, event.slice)
        break
      case 'endpointslice.deleted':
        this.#sliceChanged(objectKey(event.namespace, event.name), replaced, undefined)
        break
      case 'pod.upserted':
        this.#podChanged(event.pod.namespace, event.pod.name)
        break
      case 'pod.deleted':
        this.#podChanged(event.namespace, event.name)
        break
      case 'endpoint.attached':
        this.#podChanged(event.endpoint.namespace, event.endpoint.pod)
        break
      case 'endpoint.detached':
        this.#podChanged(event.namespace, event.pod)
        break
      case 'localredirect.upserted':
        this.#redirectChanged(objectKey(event.redirect.namespace, event.redirect.name))
        break
      case 'localredirect.deleted':
        this.#redirectChanged(objectKey(event.namespace, event.name))
        break
      case 'backend.configured':
        this.#backendChanged(event.backend.target)
        break
      case 'backend.checked':
        this.#backendChanged({ kind: 'address', ...event.check })
        break
      case 'agent.configured':
        this.#agentChanged(event.agent.node)
        break
      case 'node.upserted':
      case 'node.deleted':
        this.#aroundIsDirty = true
        break
    }
  }

  /** Takes in a whole state, as a snapshot brings it. */
  resume(): void {
    const { services, endpointSlices, localRedirects, pods } = this.#state
    for (const [key, { fact }] of services) this.#serviceChanged(key, fact)
    for (const [key, { fact }] of endpointSlices) this.#sliceChanged(key, undefined, fact)
    for (const key of localRedirects.keys()) this.#redirectChanged(key)
    // Redirects look at the pods of their own, and none was looked at yet.
    for (const [key, { fact }] of pods) if (fact.hostPorts !== undefined) this.#touch(this.#pods.take(key))
    this.#aroundIsDirty = true
  }

  /** The numbers of settled tables. */
  numbering(): ServiceNumbering {
    return { backends: this.backends.numbers(), selections: this.selections.numbers() }
  }

  /** Settles for the first time, with numbers as they were. */
  settleWith(numbering: ServiceNumbering): void {
    this.backends.remember(numbering.backends)
    this.selections.remember(numbering.selections)
    this.settle()
    this.backends.forget()
    this.selections.forget()
  }

  /** Brings the tables up to the state. */
  settle(): void {
    this.#settleSurroundings()
    const dirty = this.#dirty
    if (dirty.length === 0) return
    this.#dirty = []
    for (const unit of dirty) this.#settleUnit(unit)
    this.selections.sweep()
    this.backends.sweep()
  }

  /** The net changes since the last call. Numbers that went out of use may be used again from now on. */
  flush(): ServicesDelta {
    const delta = {
      frontends: this.frontends.table.flush(),
      selections: this.selections.table.flush(),
      backends: this.backends.table.flush(),
    }
    this.selections.commit()
    this.backends.commit()
    return delta
  }

  /** Keys of the services whose frontend an address and port is, or else whose backend; sorted. */
  servicesAt(address: string, port: number, protocol: Protocol): readonly string[] {
    const found = new Set<string>()
    for (const scope of ['internal', 'external'] as const) {
      const row = this.frontends.table.get(frontendKey(address, port, protocol, scope))
      const key = row && objectKey(row.namespace, row.name)
      if (key !== undefined && row?.kind !== 'hostPort' && row?.kind !== 'localRedirect') found.add(key)
    }
    if (found.size > 0) return [...found].sort()
    for (const { unit } of this.backends.usesOf(address, port, protocol))
      if (unit.kind === 'service') found.add(unit.key)
    return [...found].sort()
  }

  /** Addresses of this node's endpoints of a service that are ready and not put out of use. */
  localEndpoints(service: string): number {
    const uses = this.#services.get(service)?.uses ?? []
    const taking = uses.filter(({ local, ready, weight, unhealthy }) => local && ready && weight > 0 && !unhealthy)
    return new Set(taking.map(({ row }) => row.address)).size
  }

  conflicts(): readonly Conflict[] {
    return [...this.frontends.conflicts()]
  }

  /** The keys of a service's slices, in their order. */
  sliceKeysOf(service: string): readonly string[] {
    return slicesIn(this.#services.get(service)).map(({ key }) => key)
  }

  /** The slices of a service, by their names' order. */
  slicesOf(service: string): readonly EndpointSliceFact[] {
    return factsIn(this.#services.get(service))
  }

  /** What was said of a service last. */
  serviceOf(service: string): ServiceFact | undefined {
    return this.#services.get(service)?.service
  }

  #touch(unit: Unit): void {
    if (unit.dirty) return
    unit.dirty = true
    this.#dirty.push(unit)
  }

  #serviceChanged(key: string, fact: ServiceFact | undefined): void {
    const unit = this.#services.take(key)
    unit.service = fact
    this.#touch(unit)
    if (this.#topicOfRedirect.size === 0) return
    for (const redirect of this.#redirectsOf.get(key) ?? []) this.#touch(redirect)
  }

  #sliceChanged(key: string, before: EndpointSliceFact | undefined, fact: EndpointSliceFact | undefined): void {
    const now = this.#unitOf(fact)
    if (now !== undefined) this.#touch(now)
    const was = this.#unitOf(before)
    if (was !== undefined) {
      this.#touch(was)
      const at = was.slices.findIndex(slice => slice.key === key)
      if (was === now) was.slices[at] = { key, fact: fact! }
      else was.slices.splice(at, 1)
    }
    if (now !== undefined && was !== now) now.slices = appended(now.slices, { key, fact: fact! })
  }

  /** The service that a slice is of, if it is of one. */
  #unitOf(slice: EndpointSliceFact | undefined): Unit | undefined {
    if (slice === undefined || slice.service === '') return undefined
    return this.#services.take(objectKey(slice.namespace, slice.service))
  }

  #podChanged(namespace: string, name: string): void {
    const key = objectKey(namespace, name)
    if (this.#state.pods.get(key)?.fact.hostPorts !== undefined || this.#pods.get(key) !== undefined)
      this.#touch(this.#pods.take(key))
    if (this.#topicOfRedirect.size === 0 || !this.#localPods.changed(namespace, key)) return
    for (const redirect of this.#redirectsOf.get(namespace) ?? []) this.#touch(redirect)
  }

  #redirectChanged(key: string): void {
    const unit = this.#redirects.take(key)
    this.#touch(unit)
    const fact = this.#state.localRedirects.get(key)?.fact
    const before = this.#topicOfRedirect.get(unit)
    if (before !== undefined) dropFrom(this.#redirectsOf, before, unit)
    if (fact === undefined) {
      this.#topicOfRedirect.delete(unit)
      dropFrom(this.#redirectsOf, unit.namespace, unit)
      if (this.#topicOfRedirect.size === 0) this.#localPods.forget()
      return
    }
    const topic = fact.frontend.kind === 'service' ? objectKey(unit.namespace, fact.frontend.service) : ''
    this.#topicOfRedirect.set(unit, topic)
    for (const by of [topic, unit.namespace]) entryOf(this.#redirectsOf, by, () => new Set()).add(unit)
  }

  /** Pods that came while the agent was of another node weren't taken for local, even if it is back within the turn. */
  #agentChanged(node: string): void {
    this.#aroundIsDirty = true
    this.#hasMoved ||= node !== this.#around.node
  }

  /** A word on a pod is looked for among all uses: it is an operator's, and rare. */
  #backendChanged(target: BackendTarget): void {
    if (target.kind === 'address') {
      for (const { unit } of this.backends.usesOf(target.address, target.port, target.protocol)) this.#touch(unit)
      return
    }
    for (const unit of this.#allUnits()) {
      if (unit.namespace !== target.namespace) continue
      if (unit.uses.some(({ endpoint }) => endpoint.pod === target.name)) this.#touch(unit)
    }
  }

  *#allUnits(): Iterable<Unit> {
    yield* this.#services.all()
    yield* this.#pods.all()
    yield* this.#redirects.all()
  }

  #settleSurroundings(): void {
    if (!this.#aroundIsDirty) return
    this.#aroundIsDirty = false
    const around = surroundingsOf(this.#state)
    const isElsewhere = this.#hasMoved || around.node !== this.#around.node
    this.#hasMoved = false
    if (!isElsewhere && sameSurroundings(around, this.#around)) return
    this.#around = around
    if (isElsewhere) {
      this.#localPods.forget()
      for (const [key, { fact }] of this.#state.pods)
        if (fact.hostPorts !== undefined) this.#touch(this.#pods.take(key))
    }
    for (const unit of this.#allUnits()) if (isElsewhere || this.#isBound(unit)) this.#touch(unit)
  }

  /** Whether a unit looks at this node's addresses or zone. */
  #isBound({ kind, service }: Unit): boolean {
    if (kind !== 'service') return true
    return service?.topology !== undefined || (service?.ports.some(({ nodePort }) => nodePort !== undefined) ?? false)
  }

  #settleUnit(unit: Unit): void {
    const { uses, selections } = unit
    unit.dirty = false
    this.#turn.settled = this.#turn.next()
    unit.uses = []
    const builder = new ClaimBuilder(unit, this.selections)
    this.#compile(unit, builder)
    this.frontends.replace(unit, builder.claims)
    unit.selections = builder.selections
    for (const selection of selections) this.selections.release(selection)
    this.backends.release(uses, this.#turn.settled)
  }

  #compile(unit: Unit, builder: ClaimBuilder): void {
    const { services, pods, localRedirects } = this.#state
    switch (unit.kind) {
      case 'service': {
        const { service } = unit
        if (service === undefined && unit.slices.length === 0) this.#services.forget(unit)
        if (service === undefined || !isProgrammed(service)) return
        compileService(unit, service, factsIn(unit), this.#around, this.backends, builder, this.#turn)
        return
      }
      case 'pod': {
        const pod = pods.get(unit.key)?.fact
        if (pod?.hostPorts === undefined || !this.#localPods.isLocal(pod)) this.#pods.forget(unit)
        else compilePod(unit, pod, this.#around, this.backends, builder, this.#turn)
        return
      }
      case 'redirect': {
        const redirect = localRedirects.get(unit.key)?.fact
        if (redirect === undefined) {
          this.#redirects.forget(unit)
          return
        }
        const { namespace, frontend } = redirect
        const service =
          frontend.kind === 'service' ? services.get(objectKey(namespace, frontend.service))?.fact : undefined
        const there = this.#localPods.of(namespace)
        compileRedirect(unit, redirect, service, there, this.#around, this.backends, builder, this.#turn)
      }
    }
  }
}

function slicesIn(unit: Unit | undefined): readonly Slice[] {
  const slices = unit?.slices ?? []
  if (slices.length > 1) slices.sort((a, b) => (a.key < b.key ? -1 : 1))
  return slices
}

const factsIn = (unit: Unit | undefined): readonly EndpointSliceFact[] => slicesIn(unit).map(({ fact }) => fact)

function turns(): Turn & { settled: number } {
  let last = 0
  const next = () => ++last
  return { settled: 0, next }
}
