import { sameInterface, sameWiring, unwired, type Wiring } from '../peer.js'
import type { Installed } from './installed.js'
import type { Goal, Operation } from './operation.js'
import type { Parting } from './parting.js'

/** Writes of the endpoints map, by when they must happen. */
export interface WiringPlan {
  /** Before the addresses that point there. */
  readonly early: readonly Operation[]
  /** When no address points there any more. */
  readonly late: readonly Operation[]
  readonly generations: readonly Operation[]
}

/**
 * Interfaces and generations. A slot that goes from one pod to another has a new generation the moment that it is wired
 * anew, and is unwired meanwhile where the addresses that leave it found no other.
 * @param parting its operations come before these
 * @param atOnce an address that comes to a slot is judged as the goal says from its first moment there
 */
export function planWiring(
  installed: Installed,
  goal: Goal,
  toBump: ReadonlySet<number>,
  atOnce: boolean,
  parting: Parting,
): WiringPlan {
  const { left, lent } = parting
  const first = installed.generation + 1
  // What is judged in a slot between its wiring and the end is judged anew once more.
  const generation = lent.length === 0 ? first : first + 1
  if (goal.endpoints.size === 0) {
    const generations = [...toBump].map(slot => endpoint(slot, installed.endpoint(slot).wiring, generation))
    return { early: none, late: none, generations }
  }
  const early: Operation[] = []
  const late: Operation[] = []
  const wirings = new Map<number, Wiring>()
  const bumps = new Set(toBump)
  for (const [slot, wanted] of goal.endpoints) {
    const now = installed.endpoint(slot)
    const changes = !sameWiring(now.wiring, wanted ?? unwired)
    const addresses = [...installed.addressesAt(slot)]
    const leaves = (address: string) => goal.addresses.has(address) && goal.addresses.get(address)?.slot !== slot
    if (wanted === undefined) {
      if (changes) late.push(endpoint(slot, unwired, now.generation))
      wirings.set(slot, unwired)
    } else if (addresses.length === 0) {
      // Nobody counts on this slot yet: its new generation can come with the wiring.
      const bumped = atOnce && bumps.delete(slot)
      if (changes || bumped) early.push(endpoint(slot, wanted, bumped ? generation : now.generation))
      wirings.set(slot, wanted)
    } else if (left.has(slot)) {
      early.push(endpoint(slot, wanted, first))
      wirings.set(slot, wanted)
      bumps.add(slot)
    } else if (!sameInterface(now.wiring, wanted) && addresses.some(leaves)) {
      if (now.wiring.ifindex !== 0) early.push(endpoint(slot, unwired, now.generation))
      wirings.set(slot, wanted)
      bumps.add(slot)
    } else {
      if (changes) early.push(endpoint(slot, wanted, now.generation))
      wirings.set(slot, wanted)
    }
  }
  for (const slot of lent) {
    late.push(endpoint(slot, unwired, first))
    wirings.set(slot, unwired)
    bumps.add(slot)
  }
  const generations = [...bumps].map(slot =>
    endpoint(slot, wirings.get(slot) ?? installed.endpoint(slot).wiring, generation),
  )
  return { early, late, generations }
}

const none: readonly Operation[] = []

const endpoint = (slot: number, wiring: Wiring, generation: number): Operation => ({
  table: 'endpoints',
  slot,
  wiring,
  generation,
})
