import { WeirError } from '../errors.js'
import type { AttachmentFact } from '../event/attachment.js'
import type { EventBody, PodFact } from '../event/event.js'
import { attachmentKey, objectKey, type ClusterState } from '../state/state.js'
import { attachmentOf, initPod, isElsewhere } from './pods.js'
import { addressesIn, type Pool } from './pool.js'

export interface Allocation {
  /** Where to take an address from: the first of each family that has one. */
  readonly pools: readonly Pool[]
  /** Whether somebody else has an address: a node, a pod that nobody allocated for. */
  readonly isTaken: (address: string) => boolean
  /** Milliseconds since the epoch. */
  readonly nowMs: number
}

/**
 * What is to be said for a container to have an address of each family of the pools: nothing when it has. The same
 * state gives the same addresses: the next free ones after those that were given last.
 *
 * @throws WeirError WEIR_ADDRESSES_EXHAUSTED
 */
export function allocate(
  state: ClusterState,
  given: Omit<AttachmentFact, 'addresses'>,
  { pools, isTaken, nowMs }: Allocation,
): readonly EventBody[] {
  const attached = state.attachments.get(attachmentKey(given.container, given.ifname))?.fact
  if (attached !== undefined) return []
  const isFree = (address: string): boolean => {
    const cooling = state.cooling.get(address)
    return (cooling === undefined || cooling.untilMs <= nowMs) && !state.allocated.has(address) && !isTaken(address)
  }
  const addresses = ([4, 6] as const).flatMap(family => {
    const own = pools.filter(({ prefix }) => prefix.family === family)
    return own.length === 0 ? [] : [firstFree(own, state.lastAllocated.get(family), isFree)]
  })
  if (addresses.length === 0) throw exhausted([])
  const attachment = { ...given, addresses }
  const isCold = [...state.cooling.values()].some(({ untilMs }) => untilMs <= nowMs)
  return [
    ...(isCold ? [{ kind: 'time.passed', until: nowMs } as const] : []),
    { kind: 'address.allocated', attachment },
    { kind: 'pod.upserted', pod: podOf(state, attachment) },
  ]
}

/** The pod as it is told of; one that is another node's is the one before it. */
function podOf(state: ClusterState, attachment: AttachmentFact): PodFact {
  const known = state.pods.get(objectKey(attachment.namespace, attachment.pod))?.fact
  if (known !== undefined && !isElsewhere(known, state)) return known
  return initPod(attachment, state.agent?.fact.node ?? '')
}

/**
 * What is to be said for a container to have what it was given before this log began: nothing when it has it, or when
 * one of its addresses is another's.
 */
export function adopt(state: ClusterState, attachment: AttachmentFact): readonly EventBody[] {
  const { container, ifname, addresses } = attachment
  if (state.attachments.has(attachmentKey(container, ifname))) return []
  if (addresses.some(address => state.allocated.has(address))) return []
  return [
    { kind: 'address.allocated', attachment },
    { kind: 'pod.upserted', pod: podOf(state, attachment) },
  ]
}

/**
 * What is to be said for a container to have nothing any more: nothing when it hasn't.
 *
 * @param reusableAt when its addresses may be given again, milliseconds since the epoch
 */
export function release(
  state: ClusterState,
  container: string,
  ifname: string,
  reusableAt: number,
): readonly EventBody[] {
  const key = attachmentKey(container, ifname)
  const attachment = state.attachments.get(key)?.fact
  if (attachment === undefined) return []
  const { namespace, pod: name } = attachment
  const bodies: EventBody[] = []
  if (state.endpoints.get(objectKey(namespace, name))?.fact.ifname === attachment.device)
    bodies.push({ kind: 'endpoint.detached', namespace, pod: name })
  bodies.push({ kind: 'address.released', container, ifname, reusableAt })
  const others = [...state.attachments].filter(([other]) => other !== key).map(([, stored]) => stored)
  const pod = state.pods.get(objectKey(namespace, name))?.fact
  if (pod === undefined || attachmentOf(others, namespace, name) !== undefined) return bodies
  if (pod.init) bodies.push({ kind: 'pod.deleted', namespace, name })
  else if (pod.addresses.some(address => attachment.addresses.includes(address)))
    bodies.push({ kind: 'pod.upserted', pod: { ...pod, addresses: [] } })
  return bodies
}

function firstFree(pools: readonly Pool[], last: string | undefined, isFree: (address: string) => boolean): string {
  for (const pool of pools) for (const address of addressesIn(pool, last)) if (isFree(address)) return address
  throw exhausted(pools)
}

function exhausted(pools: readonly Pool[]): WeirError<'WEIR_ADDRESSES_EXHAUSTED'> {
  const blocks = pools.map(({ text }) => text)
  const message =
    blocks.length === 0 ? 'this node has no block of addresses for pods' : `no address is free in ${blocks.join(', ')}`
  return new WeirError('WEIR_ADDRESSES_EXHAUSTED', message, { blocks })
}
