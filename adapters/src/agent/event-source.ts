import type { ChangedBy, WeirEvent } from '@weir/core'

/** Where an event came from, and who changed the object that it is about. */
export interface EventSource {
  /** `manifests:/path/web.yaml:3`; '' when nobody knows. */
  readonly source: string
  readonly by?: ChangedBy
}

/** Says where an event came from, so that a view can name file and line. Looked up in the log, then kept. */
export type SourceOf = (seq: number) => Promise<EventSource>

/** The same of a certain event, as answers carry it. */
export type SourceEntry = readonly [seq: number, source: string, by?: ChangedBy]

export const nowhere: EventSource = { source: '' }

export const sourceOfEvent = ({ source, by }: Pick<WeirEvent, 'source' | 'by'>): EventSource => ({
  source,
  ...(by !== undefined && { by }),
})

/** Where events came from, each once; built-in rules have none. */
export async function entriesOf(seqs: Iterable<number>, sourceOf: SourceOf): Promise<readonly SourceEntry[]> {
  const entries: SourceEntry[] = []
  for (const seq of new Set(seqs)) if (seq > 0) entries.push(entryOf(seq, await sourceOf(seq)))
  return entries
}

const entryOf = (seq: number, { source, by }: EventSource): SourceEntry =>
  by === undefined ? [seq, source] : [seq, source, by]

/** What entries say, by event. */
export const sourcesBySeq = (entries: readonly SourceEntry[]): ReadonlyMap<number, EventSource> =>
  new Map(entries.map(([seq, source, by]) => [seq, { source, ...(by !== undefined && { by }) }]))
