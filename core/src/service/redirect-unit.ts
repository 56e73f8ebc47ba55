import type { PodFact } from '../event/event.js'
import type { LocalRedirectPolicyFact, RedirectPort, ServiceFact } from '../event/service.js'
import { matchesSelector } from '../policy/match.js'
import type { Backends } from './backends.js'
import type { ClaimBuilder } from './claims.js'
import type { Unit, Use } from './model.js'
import { type Surroundings, type Turn, zoneOf } from './service-unit.js'

/** An address and port whose traffic a redirect takes. */
interface Taken extends RedirectPort {
  readonly addresses: readonly string[]
}

/**
 * Finds the claims of a local redirect. Where the node has no pod that could serve, there is none: the traffic goes
 * where it would go without the redirect.
 * @param pods of this node and the policy's namespace, by name
 */
export function compileRedirect(
  unit: Unit,
  redirect: LocalRedirectPolicyFact,
  service: ServiceFact | undefined,
  pods: readonly PodFact[],
  around: Surroundings,
  backends: Backends,
  builder: ClaimBuilder,
  turn: Turn,
): void {
  const able = pods.filter(
    pod => isAble(pod) && matchesSelector(redirect.selector, new Map(Object.entries(pod.labels))),
  )
  const taken = takenBy(redirect, service)
  for (const { name, protocol, port, addresses } of taken) {
    const single = taken.length === 1 && redirect.backendPorts.length === 1
    const target = redirect.backendPorts.find(each => each.protocol === protocol && (single || each.name === name))
    if (target === undefined) continue
    const uses = able.flatMap(pod => usesOf(unit, pod, target, around, backends, turn))
    for (const use of uses) backends.settle(use)
    for (const address of addresses) {
      const there = uses.filter(({ weight, row }) => weight > 0 && row.address.includes(':') === address.includes(':'))
      if (there.length === 0) continue
      const internal = {
        selection: builder.select([...new Set(there)]),
        local: true,
        ...(redirect.skipRedirectFromBackend && { fromBackends: 0 }),
      }
      builder.add({ kind: 'localRedirect', address, port, protocol, portName: name, affinitySeconds: 0, internal })
    }
  }
}

const isAble = (pod: PodFact): boolean => !pod.hostNetwork && pod.ready !== false && pod.terminating !== true

function takenBy({ frontend }: LocalRedirectPolicyFact, service: ServiceFact | undefined): readonly Taken[] {
  if (frontend.kind === 'address') return frontend.ports.map(port => ({ ...port, addresses: [frontend.address] }))
  if (service === undefined) return []
  const addresses = service.clusterIps.filter(address => address !== 'None')
  return service.ports.flatMap(({ name, protocol, port }): readonly Taken[] => {
    if (frontend.ports.length === 0) return [{ name, protocol, port, addresses }]
    const written = frontend.ports.find(each => each.port === port && each.protocol === protocol)
    return written === undefined ? [] : [{ name: written.name === '' ? name : written.name, protocol, port, addresses }]
  })
}

function usesOf(
  unit: Unit,
  pod: PodFact,
  { port, protocol }: RedirectPort,
  around: Surroundings,
  backends: Backends,
  turn: Turn,
): readonly Use[] {
  const endpoint = {
    addresses: [],
    ready: true,
    serving: true,
    terminating: false,
    pod: pod.name,
    ...zoneOf(around),
  }
  return pod.addresses.map(address =>
    backends.use(unit, address, port, protocol, endpoint, true, true, 0, turn.settled),
  )
}
