import type { PodFact } from '../event/event.js'
import type { Backends } from './backends.js'
import type { ClaimBuilder } from './claims.js'
import type { Unit } from './model.js'
import { type Surroundings, type Turn, zoneOf } from './service-unit.js'

/** Finds the claims of a local pod's host ports: each leads to the pod itself, ready or not, as long as it is there. */
export function compilePod(
  unit: Unit,
  pod: PodFact,
  around: Surroundings,
  backends: Backends,
  builder: ClaimBuilder,
  turn: Turn,
): void {
  const terminating = pod.terminating === true
  const endpoint = { addresses: [], ready: !terminating, serving: true, terminating, pod: pod.name, ...zoneOf(around) }
  for (const { protocol, port, containerPort, address: only } of pod.hostPorts ?? []) {
    const uses = pod.addresses.map(address =>
      backends.use(unit, address, containerPort, protocol, endpoint, !terminating, true, 0, turn.settled),
    )
    for (const use of uses) backends.settle(use)
    for (const address of only === undefined ? around.nodePortAddresses : [only]) {
      const target = uses.find(({ row }) => row.address.includes(':') === address.includes(':'))
      if (target === undefined) continue
      const selection = builder.select(target.weight > 0 ? [target] : [])
      const offer = { selection, local: true }
      builder.add({
        kind: 'hostPort',
        address,
        port,
        protocol,
        portName: '',
        affinitySeconds: 0,
        internal: offer,
        external: offer,
      })
    }
  }
}
