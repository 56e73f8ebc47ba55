import type { RawNetworkPolicy, RawPeer, RawPort, RawRule, RawSelector } from '../../oracle/manifest.js'

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
    ...[...(matchExpressions ?? [])].reverse(),
    ...Object.entries(matchLabels ?? {}).map(([key, value]) => ({
      key,
      operator: 'In' as const,
      values: [value, value],
    })),
  ],
})

/** One rule per peer and port, each of them twice, the last first. */
function rules(given: readonly RawRule[], field: 'from' | 'to'): RawRule[] {
  const single = given.flatMap(rule => {
    const peers = rule[field] ?? []
    const ports = (rule.ports ?? []).flatMap(split)
    const withPeers = peers.length === 0 ? [{}] : peers.map(each => ({ [field]: [peer(each)] }))
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

/** A range as its two halves. */
function split(port: RawPort): RawPort[] {
  if (typeof port.port !== 'number' || port.endPort === undefined || port.endPort === port.port) return [port]
  const middle = Math.floor((port.port + port.endPort) / 2)
  return [
    { ...port, endPort: middle },
    { ...port, port: middle + 1 },
  ]
}
