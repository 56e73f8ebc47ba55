import type { CidrGroupFact } from '../event/cilium.js'
import type { DnsAnswerFact, EventBody, PodFact } from '../event/event.js'
import type { PolicyFact } from '../event/policy-fact.js'
import type { EndpointSliceFact, ServiceFact } from '../event/service.js'
import type { LabelMap } from '../identity/labels.js'
import type { AddressSource } from '../policy/address-source.js'
import { nameMatcher } from '../policy/fqdn.js'
import { matchesSelector } from '../policy/match.js'
import { endOf } from '../state/in-force.js'
import { type ClusterState, objectKey } from '../state/state.js'
import { touchedBy } from '../state/touched.js'
import { compilePolicy, policyKey, servicesIn } from '../verdict/dialects.js'

/** Everybody that a flow's two ends were while an incident lasted. */
export interface IncidentEnds {
  /** `namespace/name`, also of pods that a word could have been taken to mean. */
  readonly pods: ReadonlySet<string>
  readonly nodes: ReadonlySet<string>
  /** Canonical texts. */
  readonly addresses: ReadonlySet<string>
  /** As rules selected the ends, each once. */
  readonly labels: readonly LabelMap[]
  /** `namespace/name` of services that were asked about by their own names or addresses. */
  readonly services: ReadonlySet<string>
}

/** How much of a log is kept: what can have a bearing on the flow, all that rules speak of, or all there is. */
export const incidentExtents = ['concerned', 'rules', 'everything'] as const
export type IncidentExtent = (typeof incidentExtents)[number]

/** Kinds that no verdict follows from. */
const withoutVerdict: ReadonlySet<EventBody['kind']> = new Set([
  'devices.observed',
  'egressgateway.deleted',
  'egressgateway.upserted',
  'ipmasq.configured',
  'ipmasq.withdrawn',
])

/** Kinds that say how services are balanced, and nothing of who may talk to whom. */
const ofBalancing: ReadonlySet<EventBody['kind']> = new Set([
  'backend.checked',
  'backend.configured',
  'localredirect.deleted',
  'localredirect.upserted',
])

/** Tells what of a log an incident needs. */
export class Concern {
  readonly #ends: IncidentEnds
  readonly #extent: IncidentExtent
  readonly #pods: Set<string>
  readonly #namespaces = new Set<string>()
  readonly #nodes: Set<string>
  readonly #policies = new Set<string>()
  readonly #groups = new Set<string>()
  /** Services that rules speak of, or that were asked about: all of their slices say counts. */
  readonly #services = new Set<string>()
  /** Services that lead to an end: of their slices the ends alone are kept. */
  readonly #leading = new Set<string>()
  readonly #names = new Set<string>()
  readonly #slices = new Map<string, string>()

  /**
   * @param versions every version that any object has, from the state before the incident to its end
   * @param state any of the time, for what compiling a policy takes of it
   */
  constructor(ends: IncidentEnds, versions: Iterable<EventBody>, state: ClusterState, extent: IncidentExtent) {
    this.#ends = ends
    this.#extent = extent
    this.#pods = new Set(ends.pods)
    this.#nodes = new Set(ends.nodes)
    for (const service of ends.services) this.#services.add(service)
    const asked: Asked = { sources: [], policies: [] }
    const found: Found = { groups: [], services: [], slices: [], names: [] }
    for (const version of versions) this.#note(version, state, asked, found)
    this.#followReferences(asked, found)
    for (const pod of this.#pods) this.#namespaces.add(pod.slice(0, pod.indexOf('/')))
  }

  /** What is kept of an event: all of it, the part that is about the ends, or nothing. */
  cut(body: EventBody): EventBody | undefined {
    if (this.#extent === 'everything') return body
    if (withoutVerdict.has(body.kind)) return undefined
    if (ofBalancing.has(body.kind)) return this.#ends.services.size > 0 ? body : undefined
    if (body.kind === 'endpointslice.upserted') return this.#cutSlice(body)
    return this.#isKept(body) ? body : undefined
  }

  #isKept(body: EventBody): boolean {
    if (body.kind === 'dns.answered') return this.#isAnswerKept(body.answer)
    if (body.kind === 'input.refused' || body.kind === 'input.accepted') {
      const end = endOf(body.object)
      return end !== undefined && this.#isKept(end)
    }
    const touched = touchedBy(body)
    switch (touched.kind) {
      case 'agent':
      case 'host':
        return true
      case 'names':
        return this.#names.size > 0
      case 'pod':
      case 'wiring':
        return this.#pods.has(touched.key)
      case 'namespace':
        return this.#namespaces.has(touched.name)
      case 'node':
        return this.#nodes.has(touched.name)
      case 'policy':
        return this.#extent === 'rules' || this.#policies.has(touched.key)
      case 'group':
        return this.#groups.has(touched.name)
      case 'service':
        return this.#isServiceKept(objectKey(touched.namespace, touched.name))
      case 'slice':
        return this.#isServiceKept(this.#slices.get(touched.key) ?? '')
      case 'other':
        return false
    }
  }

  #isAnswerKept({ name, addresses }: DnsAnswerFact): boolean {
    if (!this.#names.has(name)) return false
    return this.#extent === 'rules' || addresses.some(address => this.#ends.addresses.has(address))
  }

  #isServiceKept(service: string): boolean {
    return this.#services.has(service) || this.#leading.has(service)
  }

