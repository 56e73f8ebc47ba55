import { setImmediate as turnOfEventLoop } from 'node:timers/promises'

/** Time as the agent sees it; tests and the simulator hand in one of their own. */
export interface Clock {
  /** Milliseconds since the epoch. */
  nowMs(): number
  /** Calls `work` again and again, `periodMs` after the last call ended. */
  every(periodMs: number, work: () => void | Promise<void>): Timer
  /** Resolves when whatever else was due has been done: after a turn of the event loop. */
  nextTurn(): Promise<unknown>
}

export interface Timer {
  stop(): void
}

/** The machine's clock. Its timers don't keep a process alive. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  nextTurn: () => turnOfEventLoop(),
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
