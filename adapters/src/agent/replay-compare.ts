import { digestAs, partsLackingIn } from '@weir/core/digest/versions.js'
import { entryOf } from '@weir/core/multimap.js'
import type { EventLog } from '@weir/store'
import { engineAtBase } from './log-base.js'
import type { RecordedDigest } from './digest-record.js'
import { rowLines } from './row-lines.js'

/** The first event after which this build has other tables than another one recorded. */
export interface Divergence {
  /** The last recorded event where both agree, 0 for none: what differs came after it. */
  readonly after: number
  /** The first recorded event where they don't; the event itself when it is `after + 1`. */
  readonly seq: number
  /** Build that recorded. */
  readonly build: string
  readonly recorded: string
  readonly replayed: string
  /** The tables whose digests differ. */
  readonly parts: readonly string[]
  /** What the event changes by that build alone, and by this one alone, where both are known. */
  readonly rows?: { readonly recorded: readonly string[]; readonly replayed: readonly string[] }
}

export interface NarrowerDigests {
  readonly version: number
  readonly digests: number
  /** Tables that this build's digests have and those don't. */
  readonly lacking: readonly string[]
}

export interface Comparison {
  /** Events folded. */
  readonly events: number
  /** Recorded digests that were reached and could be compared. */
  readonly compared: number
  readonly agreeing: number
  /** Recorded by builds that hashed tables otherwise: there is nothing to compare. */
  readonly incomparable: number
  /** Compared digests of builds that knew fewer tables, by the version of their digests: what those speak of agrees or not. */
  readonly narrower: readonly NarrowerDigests[]
  readonly first?: Divergence
}

/** Folds the log through this build and compares at every recorded digest up to `to`. */
export async function compareDigests(
  log: EventLog,
  digests: readonly RecordedDigest[],
  to: number = log.head.seq,
  onProgress: (seq: number) => void = () => {},
): Promise<Comparison> {
  const byEvent = new Map<number, RecordedDigest[]>()
  for (const each of digests) entryOf(byEvent, each.seq, () => []).push(each)
  const engine = await engineAtBase(log)
  const narrower = new Map<number, number>()
  let [compared, agreeing, incomparable, after] = [0, 0, 0, 0]
  let first: Divergence | undefined
  for await (const batch of log.read({ to })) {
    for (const event of batch) {
      const recorded = byEvent.get(event.seq)
      // Rows that were recorded are of one event alone: what came before it has to be seen first.
      const wantsRows = first === undefined && recorded?.some(({ rows }) => rows !== undefined) === true
      if (wantsRows) void engine.tables
      const delta = wantsRows ? engine.apply([event]) : undefined
      if (!wantsRows) engine.fold([event])
      for (const each of recorded ?? []) {
        const digest = digestAs(engine.digest(), each.version)
        if (digest === undefined) {
          incomparable++
          continue
        }
        compared++
        if (partsLackingIn(each.version).length > 0) narrower.set(each.version, (narrower.get(each.version) ?? 0) + 1)
        if (digest.hex === each.hex) {
          agreeing++
          if (first === undefined) after = each.seq
          continue
        }
        first ??= {
          after,
          seq: each.seq,
          build: each.build,
          recorded: each.hex,
          replayed: digest.hex,
          parts: Object.entries(digest.parts)
            .filter(([part, hex]) => each.parts[part] !== hex)
            .map(([part]) => part),
          ...(delta !== undefined && each.rows !== undefined && rowsApart(each.rows, rowLines(delta, engine.tables))),
        }
      }
    }
    onProgress(engine.seq)
  }
  return {
    ...{ events: engine.seq - log.base.seq, compared, agreeing, incomparable },
    narrower: [...narrower].map(([version, digests]) => ({ version, digests, lacking: partsLackingIn(version) })),
    ...(first !== undefined && { first }),
  }
}

function rowsApart(recorded: readonly string[], replayed: readonly string[]): Pick<Divergence, 'rows'> {
  const [a, b] = [new Set(recorded), new Set(replayed)]
  return { rows: { recorded: recorded.filter(row => !b.has(row)), replayed: replayed.filter(row => !a.has(row)) } }
}
