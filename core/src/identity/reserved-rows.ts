import type { ClusterState } from '../state/state.js'
import type { IdentityRow } from './identities.js'
import { reservedIdentities, reservedLabel, type ReservedIdentity } from './reserved.js'

/** The reserved identities; those of nodes count the nodes, the world's stand for one prefix each. */
export function* reservedRows(state: ClusterState): Iterable<IdentityRow> {
  const hosts = state.agent !== undefined && state.nodes.has(state.agent.fact.node) ? 1 : 0
  const references: Partial<Record<ReservedIdentity, number>> = {
    host: hosts,
    'remote-node': state.nodes.size - hosts,
    'world-ipv4': 1,
    'world-ipv6': 1,
  }
  for (const [name, id] of Object.entries(reservedIdentities) as [ReservedIdentity, number][]) {
    yield { id, labels: [reservedLabel(name)], references: references[name] ?? 0 }
  }
}
