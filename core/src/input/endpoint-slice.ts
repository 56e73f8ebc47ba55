import { isLeft, left, right } from 'fp-ts/lib/Either.js'
import type { Prefix } from '../address/address.js'
import type { Problem } from '../errors.js'
import type { NamedPort } from '../event/event.js'
import type { EndpointSliceFact, SliceEndpoint } from '../event/service.js'
import { address, canonicalAddresses } from './address.js'
import { objectMeta, objectOf } from './metadata.js'
import { dnsLabel, dnsSubdomain } from './names.js'
import { fieldPath, itemPath } from './path.js'
import { canonicalPorts, portNumber, portProtocol } from './port.js'
import { type Parsed, refuse } from './problem.js'
import { flag, isMap, listOf, looseRecord, oneOf, optional, optionalText, type Reader, record, text } from './reader.js'
import { sortedUnique } from './selector.js'
import { listWithin, present, within } from './shape.js'

/** The label by which a slice names its service. */
const serviceLabel = 'kubernetes.io/service-name'

interface Endpoint {
  readonly addresses: readonly string[]
  readonly conditions: Conditions
  readonly nodeName: string | undefined
  readonly zone: string | undefined
  readonly hints: SliceEndpoint['hints']
  readonly targetRef: string | undefined
}

interface Conditions {
  readonly ready: boolean | undefined
  readonly serving: boolean | undefined
  readonly terminating: boolean | undefined
}

const conditions = record({
  ready: optional(flag, undefined),
  serving: optional(flag, undefined),
  terminating: optional(flag, undefined),
})

const unsaid: Conditions = { ready: undefined, serving: undefined, terminating: undefined }

const named = listOf(looseRecord({ name: within(text, 253) }))

/** For whom an endpoint is meant. Hints that name nobody are none. */
const hints: Reader<SliceEndpoint['hints']> = (value, path) => {
  const parsed = record({ forZones: optional(named, []), forNodes: optional(named, []) })(value, path)
  if (isLeft(parsed)) return parsed
  const { forZones, forNodes } = parsed.right
  if (forZones.length + forNodes.length === 0) return right(undefined)
  return right({
    zones: sortedUnique(forZones.map(({ name }) => name)),
    nodes: sortedUnique(forNodes.map(({ name }) => name)),
  })
}

/** The name of the pod that is meant, if it is one. */
const podReference: Reader<string | undefined> = (value, path) => {
  if (isMap(value) && value.kind === 'Pod') return dnsSubdomain(value.name, fieldPath(path, 'name'))
  return right(undefined)
}

const endpoint: Reader<Endpoint> = record(
  {
    addresses: listWithin(within(text, 255), 1, 100, 'addresses'),
    conditions: optional(conditions, unsaid),
    nodeName: optionalText(dnsSubdomain, undefined),
    zone: optionalText(within(text, 253), undefined),
    hints: optional(hints, undefined),
    targetRef: optional(podReference, undefined),
  },
  ['hostname', 'deprecatedTopology'],
)

const port = record(
  {
    name: optionalText(dnsLabel, ''),
    protocol: optionalText(portProtocol, 'TCP' as const),
    port: optional(portNumber, undefined),
  },
  ['appProtocol'],
)

const slice = objectOf(
  'discovery.k8s.io/v1',
  'EndpointSlice',
  objectMeta(dnsSubdomain, true),
  {
    addressType: oneOf(['IPv4', 'IPv6', 'FQDN']),
    endpoints: optional(listWithin(endpoint, 0, 1000, 'endpoints'), [] as readonly Endpoint[]),
    ports: optional(listWithin(port, 0, 100, 'ports'), []),
  },
  [],
)

/** The addresses of an endpoint, each held to the slice's own family. */
const addressesOf = ({ addresses }: Endpoint, at: string, family: 4 | 6): Parsed<readonly Prefix[]> => {
  const parsed = addresses.map((source, place): Parsed<Prefix> => {
    const path = itemPath(fieldPath(at, 'addresses'), place)
    const found = address(source, path)
    if (isLeft(found) || found.right.family === family) return found
    return refuse(path, 'the address is not of the slice’s addressType', source, `an IPv${family} address`)
  })
  const problems = parsed.flatMap(found => (isLeft(found) ? found.left : []))
  return problems.length > 0 ? left(problems) : right(parsed.flatMap(found => (isLeft(found) ? [] : [found.right])))
}

/** What isn't said is the better: ready; serving is as ready where it isn't said; not terminating. */
const endpointOf = (raw: Endpoint, addresses: readonly Prefix[]): SliceEndpoint => {
  const { ready = true, serving = ready, terminating = false } = raw.conditions
  const { nodeName: node, zone, hints, targetRef: pod } = raw
  return {
    addresses: canonicalAddresses(addresses),
    ready,
    serving,
    terminating,
    ...present({ node, zone, hints, pod }),
  }
}

/** By address, then by all that is said of them; each once. */
const canonicalEndpoints = (endpoints: readonly SliceEndpoint[]): readonly SliceEndpoint[] => {
  const texts = new Map(endpoints.map(each => [JSON.stringify(each), each]))
  return [...texts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => each)
}

/**
 * discovery.k8s.io/v1 EndpointSlice. A slice of domain names (addressType FQDN, deprecated) has no endpoints; ports
 * that name no number are left out.
 */
export const parseEndpointSlice = (raw: unknown): Parsed<EndpointSliceFact> => {
  const parsed = slice(raw)
  if (isLeft(parsed)) return parsed
  const { metadata, addressType, endpoints, ports } = parsed.right
  const family = addressType === 'IPv6' ? 6 : 4
  const problems: Problem[] = []
  const read: SliceEndpoint[] = []
  for (const [index, each] of (addressType === 'FQDN' ? [] : endpoints).entries()) {
    const addresses = addressesOf(each, itemPath('endpoints', index), family)
    if (isLeft(addresses)) problems.push(...addresses.left)
    else read.push(endpointOf(each, addresses.right))
  }
  if (problems.length > 0) return left(problems)
  const numbered = ports.flatMap(({ port, ...rest }): readonly NamedPort[] =>
    port === undefined ? [] : [{ ...rest, port }],
  )
  return right({
    namespace: metadata.namespace,
    name: metadata.name,
    service: metadata.labels[serviceLabel] ?? '',
    endpoints: canonicalEndpoints(read),
    ports: canonicalPorts(numbered),
  })
}
