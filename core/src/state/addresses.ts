import type { AttachmentFact } from '../event/attachment.js'
import type { EventBody } from '../event/event.js'
import { attachmentKey, type MutableClusterState } from './state.js'

/** An attachment has its addresses, and none that it had before. */
export function noteAllocated(state: MutableClusterState, fact: AttachmentFact, seq: number): void {
  const key = attachmentKey(fact.container, fact.ifname)
  for (const address of state.attachments.get(key)?.fact.addresses ?? []) state.allocated.delete(address)
  state.attachments.set(key, { fact, seq })
  for (const address of fact.addresses) {
    state.allocated.set(address, key)
    state.cooling.delete(address)
    state.lastAllocated.set(address.includes(':') ? 6 : 4, address)
  }
}

/** An attachment is gone; what it had must cool down. */
export function noteReleased(
  state: MutableClusterState,
  { container, ifname, reusableAt }: Extract<EventBody, { kind: 'address.released' }>,
  seq: number,
): void {
  const key = attachmentKey(container, ifname)
  const attachment = state.attachments.get(key)?.fact
  if (attachment === undefined) return
  state.attachments.delete(key)
  for (const address of attachment.addresses) {
    if (state.allocated.get(address) !== key) continue
    state.allocated.delete(address)
    if (reusableAt > state.timeMs) state.cooling.set(address, { untilMs: reusableAt, seq })
  }
}

/** Forgets the addresses that have cooled down. */
export function noteTime(state: MutableClusterState): void {
  for (const [address, { untilMs }] of state.cooling) if (untilMs <= state.timeMs) state.cooling.delete(address)
}
