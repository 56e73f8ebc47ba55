/** What is open now and must not outlive the process: namespaces, processes, pins, folders. */
const open = new Set<Closing>()

/** Things to take away in the end, the last first; also when a signal ends the process. */
export class Closing {
  readonly #closers: (() => unknown)[] = []

  constructor() {
    open.add(this)
  }

  add(close: () => unknown): void {
    this.#closers.push(close)
  }

  /** Goes on past one that fails, and throws the first failure when all are done. May be called twice. */
  async close(): Promise<void> {
    const failures: unknown[] = []
    for (let close = this.#closers.pop(); close !== undefined; close = this.#closers.pop()) {
      try {
        await close()
      } catch (error) {
        failures.push(error)
      }
    }
    open.delete(this)
    if (failures.length > 0) throw failures[0]
  }
}

/** Closes whatever is open, then ends the process as the signal would have. */
export function closeOnSignals(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      const closed = Promise.allSettled([...open].map(closing => closing.close()))
      void closed.then(() => process.kill(process.pid, signal))
    })
  }
}
