/** Time as the agent sees it; tests and the simulator hand in one of their own. */
export interface Clock {
  /** Milliseconds since the epoch. */
  nowMs(): number
  /** Calls `work` again and again, `periodMs` after the last call ended. */
  every(periodMs: number, work: () => void | Promise<void>): Timer
}

export interface Timer {
  stop(): void
}

/** The machine's clock. Its timers don't keep a process alive. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  every: (periodMs, work) => {
    let stopped = false
    let handle: NodeJS.Timeout
    const arm = (): void => {
      if (stopped) return
      handle = setTimeout(() => void Promise.resolve(work()).finally(arm), periodMs)
      handle.unref()
    }
    arm()
    return {
      stop: () => {
        stopped = true
        clearTimeout(handle)
      },
    }
  },
}
