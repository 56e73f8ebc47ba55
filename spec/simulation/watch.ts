import type { OracleCluster } from '../oracle/index.js'
import type { Kernel } from './kernel.js'

/** Told of a law that was broken, and how that showed. */
export type Broken = (law: string, message: string) => void

/** Owners of frontends that stay as they were for want of room, by `namespace/name`. */
export type Short = ReadonlySet<string> | 'unknown'
export const noneShort: Short = new Set()

/** One kind of traffic that a witness looks at, in the states that the kernel may hold parts of. */
export interface Watch {
  /** Looked at so far: packets and calls. */
  readonly checks: number
  /** Another state, which from now on may be enforced, after the event `seq`. */
  onDurable(seq: number, cluster: OracleCluster): void
  /** Until all is enforced again anything may be seen. */
  onDisturbed(): void
  /** A single entry was written: what is seen now must be as one of the states says. */
  onWrite(kernel: Kernel, what: string): void
  /** The state after an event that was durable is said to be in force, and must be seen. */
  onEnforced(kernel: Kernel, seq: number, short: Short): void
  /** Nothing has been written for so long that nothing is put off any more. */
  onSettled?(kernel: Kernel, seq: number, short: Short): void
  /** Opens connections that are to go on as long as the states let them. */
  connect(kernel: Kernel): void
}
