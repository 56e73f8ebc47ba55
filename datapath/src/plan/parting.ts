import { firstEndpointSlot, type Peer, sameInterface } from '../peer.js'
import type { Installed } from './installed.js'
import type { Goal, Operation } from './operation.js'

/** Who leaves slots that are given to other pods. */
export interface Parting {
  /** Wires the slots that they go to, and moves their addresses there. */
  readonly operations: readonly Operation[]
  /** What these addresses' rows hold from then on. */
  readonly peers: ReadonlyMap<string, Peer>
  /** The slots that they left. */
  readonly left: ReadonlySet<number>
  /** The slots that they are in for the while. */
  readonly lent: readonly number[]
}

const nobody: Parting = { operations: [], peers: new Map(), left: new Set(), lent: [] }

/**
 * A slot that goes from one pod to another: packets to the pod that leaves must not reach the pod that comes, and go on
 * to where they go meanwhile. So addresses that leave it take its wiring with them, to a slot that nobody uses, until
 * they move to their own. Where no slot is free they stay, and the slot is to be unwired.
 * @param generation of the slots that are lent: flows of whoever had them before are judged anew
 */
export function partSlots(installed: Installed, goal: Goal, generation: number): Parting {
  if (goal.endpoints.size === 0) return nobody
  const operations: Operation[] = []
  const peers = new Map<string, Peer>()
  const left = new Set<number>()
  const lent: number[] = []
  let free = firstEndpointSlot
  for (const [slot, wanted] of goal.endpoints) {
    const { wiring } = installed.endpoint(slot)
    if (wanted === undefined || sameInterface(wiring, wanted)) continue
    const leaving = [...installed.addressesAt(slot)].filter(
      address => goal.addresses.has(address) && goal.addresses.get(address)?.slot !== slot,
    )
    if (leaving.length === 0) continue
    while (free < installed.endpointSlots && !isFree(installed, goal, free)) free += 1
    if (free >= installed.endpointSlots) break
    operations.push({ table: 'endpoints', slot: free, wiring, generation })
    for (const address of leaving) {
      const place = installed.placeOf(address)!
      const peer = { ...place.peer!, slot: free }
      operations.push({ table: 'addresses', address, bits: place.bits, peer, place })
      peers.set(address, peer)
    }
    left.add(slot)
    lent.push(free)
    free += 1
  }
  return { operations, peers, left, lent }
}

const isFree = (installed: Installed, goal: Goal, slot: number): boolean =>
  !goal.endpoints.has(slot) && installed.endpoint(slot).wiring.ifindex === 0 && installed.addressesAt(slot).size === 0
