import { isLeft, left, right } from 'fp-ts/lib/Either.js'
import type { Prefix } from '../../address/address.js'
import type { EgressGateway, EgressGatewayPolicyFact, EgressSelector } from '../../event/egress.js'
import { address, addressText, canonicalCidrs, cidr } from '../address.js'
import { withoutEmptyFields } from '../empty.js'
import { objectMeta, objectOf } from '../metadata.js'
import { dnsSubdomain } from '../names.js'
import { fieldPath, itemPath } from '../path.js'
import { missing, type Parsed, refuse } from '../problem.js'
import { andThen, listOf, optional, optionalText, type Reader, record, text } from '../reader.js'
import { labelSelector } from '../selector.js'
import { present } from '../shape.js'
import { ciliumSelector } from './selector.js'

/** Who is selected: by the pod, its namespace, its node, or some of them, ANDed. A node alone selects no pods. */
const selector: Reader<EgressSelector> = andThen(
  record({
    podSelector: optional(ciliumSelector, undefined),
    namespaceSelector: optional(labelSelector, undefined),
    nodeSelector: optional(labelSelector, undefined),
  }),
  (fields, path) =>
    fields.podSelector === undefined && fields.namespaceSelector === undefined
      ? missing(path, 'podSelector, namespaceSelector or both')
      : right(present(fields)),
)

/** The kernel's rule for names of devices. */
const interfaceName: Reader<string> = andThen(text, (source, path) =>
  /^[^\s/:]{1,15}$/.test(source) && source !== '.' && source !== '..'
    ? right(source)
    : refuse(path, 'this is not the name of an interface', source, '1 to 15 characters without blanks, "/" and ":"'),
)

const ipv4: Reader<Prefix> = andThen(address, (parsed, path) =>
  parsed.family === 4 ? right(parsed) : refuse(path, 'this is an IPv6 address', addressText(parsed), 'an IPv4 address'),
)

const gateway: Reader<EgressGateway> = andThen(
  record({
    nodeSelector: labelSelector,
    interface: optionalText(interfaceName, undefined),
    egressIP: optionalText(ipv4, undefined),
  }),
  ({ nodeSelector, interface: device, egressIP }, path): Parsed<EgressGateway> => {
    if (device !== undefined && egressIP !== undefined)
      return refuse(
        path,
        'interface and egressIP stand side by side',
        undefined,
        'one of them, or neither: the address of the default route’s interface',
      )
    return right({
      nodeSelector,
      ...(device !== undefined && { interface: device }),
      ...(egressIP !== undefined && { egressIp: addressText(egressIP) }),
    })
  },
)

const spec = withoutEmptyFields(
  record({
    selectors: listOf(selector),
    destinationCIDRs: listOf(cidr),
    excludedCIDRs: optional(listOf(cidr), [] as readonly Prefix[]),
    egressGateway: gateway,
    egressGateways: optional(listOf(gateway), [] as readonly EgressGateway[]),
  }),
  ['egressGateways'],
)

const policy = objectOf('cilium.io/v2', 'CiliumEgressGatewayPolicy', objectMeta(dnsSubdomain, false), { spec }, [
  'status',
])

/** cilium.io/v2 CiliumEgressGatewayPolicy. `egressGateways` counts where it has any, `egressGateway` else. */
export const parseEgressGatewayPolicy = (raw: unknown): Parsed<EgressGatewayPolicyFact> => {
  const parsed = policy(raw)
  if (isLeft(parsed)) return left(parsed.left)
  const { metadata, spec } = parsed.right
  const { selectors, destinationCIDRs, excludedCIDRs, egressGateway, egressGateways } = spec
  const gateways = egressGateways.length > 0 ? egressGateways : [egressGateway]
  const double = gateways.findIndex((each, at) => gateways.slice(0, at).some(other => sameGateway(each, other)))
  if (double >= 0)
    return refuse(
      itemPath(fieldPath('spec', 'egressGateways'), double),
      'this gateway stands there twice',
      undefined,
      'each gateway once',
    )
  return right({
    name: metadata.name,
    selectors,
    destinationCidrs: canonicalCidrs(destinationCIDRs),
    excludedCidrs: canonicalCidrs(excludedCIDRs),
    gateways,
  })
}

const sameGateway = (a: EgressGateway, b: EgressGateway): boolean => JSON.stringify(a) === JSON.stringify(b)
