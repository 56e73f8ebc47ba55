import { isLeft, right } from 'fp-ts/lib/Either.js'
import type { LocalRedirectPolicyFact, RedirectPort } from '../../event/service.js'
import { address, addressText } from '../address.js'
import { withoutEmptyFields } from '../empty.js'
import { objectMeta, objectOf } from '../metadata.js'
import { dnsLabel, dnsServiceLabel, dnsSubdomain } from '../names.js'
import { fieldPath, itemPath } from '../path.js'
import { canonicalPorts } from '../port.js'
import { missing, type Parsed, refuse } from '../problem.js'
import { andThen, flag, oneOf, optional, optionalText, type Reader, record, text } from '../reader.js'
import { listWithin, onlyField } from '../shape.js'
import { ciliumSelector } from './selector.js'

const portRule = 'a number from 1 to 65535 in quotes'

const portNumber: Reader<number> = andThen(text, (source, path) => {
  const number = Number(source)
  const legal = /^[1-9]\d{0,4}$/.test(source) && number <= 65535
  return legal ? right(number) : refuse(path, 'this is not a port number', source, portRule)
})

/** Names are compared without regard to case, so they are kept in lower case. */
const portName: Reader<string> = andThen(text, (source, path) => {
  const name = source.toLowerCase()
  const legal = name.length <= 63 && /^[a-z0-9]+(-[a-z0-9]+)*$/.test(name) && /[a-z]/.test(name)
  const expected = 'letters, digits and single "-" inside, with at least one letter'
  return legal ? right(name) : refuse(path, 'this is not a port name', source, expected)
})

const port: Reader<RedirectPort> = record({
  name: optionalText(portName, ''),
  protocol: oneOf(['TCP', 'UDP']),
  port: portNumber,
})

const portsMost = 40

/** Names are needed once there are two ports, and tell them apart. */
const ports = (least: number): Reader<readonly RedirectPort[]> =>
  andThen(listWithin(port, least, portsMost, 'ports'), (list, path) => {
    const names = new Set<string>()
    for (const [index, { name }] of list.entries()) {
      const at = fieldPath(itemPath(path, index), 'name')
      if (name === '' && list.length > 1) return missing(at, 'a name, as there are several ports')
      if (names.has(name)) return refuse(at, 'another port has this name', name, 'another name')
      names.add(name)
    }
    return right(canonicalPorts(list))
  })

const addressMatcher = andThen(record({ ip: address, toPorts: ports(1) }), ({ ip, toPorts }) =>
  right({ kind: 'address' as const, address: addressText(ip), ports: toPorts }),
)

const serviceMatcher = record({
  serviceName: dnsServiceLabel,
  namespace: dnsLabel,
  toPorts: optional(ports(0), [] as readonly RedirectPort[]),
})

const frontend = andThen(
  record({ addressMatcher: optional(addressMatcher, undefined), serviceMatcher: optional(serviceMatcher, undefined) }),
  (matchers, path) => onlyField(matchers, path),
)

const backend = record({ localEndpointSelector: ciliumSelector, toPorts: ports(1) })

const spec = withoutEmptyFields(
  record(
    {
      redirectFrontend: frontend,
      redirectBackend: backend,
      skipRedirectFromBackend: optional(flag, false),
    },
    ['description'],
  ),
  ['skipRedirectFromBackend'],
)

const policy = objectOf('cilium.io/v2', 'CiliumLocalRedirectPolicy', objectMeta(dnsSubdomain, true), { spec }, [
  'status',
])

/** cilium.io/v2 CiliumLocalRedirectPolicy. The service that it names is of its own namespace. */
export const parseLocalRedirectPolicy = (raw: unknown): Parsed<LocalRedirectPolicyFact> => {
  const parsed = policy(raw)
  if (isLeft(parsed)) return parsed
  const { namespace, name } = parsed.right.metadata
  const { redirectFrontend, redirectBackend, skipRedirectFromBackend } = parsed.right.spec
  if (!('kind' in redirectFrontend) && redirectFrontend.namespace !== namespace)
    return refuse(
      'spec.redirectFrontend.serviceMatcher.namespace',
      'the service is not of the policy’s namespace',
      redirectFrontend.namespace,
      namespace,
    )
  return right({
    namespace,
    name,
    frontend:
      'kind' in redirectFrontend
        ? redirectFrontend
        : { kind: 'service', service: redirectFrontend.serviceName, ports: redirectFrontend.toPorts },
    selector: redirectBackend.localEndpointSelector,
    backendPorts: redirectBackend.toPorts,
    skipRedirectFromBackend,
  })
}
