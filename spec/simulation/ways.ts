import type { RoutingMode } from '@weir/core/routing/node-ways.js'
import type { Attachment } from '@weir/datapath'
import type { Kernel } from './kernel.js'
import { meddleWays } from './meddle-ways.js'
import type { Random } from './random.js'
import { WaysKernel } from './ways-kernel.js'
import { WaysWatch } from './ways-watch.js'
import type { Witness } from './witness.js'

/** All that a run has of ways to other nodes: the kernel's part, and who watches it. */
export class Ways {
  readonly kernel: WaysKernel
  readonly #modes: readonly RoutingMode[]
  readonly #packets: Kernel
  readonly #watch: WaysWatch

  /** @param modes Of the agents, one after the other. */
  constructor(
    modes: readonly RoutingMode[],
    packets: Kernel,
    witness: Witness,
    note: (what: string) => void,
    nowMs: () => number,
  ) {
    this.#modes = modes
    this.#packets = packets
    this.kernel = new WaysKernel(
      packets.faults,
      what => {
        note(`write ${what}`)
        this.#watch.onRequest(packets, what)
      },
      ifindex => packets.loseDevice(ifindex),
    )
    this.#watch = new WaysWatch(this.kernel, nowMs, witness.broken.bind(witness))
    witness.add(this.#watch)
  }

  /** An agent brought programs to a device, or took them away. */
  onPrograms(attachment: Attachment, isAttached: boolean): void {
    this.#watch.onPrograms(this.#packets, attachment, isAttached)
  }

  has(ifindex: number): boolean {
    return this.kernel.has(ifindex)
  }

  /** The mode of an agent that starts, counted from 1. */
  modeOf(life: number): RoutingMode {
    const mode = this.#modes[(life - 1) % this.#modes.length]!
    this.#watch.onMode(mode)
    return mode
  }

  /** @returns what was done; undefined: nothing here, so that it may be done to something else */
  meddle(random: Random): string | undefined {
    return random.chance(0.7) ? meddleWays(this.kernel, this.#packets, random) : undefined
  }

  onTime(): void {
    this.#watch.onTime(this.#packets)
  }

  lookAtRest(): void {
    this.#watch.atRest(this.#packets)
  }
}
