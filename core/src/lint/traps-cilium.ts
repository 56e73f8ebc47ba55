import type { CiliumDirectionRule, CiliumPeers } from '../event/cilium.js'
import type { LintCluster } from './cluster.js'
import type { Finding } from './finding.js'

type Part = Pick<Finding, 'kind' | 'severity' | 'path' | 'message' | 'suggestion'>

/** What is easily got wrong in policies of cilium.io/v2, above all by who knows NetworkPolicy. */
export function* ciliumTraps({ reading }: LintCluster): Iterable<Finding> {
  for (const { fact, seq } of reading.state.ciliumPolicies.values()) {
    const policy = `${fact.kind} ${fact.namespace === '' ? '' : `${fact.namespace}/`}${fact.name}`
    for (const rule of fact.rules) {
      for (const section of ['ingress', 'ingressDeny', 'egress', 'egressDeny'] as const)
        for (const entry of rule[section] ?? [])
          for (const part of entryTraps(entry, section)) yield { ...part, policy, seq }
    }
  }
}

function* entryTraps(entry: CiliumDirectionRule, section: string): Iterable<Part> {
  const { path, peers, ports, icmps } = entry
  const isDeny = section.endsWith('Deny')
  const direction = section.startsWith('ingress') ? 'ingress' : 'egress'
  if (peers === undefined && ports === undefined && icmps === undefined)
    yield {
      kind: 'empty-rule',
      severity: 'warning',
      path,
      message: isDeny
        ? 'an empty rule denies nobody, yet its section isolates'
        : `an empty rule allows nobody and isolates: all ${direction} is denied, other than in a NetworkPolicy`,
      suggestion: `${direction === 'ingress' ? 'fromEntities' : 'toEntities'}: [all] means everybody`,
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