  /** Addresses of a slice count one by one: an end's is usable, or not, whatever the others are. */
  #cutSlice(body: Extract<EventBody, { kind: 'endpointslice.upserted' }>): EventBody | undefined {
    const { slice } = body
    const service = objectKey(slice.namespace, slice.service)
    if (this.#services.has(service)) return body
    if (!this.#leading.has(service)) return undefined
    return { ...body, slice: { ...slice, endpoints: slice.endpoints.filter(endpoint => this.#isEnd(slice, endpoint)) } }
  }

  #isEnd({ namespace }: EndpointSliceFact, { pod, addresses }: EndpointSliceFact['endpoints'][number]): boolean {
    const { pods } = this.#ends
    return (
      (pod !== undefined && pods.has(objectKey(namespace, pod))) ||
      addresses.some(each => this.#ends.addresses.has(each))
    )
  }

  #note(body: EventBody, state: ClusterState, asked: Asked, found: Found): void {
    switch (body.kind) {
      case 'pod.upserted':
        this.#notePod(body.pod)
        break
      case 'node.upserted':
        if (body.node.addresses.some(address => this.#ends.addresses.has(address))) this.#nodes.add(body.node.name)
        break
      case 'networkpolicy.upserted':
        this.#notePolicy({ dialect: 'kubernetes', fact: body.policy }, state, asked)
        break
      case 'ciliumpolicy.upserted':
        this.#notePolicy({ dialect: 'cilium', fact: body.policy }, state, asked)
        break
      case 'clusterpolicy.upserted':
        this.#notePolicy({ dialect: 'cluster', fact: body.policy }, state, asked)
        break
      case 'cidrgroup.upserted':
        found.groups.push(body.group)
        break
      case 'service.upserted':
        found.services.push(body.service)
        break
      case 'endpointslice.upserted': {
        const { namespace, name, service, endpoints } = body.slice
        this.#slices.set(objectKey(namespace, name), objectKey(namespace, service))
        found.slices.push(body.slice)
        if (endpoints.some(endpoint => this.#isEnd(body.slice, endpoint)))
          this.#leading.add(objectKey(namespace, service))
        break
      }
      case 'dns.answered':
        found.names.push(body.answer.name)
        break
      default:
    }
  }

  #notePod({ namespace, name, addresses, hostNetwork, node }: PodFact): void {
    const key = objectKey(namespace, name)
    const isConcerned =
      this.#pods.has(key) ||
      addresses.some(address => this.#ends.addresses.has(address)) ||
      (hostNetwork && this.#ends.nodes.has(node))
    if (!isConcerned) return
    this.#pods.add(key)
    if (node !== '') this.#nodes.add(node)
  }

  #notePolicy(policy: PolicyFact, state: ClusterState, asked: Asked): void {
    const rules = compilePolicy({ ...policy, seq: 1 }, state)
    const isOfAnEnd = rules.some(({ subject }) => this.#ends.labels.some(labels => matchesSelector(subject, labels)))
    if (isOfAnEnd) this.#policies.add(policyKey(policy))
    else if (this.#extent === 'concerned') return
    asked.policies.push(policy)
    for (const { peers } of rules)
      if (peers !== 'any') for (const peer of peers) if (peer.kind === 'set') asked.sources.push(peer.source)
  }

  #followReferences({ sources, policies }: Asked, found: Found): void {
    for (const source of sources) this.#followSource(source, found)
    for (const reference of policies.flatMap(servicesIn))
      for (const { namespace, name, labels = {} } of found.services) {
        const isMeant =
          reference.kind === 'name'
            ? reference.namespace === namespace && reference.name === name
            : (reference.namespace === '' || reference.namespace === namespace) &&
              matchesSelector(reference.selector, new Map(Object.entries(labels)))
        if (isMeant) this.#services.add(objectKey(namespace, name))
      }
    for (const service of this.#ends.services)
      for (const { namespace, service: of, endpoints } of found.slices)
        if (objectKey(namespace, of) === service)
          for (const { pod } of endpoints) if (pod !== undefined) this.#pods.add(objectKey(namespace, pod))
  }

  #followSource(source: AddressSource, { groups, names }: Found): void {
    switch (source.kind) {
      case 'name':
        this.#names.add(source.name)
        break
      case 'pattern': {
        const matches = nameMatcher(source.pattern)
        for (const name of names) if (matches(name)) this.#names.add(name)
        break
      }
      case 'group':
        this.#groups.add(source.name)
        break
      case 'groups':
        for (const { name, labels } of groups)
          if (matchesSelector(source.selector, new Map(Object.entries(labels)))) this.#groups.add(name)
        break
      case 'endpoints':
        this.#services.add(objectKey(source.namespace, source.service))
        break
    }
  }
}

/** What policies that count refer to. */
interface Asked {
  readonly sources: AddressSource[]
  readonly policies: PolicyFact[]
}

/** Versions that policies may refer to. */
interface Found {
  readonly groups: CidrGroupFact[]
  readonly services: ServiceFact[]
  readonly slices: EndpointSliceFact[]
  readonly names: string[]
}
