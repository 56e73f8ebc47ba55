import { containsPrefix, parsePrefix, prefixText } from '@weir/core/address/address.js'
import type { RawNetworkPolicy, RawPeer, RawPort, RawRequirement, RawRule, RawSelector } from '../../oracle/manifest.js'

/** The same policy in other words: orders turned round, lists split and repeated, labels as expressions. */
export function rewritten(policy: RawNetworkPolicy): RawNetworkPolicy {
  const { spec } = policy
  const { ingress, egress } = spec
  return {
    ...policy,
    spec: {
      ...spec,
      podSelector: asExpressions(spec.podSelector ?? {}),
      ...(ingress ? { ingress: rules(ingress, 'from') } : {}),
      ...(egress ? { egress: rules(egress, 'to') } : {}),
    },
  }
}

const asExpressions = ({ matchLabels, matchExpressions }: RawSelector): RawSelector => ({
  matchExpressions: [
    ...[...(matchExpressions ?? [])].reverse().flatMap(oneByOne),
    ...Object.entries(matchLabels ?? {}).map(([key, value]) => ({
      key,
      operator: 'In' as const,
      values: [value, value],
    })),
  ],
})

/** What must not be any of several values must not be each of them. */
const oneByOne = (requirement: RawRequirement): RawRequirement[] =>
  requirement.operator === 'NotIn'
    ? requirement.values!.map(value => ({ ...requirement, values: [value] }))
    : [requirement]

/** One rule per peer and port, each of them twice, the last first. */
function rules(given: readonly RawRule[], field: 'from' | 'to'): RawRule[] {
  const single = given.flatMap(rule => {
    const peers = rule[field] ?? []
    const ports = (rule.ports ?? []).flatMap(split)
    const withPeers = peers.length === 0 ? [{}] : peers.flatMap(parts).map(each => ({ [field]: [peer(each)] }))
    const withPorts = ports.length === 0 ? [{}] : ports.map(each => ({ ports: [each] }))
    return withPeers.flatMap(whom => withPorts.map(which => ({ ...whom, ...which })))
  })
  return [...single, ...single].reverse()
}

const peer = ({ podSelector, namespaceSelector, ipBlock }: RawPeer): RawPeer => ({
  ...(podSelector ? { podSelector: asExpressions(podSelector) } : {}),
  ...(namespaceSelector ? { namespaceSelector: asExpressions(namespaceSelector) } : {}),
  ...(ipBlock ? { ipBlock: { ...ipBlock, except: [...(ipBlock.except ?? [])].reverse() } } : {}),
})

/** Who has one of several values, value by value; a block as its halves. */
function parts(given: RawPeer): RawPeer[] {
  const { podSelector, ipBlock } = given
  if (ipBlock !== undefined) return halves(ipBlock).map(half => ({ ipBlock: half }))
  const { matchLabels } = podSelector ?? {}
  const matchExpressions = podSelector?.matchExpressions ?? []
  const at = matchExpressions.findIndex(({ operator, values }) => operator === 'In' && (values ?? []).length > 1)
  if (at < 0) return [given]
  return matchExpressions[at]!.values!.map(value => ({
    ...given,
    podSelector: {
      ...(matchLabels && { matchLabels }),
      matchExpressions: matchExpressions.map((each, index) => (index === at ? { ...each, values: [value] } : each)),
    },
  }))
}

function halves({ cidr, except }: NonNullable<RawPeer['ipBlock']>): NonNullable<RawPeer['ipBlock']>[] {
  const block = parsePrefix(cidr)!
  const { family, length } = block
  if (length === block.bytes.length * 8) return [{ cidr, ...(except && { except }) }]
  return [0, 1].flatMap(bit => {
    const bytes = Uint8Array.from(block.bytes)
    bytes[length >> 3]! |= bit << (7 - (length & 7))
    const half = { family, bytes, length: length + 1 }
    const holes = (except ?? []).map(hole => parsePrefix(hole)!)
    if (holes.some(hole => containsPrefix(hole, half))) return []
    const inside = holes.filter(hole => containsPrefix(half, hole)).map(prefixText)
    return [{ cidr: prefixText(half), except: inside }]
  })
}

/** A range as its two halves. */
function split(port: RawPort): RawPort[] {
  if (typeof port.port !== 'number' || port.endPort === undefined || port.endPort === port.port) return [port]
  const middle = Math.floor((port.port + port.endPort) / 2)
  return [
    { ...port, endPort: middle },
    { ...port, port: middle + 1 },
  ]
}
