import { isIP } from 'node:net'
import { type Engine, objectKey, type Supposed, type WeirEvent } from '@weir/core'
import { usableAddresses } from '@weir/core/service/usable-addresses.js'
import { residentOf } from '@weir/core/compare/residents.js'
import { nodeLabels } from '@weir/core/identity/node-labels.js'
import type { IncidentEnds } from '@weir/core/incident/concern.js'
import { selectorText } from '@weir/core/policy/match.js'
import { AskedFlows, type FlowWords, type MeantFlow } from '../agent/asked-flows.js'
import { isEntity, MemberFinder, podsNamed, wordsFor } from '../agent/members.js'
import { type AskedService, findService } from '../agent/service-word.js'
import { parseTarget } from '../agent/target.js'
import { WeirError } from '@weir/core'

/** Collects who the two ends of a flow are from event to event. */
export class EndsWatcher {
  readonly #engine: Engine
  readonly #words: FlowWords
  readonly #asked: AskedFlows
  readonly #pods = new Set<string>()
  readonly #nodes = new Set<string>()
  readonly #addresses = new Set<string>()
  readonly #labels = new Map<string, ReadonlyMap<string, string>>()
  readonly #services = new Set<string>()
  #hasMeantSome = false

  /** @throws WeirError WEIR_REQUEST_INVALID for words that can't be read */
  constructor(engine: Engine, words: FlowWords) {
    this.#engine = engine
    this.#words = words
    this.#asked = new AskedFlows([words])
    this.#note()
  }

  get ends(): IncidentEnds {
    return {
      pods: this.#pods,
      nodes: this.#nodes,
      addresses: this.#addresses,
      labels: [...this.#labels.values()],
      services: this.#services,
    }
  }

  /** Whether the words meant anybody so far. */
  get hasMeantSome(): boolean {
    return this.#hasMeantSome
  }

  /** Whether the destination was a service at some time. */
  get isService(): boolean {
    return this.#services.size > 0
  }

  /** Takes in an event that the engine has folded. */
  observe(event: WeirEvent): void {
    if (this.#asked.touchedBy(event, this.#engine).size > 0 || this.#mayBeOthers(event)) this.#note()
  }

  #mayBeOthers(event: WeirEvent): boolean {
    switch (event.kind) {
      case 'pod.upserted': {
        const { namespace, name, addresses, hostNetwork } = event.pod
        const { from, to } = this.#words
        const isNamed = wordsFor(event.pod).some(word => word === lower(from) || word === lower(parseTarget(to).place))
        if (isNamed) this.#pods.add(objectKey(namespace, name))
        const isKnown = this.#pods.has(objectKey(namespace, name))
        return isKnown || hostNetwork || addresses.some(address => this.#addresses.has(address))
      }
      case 'pod.deleted':
      case 'endpoint.detached':
      case 'endpoint.attached':
      case 'namespace.upserted':
      case 'namespace.deleted':
      case 'node.upserted':
      case 'node.deleted':
      case 'host.observed':
      case 'agent.configured':
        return true
      case 'service.upserted':
      case 'service.deleted':
      case 'endpointslice.upserted':
      case 'endpointslice.deleted':
        return this.#mayBeService
      default:
        return false
    }
  }

  get #mayBeService(): boolean {
    const { place } = parseTarget(this.#words.to)
    return !isEntity(place) || place === 'host'
  }

  #note(): void {
    const engine = this.#engine
    const { from, to } = this.#words
    const { place } = parseTarget(to)
    for (const word of [from, place])
      if (isIP(word) !== 0) this.#addresses.add(word)
      else for (const { namespace, name } of podsNamed(engine.state, word)) this.#pods.add(objectKey(namespace, name))
    const { flows } = this.#asked.meaningOf(0, engine, new MemberFinder(engine))
    const service = serviceOf(engine, to)
    if (flows.size > 0) this.#hasMeantSome = true
    for (const meant of flows.values()) this.#noteFlow(meant)
    if (service !== undefined) this.#noteService(service, flows)
  }

  #noteFlow({ from, to, flow }: MeantFlow): void {
    for (const name of [from, to]) if (this.#engine.state.pods.has(name)) this.#pods.add(name)
    for (const end of [flow.from, flow.to]) {
      if (typeof end === 'string') this.#addresses.add(end)
      else this.#noteSupposed(end)
    }
    const explained = this.#engine.explain(flow)
    for (const { kind, name } of [explained.from, explained.to]) {
      if (kind === 'pod') this.#notePod(name)
      if (kind === 'node') this.#noteNode(name)
    }
  }

  #noteSupposed({ labels, name }: Supposed): void {
    this.#noteLabels(labels)
    if (this.#engine.state.pods.has(name)) this.#pods.add(name)
  }

  #notePod(key: string): void {
    this.#pods.add(key)
    const resident = residentOf(this.#engine.state, key)
    if (resident !== undefined) this.#noteLabels(resident.labels)
  }

  #noteNode(name: string): void {
    this.#nodes.add(name)
    for (const isOwn of [true, false]) this.#noteLabels(nodeLabels(this.#engine.state, name, isOwn))
  }

  #noteLabels(labels: ReadonlyMap<string, string>): void {
    const text = selectorText([...labels].map(([key, value]) => ({ key, operator: 'In' as const, values: [value] })))
    if (!this.#labels.has(text)) this.#labels.set(text, labels)
  }

  /** Whoever is behind a service is an end, and who asks for it. */
  #noteService(service: AskedService, flows: ReadonlyMap<string, MeantFlow>): void {
    const { state } = this.#engine
    this.#hasMeantSome = true
    const facts = service.kind === 'service' ? [service.service] : service.owners
    for (const { namespace, name } of facts) this.#services.add(objectKey(namespace, name))
    if (service.kind === 'address')
      for (const row of service.rows) this.#services.add(objectKey(row.namespace, row.name))
    for (const { fact } of state.endpointSlices.values()) {
      if (!this.#services.has(objectKey(fact.namespace, fact.service))) continue
      for (const address of usableAddresses(fact)) this.#addresses.add(address)
      for (const { pod } of fact.endpoints)
        if (pod !== undefined && state.pods.has(objectKey(fact.namespace, pod)))
          this.#notePod(objectKey(fact.namespace, pod))
    }
    if (flows.size > 0) return
    for (const { name, ends } of membersOf(this.#engine, this.#words.from)) {
      if (state.pods.has(name)) this.#notePod(name)
      for (const end of Object.values(ends)) if (typeof end === 'string') this.#addresses.add(end)
    }
  }
}

const lower = (word: string): string => word.toLowerCase()

function serviceOf(engine: Engine, to: string): AskedService | undefined {
  return orNobody(() => findService(engine, parseTarget(to)))
}

const membersOf = (engine: Engine, word: string) => orNobody(() => new MemberFinder(engine).find(word))?.members ?? []

function orNobody<Found>(find: () => Found): Found | undefined {
  try {
    return find()
  } catch (error) {
    if (error instanceof WeirError) return undefined
    throw error
  }
}
