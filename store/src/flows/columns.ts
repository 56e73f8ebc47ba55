/** What was said of a flow's packets: passed, kept back by policy, or unable to pass. Stored by number. */
export const flowVerdicts = ['allowed', 'denied', 'dropped'] as const
export type FlowVerdictName = (typeof flowVerdicts)[number]

/** Bits of `marks`. */
export const flowMarks = { ingress: 1, reply: 2 } as const

/** Bytes of a row in `addresses`: source, then destination, each in 16 bytes from the front. */
export const addressesStride = 32

/** Flows by column, so that hundreds of thousands a second make no objects. Row `i` is item `i` of each. */
export interface FlowColumns {
  readonly count: number
  /** `addressesStride` bytes a row; an IPv4 address is the first 4 bytes of its half, the others are 0. */
  readonly addresses: Uint8Array
  /** 4 or 6. */
  readonly family: Uint8Array
  readonly sourceIdentity: Uint32Array
  readonly destinationIdentity: Uint32Array
  /** IANA number. */
  readonly protocol: Uint8Array
  /** Of the end that the flow was opened to, also for replies; `type << 8 | code` of ICMP. */
  readonly port: Uint16Array
  /** Index into `flowVerdicts`. */
  readonly verdict: Uint8Array
  readonly reason: Uint8Array
  readonly marks: Uint8Array
  /** All flags that any of the packets had. */
  readonly tcpFlags: Uint8Array
  readonly packets: Float64Array
  readonly bytes: Float64Array
  /** Milliseconds since the epoch. */
  readonly firstMs: Float64Array
  readonly lastMs: Float64Array
  /** The last event of the log when the first packet was read: names and rules are found there. Never falls. */
  readonly seq: Float64Array
}

/** As `FlowColumns`, to be filled. */
export interface MutableFlowColumns extends FlowColumns {
  count: number
}

/** @param capacity Most rows. */
export function makeFlowColumns(capacity: number): MutableFlowColumns {
  return {
    count: 0,
    addresses: new Uint8Array(capacity * addressesStride),
    family: new Uint8Array(capacity),
    sourceIdentity: new Uint32Array(capacity),
    destinationIdentity: new Uint32Array(capacity),
    protocol: new Uint8Array(capacity),
    port: new Uint16Array(capacity),
    verdict: new Uint8Array(capacity),
    reason: new Uint8Array(capacity),
    marks: new Uint8Array(capacity),
    tcpFlags: new Uint8Array(capacity),
    packets: new Float64Array(capacity),
    bytes: new Float64Array(capacity),
    firstMs: new Float64Array(capacity),
    lastMs: new Float64Array(capacity),
    seq: new Float64Array(capacity),
  }
}
