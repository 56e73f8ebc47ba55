import { counted } from '../counted.js'
import type { PodFact } from '../event/event.js'
import type { ServiceFact, ServicePort } from '../event/service.js'
import { nearestWord } from '../input/nearest.js'
import { socketText } from '../service/backend-text.js'
import type { Candidate, Standing } from '../service/candidates.js'
import type { ClusterState } from '../state/state.js'

/** What a service lacks to serve, and what would help. */
export interface Lack {
  readonly message: string
  readonly change: string
}

/**
 * Why no endpoint of a service's port gets new connections at an address of the family.
 * @param candidates its endpoints in the family, none of them chosen
 * @param policy the traffic policy by which they were looked at
 */
export function noBackend(
  state: ClusterState,
  service: ServiceFact,
  port: ServicePort,
  family: 4 | 6,
  candidates: readonly Candidate[],
  policy: 'internalTrafficPolicy' | 'externalTrafficPolicy',
): Lack {
  if (candidates.length > 0) return noneTakesAny(candidates, policy)
  const { namespace, selector } = service
  const wanted = Object.entries(selector)
  if (wanted.length === 0) {
    const change = `an EndpointSlice with the label kubernetes.io/service-name: ${service.name}, or a selector`
    return { message: 'it selects no pods, and no EndpointSlice lists endpoints of it', change }
  }
  const pods = [...state.pods.values()].map(({ fact }) => fact).filter(pod => pod.namespace === namespace)
  const selected = pods.filter(({ labels }) => wanted.every(([key, value]) => labels[key] === value))
  if (selected.length === 0) return noPod(namespace, wanted, pods)
  if (typeof port.targetPort === 'string') {
    const { targetPort, protocol } = port
    const named = selected.filter(pod => pod.ports.some(each => each.name === targetPort && each.protocol === protocol))
    if (named.length === 0) return noPortName(targetPort, protocol, selected)
  }
  if (!selected.some(({ addresses }) => addresses.some(address => address.includes(':') === (family === 6)))) {
    const message = `its pods have no IPv${family} address`
    return { message, change: `ask at its IPv${family === 4 ? 6 : 4} address, or give the pods one of IPv${family}` }
  }
  const message = `it selects ${counted(selected.length, 'pod')}, and no EndpointSlice lists them for this port`
  return { message, change: 'see whether the endpoint slice controller runs' }
}

const standingTexts: Readonly<Record<Exclude<Standing, 'ready' | 'failOpen' | 'lastResort'>, string>> = {
  quarantined: 'quarantined',
  maintenance: 'in maintenance',
  weightless: 'of weight 0',
  otherNode: 'on other nodes',
  unhealthy: 'unhealthy',
  notReady: 'not ready',
  terminating: 'terminating',
  hintedElsewhere: 'meant for other zones',
}

/** What helps, the easiest first. */
function noneTakesAny(candidates: readonly Candidate[], policy: string): Lack {
  const counts = new Map<Standing, Candidate[]>()
  for (const candidate of candidates) {
    const { standing } = candidate
    counts.set(standing, [...(counts.get(standing) ?? []), candidate])
  }
  const parts = [...counts].map(([standing, { length }]) => `${length} ${standingTexts[standing as 'notReady']}`)
  const message = `none of its ${counted(candidates.length, 'endpoint')} takes new connections: ${parts.join(', ')}`
  const first = (...standings: readonly Standing[]): Candidate | undefined =>
    standings.flatMap(standing => counts.get(standing) ?? [])[0]
  const told = first('maintenance', 'quarantined', 'weightless')
  if (told !== undefined) {
    const { address, port, protocol } = told.backend
    return { message, change: `weir backend ${socketText(address, port, protocol)} active` }
  }
  if (counts.has('otherNode')) return { message, change: `${policy}: Cluster, or a pod of it on this node` }
  const unready = first('notReady')
  if (unready === undefined) return { message, change: 'wait for the pods that take their place' }
  const { pod } = unready.endpoint
  return { message, change: `see why ${pod === undefined ? unready.backend.address : `pod ${pod}`} isn't ready` }
}

function noPod(namespace: string, wanted: readonly (readonly [string, string])[], pods: readonly PodFact[]): Lack {
  const asked = wanted.map(([key, value]) => `${key}=${value}`).join(',')
  const message = `no pod in ${namespace} has ${asked}`
  const lacking = ({ labels }: PodFact) => wanted.filter(([key, value]) => labels[key] !== value)
  const close = (pod: PodFact): number =>
    lacking(pod).filter(([key, value]) => nearestWord(value, [pod.labels[key] ?? '']) !== undefined).length
  const nearest = pods
    .filter(pod => lacking(pod).length < wanted.length || close(pod) > 0)
    .sort((a, b) => lacking(a).length - lacking(b).length || close(b) - close(a) || (a.name < b.name ? -1 : 1))[0]
  if (nearest === undefined) return { message, change: 'pods with these labels, or another selector' }
  const missing = lacking(nearest)
  const has = missing.map(([key]) =>
    nearest.labels[key] === undefined ? `no label ${key}` : `${key}=${nearest.labels[key]}`,
  )
  const relabel = `label the pod ${missing.map(([key, value]) => `${key}=${value}`).join(',')}`
  const isReplaced = missing.every(([key]) => nearest.labels[key] !== undefined)
  return {
    message: `${message}; nearest: ${namespace}/${nearest.name} has ${has.join(' and ')}`,
    change: isReplaced ? `select ${has.join(',')}, or ${relabel}` : relabel,
  }
}

function noPortName(name: string, protocol: string, pods: readonly PodFact[]): Lack {
  const known = [
    ...new Set(pods.flatMap(({ ports }) => ports.filter(each => each.name !== '').map(each => each.name))),
  ].sort()
  const near = nearestWord(name, known)
  const message = `its pods have no ${protocol} port named ${name}${known.length === 0 ? '' : `; they have ${known.join(', ')}`}`
  return { message, change: near === undefined ? 'a number as targetPort' : `targetPort: ${near}` }
}
