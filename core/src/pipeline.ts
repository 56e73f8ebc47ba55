import { map, type Observable } from 'rxjs'
import type { WeirEvent } from './event/event.js'
import { Engine } from './engine.js'
import type { TablesDelta } from './tables/tables.js'

/**
 * Batches of events → changes of the tables, one for each batch, in order and at once. There is no back-pressure here:
 * whoever feeds `batches` bounds what is queued. An event that can't be folded ends the stream with its error.
 */
export function weirPipeline(
  batches: Observable<readonly WeirEvent[]>,
  engine: Engine = new Engine(),
): Observable<TablesDelta> {
  return batches.pipe(map(events => engine.apply(events)))
}
