import { WeirError } from '@weir/core/errors.js'
import { processTimer, type Timer } from './timer.js'

export interface TurnOptions<Report> {
  readonly timer?: Timer
  /** Pause before the first retry, and the longest; each is twice the one before. */
  readonly retry?: { readonly firstMs: number; readonly mostMs: number }
  /** Told of each failed turn, the retries' among them. */
  readonly onError?: (error: Error) => void
  /** Told of a retry that succeeded. */
  readonly onRecovered?: (report: Report) => void
}

const defaultRetry = { firstMs: 100, mostMs: 30_000 }

/** Work that is tried again by itself after it failed, at growing intervals. */
export class Turns<Report> {
  readonly #options: TurnOptions<Report>
  readonly #timer: Timer
  readonly #retry: { readonly firstMs: number; readonly mostMs: number }
  readonly #again: () => Report
  #lastError: Error | undefined
  #failures = 0
  #retries = 0
  #pauseMs: number
  #cancelRetry: (() => void) | undefined
  #closed = false

  /** @param again what makes up for any failed turn */
  constructor(options: TurnOptions<Report>, again: () => Report) {
    this.#options = options
    this.#timer = options.timer ?? processTimer
    this.#retry = options.retry ?? defaultRetry
    this.#pauseMs = this.#retry.firstMs
    this.#again = again
  }

  /** Of the last turn; undefined when it succeeded. */
  get lastError(): Error | undefined {
    return this.#lastError
  }

  get counts(): { readonly failures: number; readonly retries: number } {
    return { failures: this.#failures, retries: this.#retries }
  }

  /** @throws WeirError what the work throws, WEIR_DATAPATH_FAILED for what isn't typed; it is tried again meanwhile */
  run<Result extends Report>(work: () => Result): Result {
    this.#cancelRetry?.()
    this.#cancelRetry = undefined
    try {
      const report = work()
      this.#lastError = undefined
      this.#pauseMs = this.#retry.firstMs
      return report
    } catch (cause) {
      const error = typedError(cause)
      this.#lastError = error
      this.#failures += 1
      this.#options.onError?.(error)
      this.#scheduleRetry()
      throw error
    }
  }

  /** Ends retries. */
  close(): void {
    this.#closed = true
    this.#cancelRetry?.()
  }

  #scheduleRetry(): void {
    if (this.#closed) return
    this.#cancelRetry = this.#timer.after(this.#pauseMs, () => {
      this.#pauseMs = Math.min(this.#retry.mostMs, this.#pauseMs * 2)
      this.#retries += 1
      try {
        const report = this.run(this.#again)
        this.#options.onRecovered?.(report)
      } catch {
        // The turn has told of it, and has scheduled the next.
      }
    })
  }
}

/** What isn't typed becomes WEIR_DATAPATH_FAILED. */
export function typedError(cause: unknown): WeirError {
  if (cause instanceof WeirError) return cause
  const reason = cause instanceof Error ? cause.message : String(cause)
  const operation = cause instanceof Error && 'call' in cause ? String(cause.call) : 'reconcile'
  return new WeirError('WEIR_DATAPATH_FAILED', `${operation} failed: ${reason}`, { operation, reason }, { cause })
}
