/** Delays of the reconciler, so that tests and simulations have their own. */
export interface Timer {
  /** Calls back once; the function returned prevents it. */
  after(delayMs: number, callback: () => void): () => void
}

/** The process's clock; a pending retry doesn't keep the process alive. */
export const processTimer: Timer = {
  after(delayMs, callback) {
    const timeout = setTimeout(callback, delayMs)
    timeout.unref()
    return () => clearTimeout(timeout)
  },
}
