import { containsPrefix, parseAddress, parsePrefix } from '../address/address.js'
import type { ClusterState } from '../state/state.js'
import type { Surroundings } from './service-unit.js'

const zoneLabel = 'topology.kubernetes.io/zone'

/** Before the agent knows its node. */
export const nowhere: Surroundings = { node: '', zone: '', nodePortAddresses: [] }

/** Where the agent is. */
export function surroundingsOf({ agent, nodes }: ClusterState): Surroundings {
  if (agent === undefined) return nowhere
  const { node, nodePortAddresses: blocks } = agent.fact
  const own = nodes.get(node)?.fact
  const addresses = own?.addresses ?? []
  return {
    node,
    zone: own?.labels[zoneLabel] ?? '',
    nodePortAddresses: blocks === undefined ? addresses : addresses.filter(address => isWithin(address, blocks)),
  }
}

export const sameSurroundings = (a: Surroundings, b: Surroundings): boolean =>
  a.node === b.node && a.zone === b.zone && a.nodePortAddresses.join() === b.nodePortAddresses.join()

function isWithin(address: string, blocks: readonly string[]): boolean {
  const parsed = parseAddress(address)
  if (parsed === undefined) return false
  return blocks.some(block => {
    const prefix = parsePrefix(block)
    return prefix !== undefined && containsPrefix(prefix, parsed)
  })
}
