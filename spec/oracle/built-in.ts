import { peerIsOwnNode, nodeOfSubject, type Cause, type Side } from './side.js'
import { nodeOf } from './cluster.js'

/* What is allowed without a policy that says so, at the lowest precedence of the namespaced tier: an explicit denial
   wins over it, isolation doesn't. */

/**
 * TCP ports of a node that isolation leaves open, so that nobody locks a node away by accident: ssh and the API server,
 * unless the agent is told others.
 */
const failSafePorts = [22, 6443]

export function builtInAllowances(side: Side): readonly Cause[] {
  const causes: Cause[] = []
  if (nodeAndItsPod(side)) causes.push({ policy: 'built-in', path: 'node reaches its pods' })
  if (failSafe(side)) causes.push({ policy: 'built-in', path: 'fail-safe ports' })
  return causes
}

/** The node reaches its own pods, as the kubelet's probes must: seen from the pod, and from an isolated node. */
function nodeAndItsPod(side: Side): boolean {
  const { cluster, direction, subject, peer } = side
  if (direction === 'ingress') return subject.kind === 'pod' && peerIsOwnNode(side)
  return subject.kind === 'node' && peer.kind === 'pod' && nodeOf(cluster, peer.pod) === nodeOfSubject(side)
}

function failSafe({ cluster, direction, subject, flow }: Side): boolean {
  const ports = cluster.agent?.failSafePorts ?? failSafePorts
  return direction === 'ingress' && subject.kind === 'node' && flow.protocol === 6 && ports.includes(flow.port)
}
