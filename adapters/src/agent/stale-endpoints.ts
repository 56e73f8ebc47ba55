import type { ClusterState, EventBody } from '@weir/core'

/**
 * Wiring that the log has and the node hasn't: after a reboot, or when pods went while no agent ran. A device's number
 * is used again by others, so both name and number must be the same.
 *
 * @param netns The node's namespace; that of this process when absent.
 */
export async function staleEndpoints(state: ClusterState, netns: string | undefined): Promise<readonly EventBody[]> {
  if (state.endpoints.size === 0) return []
  const { interfacesIn } = await import('netns-napi')
  const there = new Map(interfacesIn(netns ?? '/proc/self/ns/net').map(each => [each.ifindex, each.name]))
  return [...state.endpoints.values()]
    .filter(({ fact }) => there.get(fact.ifindex) !== fact.ifname)
    .map(({ fact }): EventBody => ({ kind: 'endpoint.detached', namespace: fact.namespace, pod: fact.pod }))
}
