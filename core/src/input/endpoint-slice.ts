import { isLeft } from 'fp-ts/lib/Either.js'
import type { Prefix } from '../address/address.js'
import type { EndpointSliceFact, NamedPort } from '../event/event.js'
import { address, canonicalAddresses } from './address.js'
import { objectMeta, objectOf } from './metadata.js'
import { dnsLabel, dnsSubdomain } from './names.js'
import { fieldPath, itemPath } from './path.js'
import { canonicalPorts, portNumber, portProtocol } from './port.js'
import { type Parsed, refuse } from './problem.js'
import { flag, oneOf, optional, optionalText, type Reader, record, text } from './reader.js'
import { listWithin, unless, within } from './shape.js'

/** The label by which a slice names its service. */
const serviceLabel = 'kubernetes.io/service-name'

interface Endpoint {
  readonly addresses: readonly string[]
  readonly conditions: {
    readonly ready: boolean | undefined
    readonly serving: boolean | undefined
    readonly terminating: boolean | undefined
  }
}

const conditions = record({
  ready: optional(flag, undefined),
  serving: optional(flag, undefined),
  terminating: optional(flag, undefined),
})

const unsaid: Endpoint['conditions'] = { ready: undefined, serving: undefined, terminating: undefined }

const otherFields = ['hostname', 'targetRef', 'nodeName', 'zone', 'hints', 'deprecatedTopology']

const endpoint: Reader<Endpoint> = record(
  { addresses: listWithin(within(text, 255), 1, 100, 'addresses'), conditions: optional(conditions, unsaid) },
  otherFields,
)

const port = record(
  {
    name: optionalText(dnsLabel, ''),
    protocol: optionalText(portProtocol, 'TCP' as const),
    port: optional(portNumber, undefined),
  },
  ['appProtocol'],
)

/** What isn't said is the better: ready, and serving as it is ready; one that ends may serve on until it is gone. */
const mayCarryTraffic = ({ conditions: { ready, serving, terminating } }: Endpoint): boolean =>
  (ready ?? true) || ((terminating ?? false) && (serving ?? false))

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

/** The addresses of every endpoint, each held to the slice's own family. */
const addressesOf = (endpoints: readonly Endpoint[], family: 4 | 6): readonly Parsed<Prefix>[] =>
  endpoints.flatMap(({ addresses }, index) =>
    addresses.map((source, place) => {
      const path = itemPath(fieldPath(itemPath('endpoints', index), 'addresses'), place)
      const parsed = address(source, path)
      if (isLeft(parsed) || parsed.right.family === family) return parsed
      return refuse(path, 'the address is not of the slice’s addressType', source, `an IPv${family} address`)
    }),
  )

/**
 * discovery.k8s.io/v1 EndpointSlice. `addresses` are those that may carry traffic: ready, or serving while they end.
 * A slice of domain names (addressType FQDN, deprecated) has none; ports that name no number are left out.
 */
export const parseEndpointSlice = (raw: unknown): Parsed<EndpointSliceFact> => {
  const parsed = slice(raw)
  if (isLeft(parsed)) return parsed
  const { metadata, addressType, endpoints, ports } = parsed.right
  const family = addressType === 'IPv6' ? 6 : 4
  const all = addressType === 'FQDN' ? [] : addressesOf(endpoints, family)
  const usable = addressType === 'FQDN' ? [] : addressesOf(endpoints.filter(mayCarryTraffic), family)
  const numbered = ports.flatMap(({ port, ...rest }): readonly NamedPort[] =>
    port === undefined ? [] : [{ ...rest, port }],
  )
  const fact = {
    namespace: metadata.namespace,
    name: metadata.name,
    service: metadata.labels[serviceLabel] ?? '',
    addresses: canonicalAddresses(usable.flatMap(found => (isLeft(found) ? [] : [found.right]))),
    ports: canonicalPorts(numbered),
  }
  return unless(fact, all)
}
