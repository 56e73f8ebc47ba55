import type { AgentFact, ClusterState } from '@weir/core'
import { sameFact } from '@weir/core/input/same-fact.js'
import type { AgentOptions } from './agent-options.js'
import type { Fact } from './intake.js'

/** What the agent says of itself and its node, as far as the log doesn't say so already. */
export function ownFacts(options: AgentOptions, state: ClusterState): readonly Fact[] {
  const { node, cluster = 'default', labelFilter = [], cidrMatch = [], failSafePorts, nodePortAddresses } = options
  const { masquerade = [], nativeRoutingCidrs = [] } = options
  const match = [...new Set(cidrMatch)].sort()
  const agent: AgentFact = {
    node,
    cluster,
    labelFilter,
    ...(match.length > 0 && { cidrMatch: match }),
    ...(failSafePorts !== undefined && { failSafePorts }),
    ...(nodePortAddresses !== undefined && { nodePortAddresses }),
    ...(masquerade.length > 0 && { masquerade: [...new Set(masquerade)].sort() }),
    ...(nativeRoutingCidrs.length > 0 && { nativeRoutingCidrs }),
  }
  const { nodeAddresses: addresses = [], podCidrs = [] } = options
  const said: Fact[] = sameFact(state.agent?.fact, agent) ? [] : [{ kind: 'agent.configured', agent }]
  const own = { name: node, labels: state.nodes.get(node)?.fact.labels ?? {}, addresses, podCidrs }
  if (options.ipMasqConfig === undefined && state.ipMasq !== undefined) said.push({ kind: 'ipmasq.withdrawn' })
  // Without addresses given, the node is whatever its manifest or the log says.
  if (addresses.length > 0 && !sameFact(state.nodes.get(node)?.fact, own))
    said.push({ kind: 'node.upserted', node: own })
  return said
}
