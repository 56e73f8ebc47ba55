import type { CiliumDirectionRule, CiliumPeers, CiliumPolicyFact } from '../event/cilium.js'
import type { PolicyFinding } from './finding.js'

/** What is easily got wrong in policies of cilium.io/v2, above all by who knows NetworkPolicy. */
export function* ciliumTraps(fact: CiliumPolicyFact): Iterable<PolicyFinding> {
  for (const rule of fact.rules)
    for (const section of ['ingress', 'ingressDeny', 'egress', 'egressDeny'] as const) {
      const direction = section.startsWith('ingress') ? 'ingress' : 'egress'
      const entries = rule[section] ?? []
      const isolates = rule.enableDefaultDeny[direction] !== false
      // `- {}` alone is how a Cilium policy denies a direction; beside rules that allow something it is a slip.
      const alone = entries.length === 1 && !section.endsWith('Deny')
      for (const entry of entries) yield* entryTraps(entry, section, isolates, alone)
    }
}

function* entryTraps(
  { path, peers, ports, icmps }: CiliumDirectionRule,
  section: 'ingress' | 'ingressDeny' | 'egress' | 'egressDeny',
  isolates: boolean,
  alone: boolean,
): Iterable<PolicyFinding> {
  const direction = section.startsWith('ingress') ? 'ingress' : 'egress'
  const isDeny = section.endsWith('Deny')
  if (peers === undefined && ports === undefined && icmps === undefined) {
    const field = direction === 'ingress' ? 'fromEntities' : 'toEntities'
    const then = isolates ? `, and its section isolates: ${direction} that nothing else allows is denied` : ''
    yield {
      kind: 'empty-rule',
      severity: alone && isolates ? 'info' : 'warning',
      path,
      message: isDeny
        ? `an empty rule denies nobody${then}`
        : `an empty rule allows nobody${then}; in a NetworkPolicy it would allow everybody`,
      suggestion: `${field}: [all] means everybody`,
    }
  }
  if (peers !== undefined && isEmpty(peers))
    yield {
      kind: 'nobody',
      severity: 'warning',
      path,
      message: 'an empty list of peers means nobody at all',
      suggestion: 'leave the list out to mean everybody on the ports',
    }
}

function isEmpty(peers: CiliumPeers): boolean {
  switch (peers.kind) {
    case 'endpoints':
    case 'nodes':
      return peers.selectors.length === 0
    case 'cidrs':
      return peers.cidrs.length === 0
    case 'entities':
      return peers.entities.length === 0
    case 'services':
      return peers.services.length === 0
    case 'fqdns':
      return peers.fqdns.length === 0
  }
}
