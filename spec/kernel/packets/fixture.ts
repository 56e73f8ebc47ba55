import type { Arrival, ProgramName, Typed } from './machine.js'
import { device, type Device, type Pod } from './world.js'

/** What becomes of a packet. */
export type Outcome =
  /** To the stack (from a pod, marked), on to the pod, or past the node's device: not a byte changed but as `packet` says. */
  | { readonly kind: 'pass'; readonly packet?: Uint8Array }
  /** Past the node's device without being judged, and so without being counted; rewritten where there is a `packet`. */
  | { readonly kind: 'unjudged'; readonly packet?: Uint8Array }
  /** On to an egress gateway; `packet` is what it is before that hop. */
  | { readonly kind: 'steered'; readonly packet: Uint8Array }
  | { readonly kind: 'drop'; readonly reason: number }
  /** Straight into a pod, readdressed and with a hop less; `packet` is what it is before that hop, where it changes. */
  | { readonly kind: 'peer'; readonly to: Pod; readonly packet?: Uint8Array }
  /** Sent back where it came from, with these bytes; counted as passed, or as dropped for a reason. */
  | { readonly kind: 'answer'; readonly packet: Uint8Array; readonly reason: number }

export const pass: Outcome = { kind: 'pass' }
export const unjudged: Outcome = { kind: 'unjudged' }
export const leavesAs = (packet: Uint8Array): Outcome => ({ kind: 'unjudged', packet })
export const steered = (packet: Uint8Array): Outcome => ({ kind: 'steered', packet })
export const drop = (reason: number): Outcome => ({ kind: 'drop', reason })
export const passAs = (packet: Uint8Array): Outcome => ({ kind: 'pass', packet })
export const into = (to: Pod, packet?: Uint8Array): Outcome => ({ kind: 'peer', to, ...(packet && { packet }) })
export const answer = (packet: Uint8Array, reason = 0): Outcome => ({ kind: 'answer', packet, reason })

export interface PacketStep {
  readonly at: Pod | Device
  readonly direction: 'from' | 'to'
  readonly packet: Uint8Array
  readonly outcome: Outcome
  /** The packet comes to `to` by way of a pod's `from`. */
  readonly isMarked?: boolean
  /** It goes out by the device on its way to an egress gateway. */
  readonly isSteered?: boolean
  readonly arrival?: Arrival
}

export interface ChangeStep {
  readonly change: (machine: Typed) => void
}

/** A sentence, and packets that follow one another in a fresh world. */
export interface Fixture {
  readonly says: string
  readonly steps: readonly (PacketStep | ChangeStep)[]
  /** The kernel's test run refuses the packet before any program sees it (a device may still deliver one). */
  readonly isInMemoryOnly?: boolean
}

export const fixture = (says: string, ...steps: Fixture['steps']): Fixture => ({ says, steps })

export const inMemory = (says: string, ...steps: Fixture['steps']): Fixture => ({ says, steps, isInMemoryOnly: true })

export const from = (at: Pod, packet: Uint8Array, outcome: Outcome): PacketStep => ({
  at,
  direction: 'from',
  packet,
  outcome,
})

export const to = (at: Pod, packet: Uint8Array, outcome: Outcome, isMarked = false): PacketStep => ({
  at,
  direction: 'to',
  packet,
  outcome,
  isMarked,
})

/** To the node's device from outside, and out by it. */
export const incoming = (packet: Uint8Array, outcome: Outcome, arrival: Arrival = {}): PacketStep => ({
  at: device,
  direction: 'from',
  packet,
  outcome,
  arrival,
})

export const outgoing = (packet: Uint8Array, outcome: Outcome, arrival: Arrival = {}): PacketStep => ({
  at: device,
  direction: 'to',
  packet,
  outcome,
  arrival,
})

/** Out by the node's device, from a pod, under the node's address. */
export const masqueraded = (packet: Uint8Array, outcome: Outcome): PacketStep => ({
  ...outgoing(packet, outcome),
  isMarked: true,
})

export const programOf = ({ at, direction }: PacketStep): ProgramName =>
  `weir_${direction}_${at === device ? 'device' : 'endpoint'}`

/** What comes in has come by the interface that it is at. */
export const arrivalOf = (machine: Typed, step: PacketStep): Arrival => ({
  ...(step.direction === 'from' && { ingressIfindex: ifindexOf(machine, step) }),
  ...step.arrival,
})

export const ifindexOf = (machine: Typed, { at }: PacketStep): number =>
  at.name === 'd' ? 0 : machine.ifindex[at.name]

export const change = (action: (machine: Typed) => void): ChangeStep => ({ change: action })
export const later = (seconds: number): ChangeStep => ({ change: machine => machine.advance(seconds) })

export const reasons = {
  sourceMac: 130,
  source: 132,
  denied: 133,
  invalid: 134,
  truncated: 135,
  icmpType: 144,
  unknownTarget: 150,
  staleTarget: 151,
  extension: 156,
  unserved: 158,
  unrelated: 163,
  ethertype: 166,
  natExhausted: 167,
  natUnsupported: 168,
  outOfRanges: 177,
  noFirstFragment: 175,
  icmp6: 176,
  denyNamed: 181,
  vlan: 182,
  noGateway: 194,
  noEgressAddress: 204,
  chatter: 199,
  noPolicy: 203,
} as const

/** Both families, for what is the same in both. */
export const families = [4, 6] as const
export type Family = (typeof families)[number]
export const of = (who: { readonly four: string; readonly six: string }, family: Family): string =>
  family === 4 ? who.four : who.six
