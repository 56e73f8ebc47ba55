import { right } from 'fp-ts/lib/Either.js'
import type { NetworkPolicyFact, NetworkPolicyPeer, NetworkPolicyPort, NetworkPolicyRule } from '../event/event.js'
import type { Direction } from '../policy/rule.js'
import type { LabelSelector } from '../policy/selector.js'
import { containsPrefix, type Prefix, prefixText } from '../address/address.js'
import { canonicalCidrs, cidr } from './address.js'
import { objectMeta, objectOf } from './metadata.js'
import { dnsSubdomain } from './names.js'
import { fieldPath, itemPath } from './path.js'
import { canonicalPorts, portNumber, portOrName, portProtocol } from './port.js'
import { missing, type Parsed, refuse } from './problem.js'
import { listOf, oneOf, optional, type Reader, record, andThen } from './reader.js'
import { remarksOf } from './remarks.js'
import { spellingOf } from './spelling.js'
import { labelSelector, sortedUnique } from './selector.js'
import { unless } from './shape.js'

const port: Reader<NetworkPolicyPort> = andThen(
  record({
    protocol: optional(portProtocol, 'TCP' as const),
    port: optional(portOrName, undefined),
    endPort: optional(portNumber, undefined),
  }),
  ({ protocol, port, endPort }, path): Parsed<NetworkPolicyPort> => {
    const at = fieldPath(path, 'endPort')
    if (endPort === undefined) return right(port === undefined ? { protocol } : { protocol, port })
    if (port === undefined) return missing(fieldPath(path, 'port'), 'a port number, as endPort is given')
    if (typeof port === 'string')
      return refuse(at, 'a named port makes no range', endPort, 'no endPort, or a numeric port')
    if (endPort < port) return refuse(at, 'the range ends before it begins', endPort, `a number from ${port} to 65535`)
    return right(endPort === port ? { protocol, port } : { protocol, port, endPort })
  },
)

const hole = (block: Prefix, except: Prefix, path: string): Parsed<Prefix> => {
  if (containsPrefix(block, except) && except.length > block.length) return right(except)
  const expected = `a CIDR inside ${prefixText(block)} and smaller than it`
  return refuse(path, 'the exception is not strictly inside the block', prefixText(except), expected)
}

const ipBlock: Reader<NetworkPolicyPeer> = andThen(
  record({ cidr, except: optional(listOf(cidr), [] as readonly Prefix[]) }),
  (block, path): Parsed<NetworkPolicyPeer> => {
    const at = fieldPath(path, 'except')
    const peer: NetworkPolicyPeer = {
      kind: 'ipBlock',
      cidr: prefixText(block.cidr),
      except: canonicalCidrs(block.except),
    }
    return unless(
      peer,
      block.except.map((except, index) => hole(block.cidr, except, itemPath(at, index))),
    )
  },
)

const selectorPeer = (
  podSelector: LabelSelector | undefined,
  namespaceSelector: LabelSelector | undefined,
): NetworkPolicyPeer => ({
  kind: 'pods',
  ...(namespaceSelector === undefined ? {} : { namespaceSelector }),
  ...(podSelector === undefined ? {} : { podSelector }),
})

const peer: Reader<NetworkPolicyPeer> = andThen(
  record({
    podSelector: optional(labelSelector, undefined),
    namespaceSelector: optional(labelSelector, undefined),
    ipBlock: optional(ipBlock, undefined),
  }),
  ({ podSelector, namespaceSelector, ipBlock }, path): Parsed<NetworkPolicyPeer> => {
    const selects = podSelector !== undefined || namespaceSelector !== undefined
    if (ipBlock === undefined && !selects) return missing(path, 'podSelector, namespaceSelector or ipBlock')
    if (ipBlock === undefined) return right(selectorPeer(podSelector, namespaceSelector))
    if (!selects) return right(ipBlock)
    const at = fieldPath(path, 'ipBlock')
    return refuse(at, 'ipBlock stands beside a selector', ipBlock.kind, 'ipBlock alone in its list item')
  },
)

const rule = (peers: 'from' | 'to'): Reader<NetworkPolicyRule> =>
  andThen(
    record({
      [peers]: optional(listOf(peer), [] as readonly NetworkPolicyPeer[]),
      ports: optional(listOf(port), [] as readonly NetworkPolicyPort[]),
    }),
    parsed =>
      right({
        peers: parsed[peers] as readonly NetworkPolicyPeer[],
        ports: canonicalPorts(parsed.ports as readonly NetworkPolicyPort[]),
      }),
  )

const noRules: readonly NetworkPolicyRule[] = []

const policyTypes: Reader<readonly ('Ingress' | 'Egress')[]> = andThen(
  listOf(oneOf(['Ingress', 'Egress'])),
  (types, path) =>
    types.length > 2 ? refuse(path, 'there are more than two policy types', types, '[Ingress, Egress]') : right(types),
)

const emptySpec = {
  podSelector: [] as LabelSelector,
  policyTypes: ['ingress'] as readonly Direction[],
  ingress: noRules,
  egress: noRules,
}

/** Without policyTypes: Ingress always, Egress when there is an egress rule. Rules of a direction left out say nothing. */
const spec: Reader<typeof emptySpec> = andThen(
  record({
    podSelector: optional(labelSelector, [] as LabelSelector),
    policyTypes: optional(policyTypes, []),
    ingress: optional(listOf(rule('from')), noRules),
    egress: optional(listOf(rule('to')), noRules),
  }),
  ({ podSelector, policyTypes, ingress, egress }) => {
    const implied = egress.length > 0 ? ['Ingress', 'Egress'] : ['Ingress']
    const named = sortedUnique(policyTypes.length > 0 ? policyTypes : implied)
    const types = (['ingress', 'egress'] as const).filter(type => named.some(name => name.toLowerCase() === type))
    return right({
      podSelector,
      policyTypes: types,
      ingress: types.includes('ingress') ? ingress : noRules,
      egress: types.includes('egress') ? egress : noRules,
    })
  },
)

const networkPolicy = objectOf(
  'networking.k8s.io/v1',
  'NetworkPolicy',
  objectMeta(dnsSubdomain, true),
  { spec: optional(spec, emptySpec) },
  ['status'],
)

/**
 * networking.k8s.io/v1 NetworkPolicy, every field known and checked as the API server does (validation/validation.go
 * of the networking group). Rules keep their order, so that their paths stay those of the manifest.
 */
export const parseNetworkPolicy = (raw: unknown): Parsed<NetworkPolicyFact> => {
  const parsed = networkPolicy(raw)
  if (parsed._tag === 'Left') return parsed
  const { metadata, spec } = parsed.right
  const { namespace, name } = metadata
  const remarks = remarksOf(metadata)
  if (remarks._tag === 'Left') return remarks
  return right({ namespace, name, ...spec, ...remarks.right, ...spellingOf(raw) })
}
