import type { ClusterState, PodFact } from '@weir/core'
import { assignAddresses } from '../manifests/addresses.js'
import type { ManifestSet } from '../manifests/set.js'

/** Where the demo's pods live: the node's own addresses are the first of each block. */
export const demoNetwork = {
  podCidrs: ['10.244.0.0/16', 'fd00:10:244::/64'],
  nodeAddresses: ['10.244.0.1', 'fd00:10:244::1'],
  /** Somebody outside: addresses for documentation (RFC 5737, RFC 3849). */
  worldAddresses: ['203.0.113.10', '2001:db8:203::10'],
} as const

/** A pod with the addresses that it would get from a manifest. */
export function giveAddresses(state: ClusterState, pod: PodFact): PodFact {
  const set: ManifestSet = {
    root: 'demo',
    objects: [
      {
        object: { kind: 'Pod', namespace: pod.namespace, name: pod.name },
        file: 'demo',
        line: 1,
        bodies: [{ kind: 'pod.upserted', pod }],
        running: true,
      },
    ],
    refusals: [],
    skipped: [],
    incomplete: false,
  }
  const body = assignAddresses(set, state, { podCidrs: demoNetwork.podCidrs, reserved: demoNetwork.nodeAddresses })
    .objects[0]?.bodies[0]
  return body?.kind === 'pod.upserted' ? body.pod : pod
}
