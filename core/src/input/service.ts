import { isLeft, right } from 'fp-ts/lib/Either.js'
import type { Labels, ServiceFact, ServicePort } from '../event/event.js'
import { address, addressText } from './address.js'
import { objectMeta, objectOf } from './metadata.js'
import { dnsLabel, dnsServiceLabel, dnsSubdomain } from './names.js'
import { fieldPath, itemPath } from './path.js'
import { canonicalPorts, portNumber, portOrName, portProtocol } from './port.js'
import { missing, type Parsed, refuse } from './problem.js'
import { integer, listOf, oneOf, optional, optionalText, type Reader, record, andThen } from './reader.js'
import { labels, sortedUnique } from './selector.js'

/** The API server's default --service-node-port-range. */
const nodePort = integer(30000, 32767)

/** Zero is Go's way to say "not given". */
const optionalNumber =
  (reader: Reader<number>): Reader<number | undefined> =>
  (value, path) =>
    value === undefined || value === null || value === 0 ? right(undefined) : reader(value, path)

const port: Reader<ServicePort> = andThen(
  record(
    {
      name: optionalText(dnsLabel, ''),
      protocol: optionalText(portProtocol, 'TCP' as const),
      port: portNumber,
      targetPort: optionalText(portOrName, undefined),
      nodePort: optionalNumber(nodePort),
    },
    ['appProtocol'],
  ),
  ({ targetPort, nodePort, ...rest }): Parsed<ServicePort> =>
    right({ ...rest, targetPort: targetPort ?? rest.port, ...(nodePort === undefined ? {} : { nodePort }) }),
)

/** Names are needed once there are two ports, and tell them apart; so do protocol and number together. */
const ports: Reader<readonly ServicePort[]> = andThen(listOf(port), (list, path) => {
  const names = new Set<string>()
  const numbers = new Set<string>()
  for (const [index, { name, protocol, port }] of list.entries()) {
    const at = itemPath(path, index)
    const number = `${protocol} ${port}`
    if (name === '' && list.length > 1)
      return missing(fieldPath(at, 'name'), 'a name, as the service has several ports')
    if (names.has(name)) return refuse(fieldPath(at, 'name'), 'another port has this name', name, 'another name')
    if (numbers.has(number)) return refuse(fieldPath(at, 'port'), `another port is ${number} too`, port, 'another port')
    names.add(name)
    numbers.add(number)
  }
  return right(list)
})

const clusterIp: Reader<string> = (value, path) =>
  value === 'None' ? right('None') : andThen(address, parsed => right(addressText(parsed)))(value, path)

const otherFields = [
  ...['externalIPs', 'sessionAffinity', 'loadBalancerIP', 'loadBalancerSourceRanges', 'externalTrafficPolicy'],
  ...['healthCheckNodePort', 'publishNotReadyAddresses', 'sessionAffinityConfig', 'ipFamilies', 'ipFamilyPolicy'],
  ...['allocateLoadBalancerNodePorts', 'loadBalancerClass', 'internalTrafficPolicy', 'trafficDistribution'],
]

const noPorts: readonly ServicePort[] = []

type Spec = Pick<ServiceFact, 'type' | 'clusterIps' | 'selector' | 'ports'>

const spec: Reader<Spec> = andThen(
  record(
    {
      type: optionalText(oneOf(['ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName']), 'ClusterIP' as const),
      clusterIP: optionalText(clusterIp, undefined),
      clusterIPs: optional(listOf(clusterIp), [] as readonly string[]),
      selector: optional(labels, {} as Labels),
      ports: optional(ports, noPorts),
      externalName: optionalText(dnsSubdomain, undefined),
    },
    otherFields,
  ),
  ({ clusterIP, clusterIPs, externalName, ...rest }, path): Parsed<Spec> => {
    const addresses = clusterIP === undefined ? clusterIPs : [clusterIP, ...clusterIPs.filter(ip => ip !== clusterIP)]
    if (rest.type === 'ExternalName') {
      if (externalName === undefined)
        return missing(fieldPath(path, 'externalName'), 'a DNS name, as the type is ExternalName')
      return right({ ...rest, clusterIps: [], ports: canonicalPorts(rest.ports) })
    }
    const headless = addresses.includes('None')
    if (headless && addresses.length > 1)
      return refuse(fieldPath(path, 'clusterIPs'), 'None stands beside an address', addresses, 'None alone')
    if (rest.ports.length === 0 && !headless) return missing(fieldPath(path, 'ports'), 'at least one port')
    const exposed = rest.type === 'ClusterIP' ? rest.ports.findIndex(({ nodePort }) => nodePort !== undefined) : -1
    if (exposed >= 0) {
      const at = fieldPath(itemPath(fieldPath(path, 'ports'), exposed), 'nodePort')
      return refuse(at, 'a ClusterIP service has no node port', rest.ports[exposed]!.nodePort, 'type: NodePort')
    }
    return right({ ...rest, clusterIps: sortedFamilies(addresses), ports: canonicalPorts(rest.ports) })
  },
)

/** IPv4 before IPv6; within a family there is one address at most that counts. */
const sortedFamilies = (addresses: readonly string[]): readonly string[] => {
  const unique = sortedUnique(addresses)
  return [...unique.filter(ip => !ip.includes(':')), ...unique.filter(ip => ip.includes(':'))]
}

const service = objectOf('v1', 'Service', objectMeta(dnsServiceLabel, true), { spec }, ['status'])

/** A v1 Service. `clusterIps` of a headless one is `['None']`; it is empty while none is assigned. */
export const parseService = (raw: unknown): Parsed<ServiceFact> => {
  const parsed = service(raw)
  if (isLeft(parsed)) return parsed
  const { metadata, spec } = parsed.right
  return right({ namespace: metadata.namespace, name: metadata.name, ...spec })
}
