import type { NetworkPolicyFact, NetworkPolicyPeer, NetworkPolicyPort } from '../event/event.js'
import { canonicalSelector } from './match.js'
import { protocolNumbers, type Direction, type PeerSelector, type PortSet, type Rule } from './rule.js'
import { canonicalBlock, canonicalHoles, inAnyNamespace, inNamespace, onNamespace } from './requirements.js'
import type { LabelSelector } from './selector.js'

/**
 * networking.k8s.io/v1 NetworkPolicy → rules: an allowance per entry, and per direction in `policyTypes` one denial of
 * the rest, which isolates. A rule list of a direction that `policyTypes` leaves out says nothing.
 * @param seq the event that brought this version
 */
export function compileNetworkPolicy(policy: NetworkPolicyFact, seq: number): Rule[] {
  const subject = canonicalSelector([inNamespace(policy.namespace), ...policy.podSelector])
  const name = `NetworkPolicy ${policy.namespace}/${policy.name}`
  const rules: Rule[] = []
  for (const direction of policy.policyTypes) {
    const shared = { tier: 'namespaced', subject, direction } as const
    policy[direction].forEach((rule, index) => {
      rules.push({
        ...shared,
        order: 1,
        action: 'allow',
        peers: rule.peers.length === 0 ? 'any' : rule.peers.map(peer => compilePeer(peer, policy.namespace)),
        ports: compilePorts(rule.ports),
        origin: { policy: name, path: `spec.${direction}[${index}]`, seq },
      })
    })
    rules.push(isolation(shared, { policy: name, path: 'spec.policyTypes', seq }))
  }
  return rules
}

function isolation(
  shared: { tier: 'namespaced'; subject: LabelSelector; direction: Direction },
  origin: Rule['origin'],
): Rule {
  return { ...shared, order: 3, action: 'deny', peers: 'any', ports: 'any', origin }
}

/** @param namespace of the policy */
export function compilePeer(peer: NetworkPolicyPeer, namespace: string): PeerSelector {
  if (peer.kind === 'ipBlock') {
    return { kind: 'cidr', cidr: canonicalBlock(peer.cidr), except: canonicalHoles(peer.except), scope: 'any' }
  }
  const place =
    peer.namespaceSelector === undefined
      ? [inNamespace(namespace)]
      : [inAnyNamespace, ...peer.namespaceSelector.map(onNamespace)]
  return { kind: 'labels', selector: canonicalSelector([...place, ...(peer.podSelector ?? [])]) }
}

function compilePorts(ports: readonly NetworkPolicyPort[]): PortSet {
  if (ports.length === 0) return 'any'
  const ranges = []
  const named = []
  for (const { protocol, port, endPort } of ports) {
    const number = protocolNumbers[protocol]
    if (typeof port === 'string') named.push({ name: port, protocol: number })
    else ranges.push({ protocol: number, first: port ?? 0, last: endPort ?? port ?? 65535 })
  }
  return { ranges, named }
}
