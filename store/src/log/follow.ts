import type { WeirEvent } from '@weir/core/event/event.js'
import { WeirError } from '@weir/core/errors.js'
import { Observable } from 'rxjs'

/** What following needs of a log. */
export interface Followed {
  /** The newest durable event. */
  headSeq(): number
  read(options: { from: number; to: number; batchSize?: number }): AsyncIterable<readonly WeirEvent[]>
  /** Resolves when the log has grown past `seq` (true) or was closed (false). */
  grown(seq: number, signal: AbortSignal | undefined): Promise<boolean>
}

/**
 * Every event from `from` on, those to come included, in batches; ends when the log closes or `signal` aborts.
 *
 * It reads from disk when asked for the next batch and holds one batch: a slow reader costs no memory.
 */
export async function* follow(
  log: Followed,
  from: number,
  options: { readonly signal?: AbortSignal; readonly batchSize?: number } = {},
): AsyncGenerator<readonly WeirEvent[]> {
  const { signal, batchSize } = options
  let next = from
  while (!signal?.aborted && (await log.grown(next - 1, signal))) {
    const range = { from: next, to: log.headSeq() }
    try {
      for await (const batch of log.read(batchSize === undefined ? range : { ...range, batchSize })) {
        if (signal?.aborted) return
        yield batch
        next = (batch.at(-1) as WeirEvent).seq + 1
        if (signal?.aborted) return
      }
    } catch (error) {
      if (error instanceof WeirError && error.code === 'WEIR_LOG_CLOSED') return
      throw error
    }
  }
}

/**
 * `follow` as an Observable: one walk per subscription, completed when the log closes.
 *
 * The next batch is read once the subscriber has returned from the last one and the promise of `ready()`, if given, has
 * resolved: that is how a subscriber with asynchronous work sets the pace.
 */
export function tail(
  log: Followed,
  from: number,
  options: { readonly batchSize?: number; readonly ready?: () => PromiseLike<unknown> } = {},
): Observable<readonly WeirEvent[]> {
  return new Observable(subscriber => {
    const abort = new AbortController()
    const walk = async (): Promise<void> => {
      for await (const batch of follow(log, from, { ...options, signal: abort.signal })) {
        subscriber.next(batch)
        if (options.ready !== undefined) await options.ready()
      }
      subscriber.complete()
    }
    walk().catch(error => subscriber.error(error))
    return () => abort.abort()
  })
}
