import type { ServiceFact } from '../event/service.js'
import type { Use } from './model.js'

/** Where this node is; '' where that isn't known. */
export interface Place {
  readonly node: string
  readonly zone: string
}

/**
 * Those of a port's endpoints that take new connections: the ready ones, near ones first where the service asks for it;
 * without any ready one those that serve while they terminate. None is chosen that was put out of use, and none whose
 * checks fail, unless all do: then the checks are at fault, or nothing is lost.
 */
export function chooseFromCluster(
  uses: readonly Use[],
  topology: ServiceFact['topology'],
  place: Place,
): readonly Use[] {
  if (topology === undefined && areAllFit(uses)) return uses
  const ready = healthyOf(uses.filter(({ weight, ready }) => weight > 0 && ready))
  if (ready.length === 0) return uses.filter(isLastResort)
  return topology === undefined ? ready : nearest(ready, topology, place)
}

/** The same of the endpoints on this node alone; hints have no say. */
export function chooseFromNode(uses: readonly Use[]): Use[] {
  const ready = healthyOf(uses.filter(({ weight, ready, local }) => weight > 0 && ready && local))
  return ready.length > 0 ? ready : uses.filter(use => use.local && isLastResort(use))
}

function areAllFit(uses: readonly Use[]): boolean {
  for (const { weight, ready, unhealthy } of uses) if (weight <= 0 || !ready || unhealthy) return false
  return true
}

function healthyOf(ready: Use[]): Use[] {
  const healthy = ready.filter(({ unhealthy }) => !unhealthy)
  return healthy.length > 0 ? healthy : ready
}

const isLastResort = ({ weight, endpoint }: Use): boolean => weight > 0 && endpoint.terminating && endpoint.serving

/** Hints count only when every endpoint has one, and one of them names this place: half a hint is an overload. */
function nearest(ready: Use[], topology: ServiceFact['topology'], { node, zone }: Place): Use[] {
  if (topology === 'PreferSameNode') {
    const near = hintedAt(ready, 'nodes', node)
    if (near.length > 0) return near
  }
  const near = hintedAt(ready, 'zones', zone)
  return near.length > 0 ? near : ready
}

function hintedAt(ready: readonly Use[], kind: 'nodes' | 'zones', name: string): Use[] {
  if (name === '' || !ready.every(({ endpoint }) => (endpoint.hints?.[kind].length ?? 0) > 0)) return []
  return ready.filter(({ endpoint }) => endpoint.hints![kind].includes(name))
}
