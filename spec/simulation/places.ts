import type { EndpointFact } from '@weir/core'
import { pairMacs } from '@weir/adapters/network/names.js'
import { namespaceNames, podNames } from '../oracle/generate/names.js'

/** The pods that there may be, each with an interface of its own when it has one. */
export const podPlaces = namespaceNames.flatMap(namespace => podNames.map(name => ({ namespace, name })))

export function indexOf({ namespace, name }: { readonly namespace: string; readonly name: string }): number {
  return podPlaces.findIndex(place => place.namespace === namespace && place.name === name)
}

/** What is said when a pod's interface is there. */
export function endpointOf(pod: { readonly namespace: string; readonly name: string }): EndpointFact {
  const ifindex = 2 + indexOf(pod)
  const { host: hostMac, pod: podMac } = pairMacs(ifindex)
  return { namespace: pod.namespace, pod: pod.name, ifindex, ifname: `weir${ifindex}`, hostMac, podMac }
}
