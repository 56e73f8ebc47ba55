import type { Datapath } from '@weir/adapters/agent/datapath.js'

/** When agents last began to compare the kernel with what they want there, and all was so in the end. */
export class Comparisons {
  readonly #nowMs: () => number
  #beganMs = Number.NEGATIVE_INFINITY

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  /** An agent is there, which compared all when it started, and does so now and then. */
  follow(datapath: Datapath, startedMs: number): void {
    this.#beganMs = startedMs
    const verify = datapath.verify.bind(datapath)
    datapath.verify = async exclusively => {
      const beganMs = this.#nowMs()
      const differing = await verify(exclusively)
      this.#beganMs = beganMs
      return differing
    }
  }

  /** Whether one began after a moment, so that nothing is left of what somebody else had changed by then. */
  isSince(meddledMs: number): boolean {
    return this.#beganMs > meddledMs
  }
}
