import type { WeirEvent } from '@weir/core/event/event.js'
import { WeirError } from '@weir/core/errors.js'
import type { LogDatabase } from '../storage/storage.js'
import { finding, type LogFinding } from './finding.js'
import { decodeGroup, type Group, groupIntact, recordIntact } from './group.js'
import { binary, groupKey, lastOfKey, maxSeq } from './keys.js'
import type { RecordCodec } from './record.js'

export interface ReadOptions {
  /** First event, default 1. */
  readonly from?: number
  /** Last event, default the head when the read starts. */
  readonly to?: number
  /** Most events in a batch, default 1000. */
  readonly batchSize?: number
  /** Called for damage met on the way, which is then skipped. Without it the read throws `WEIR_LOG_DAMAGED` there. */
  readonly onDamage?: (finding: LogFinding) => void
}

/** One stored group: the last sequence number that its key promises, and its bytes. */
export interface StoredGroup {
  readonly last: number
  readonly value: Buffer
}

/** Groups from storage at a time: enough to amortise the call, little enough to hold. */
const groupsPerRead = 16
const readAheadBytes = 1 << 20

/** Walks the stored groups that end at or after `from`, in key order. */
export async function* storedGroups(database: LogDatabase, from: number, to = maxSeq): AsyncGenerator<StoredGroup[]> {
  const options = {
    gte: groupKey(from),
    lte: groupKey(maxSeq),
    ...binary,
    highWaterMarkBytes: readAheadBytes,
    fillCache: false,
  }
  const iterator = database.iterator<Buffer, Buffer>(options)
  // The next entries are fetched while the reader is busy with these: one read ahead, never more.
  const fetch = (): Promise<[Buffer, Buffer][]> => {
    const entries = iterator.nextv(groupsPerRead)
    // It may fail while nobody waits for it yet; whoever awaits it later still gets the error.
    entries.catch(() => undefined)
    return entries
  }
  let ahead = fetch()
  try {
    for (;;) {
      const entries = await ahead
      if (entries.length === 0) return
      const groups = entries.map(([key, value]) => ({ last: lastOfKey(key), value }))
      // The group that holds `to` is the first one whose key reaches it.
      const done = (groups.at(-1) as StoredGroup).last >= to
      if (!done) ahead = fetch()
      yield groups
      if (done) return
    }
  } finally {
    await ahead.catch(() => undefined)
    await iterator.close()
  }
}

/** Events `from` to `to` in batches. */
export async function* readEvents(
  database: LogDatabase,
  codec: RecordCodec,
  location: string,
  options: Required<Omit<ReadOptions, 'onDamage'>> & Pick<ReadOptions, 'onDamage'>,
  signal?: AbortSignal,
): AsyncGenerator<WeirEvent[]> {
  const { from, to, batchSize } = options
  let expected = from
  let batch: WeirEvent[] = []
  let damage: WeirError | undefined
  const report = (found: LogFinding): void => {
    if (options.onDamage !== undefined) options.onDamage(found)
    else damage = damaged(location, found)
  }
  if (from > to) return
  const storage = { onFailure: (cause: unknown) => unreadEvents(location, expected, to, cause) }
  reading: for await (const stored of guarded(storedGroups(database, from, to), storage)) {
    signal?.throwIfAborted()
    for (const { last, value } of stored) {
      const group = decodeGroup(value)
      if (group === undefined || group.last !== last || group.last < expected) {
        report(finding('altered', expected, Math.min(last, to), `the group that ends with event ${last} can't be read`))
        if (damage !== undefined) break reading
        expected = Math.max(expected, last + 1)
        continue
      }
      if (group.first > expected) {
        report(
          finding(
            'missing',
            expected,
            Math.min(group.first - 1, to),
            `events ${expected} to ${group.first - 1} are gone`,
          ),
        )
        if (damage !== undefined) break reading
        expected = group.first
      }
      const intact = groupIntact(value)
      for (let seq = expected; seq <= group.last && seq <= to; seq++) {
        const event = readRecord(group, seq, intact, codec, report)
        if (damage !== undefined) break reading
        if (event === undefined) continue
        batch.push(event)
        if (batch.length >= batchSize) {
          yield batch
          batch = []
        }
      }
      expected = group.last + 1
      if (expected > to) break reading
    }
  }
  if (batch.length > 0) yield batch
  if (damage === undefined && expected <= to) {
    report(finding('truncated', expected, to, `events ${expected} to ${to} are gone`))
  }
  if (damage !== undefined) throw damage
}

/** Hands on what a source gives; what that throws is thrown as something else. */
async function* guarded<Item>(
  source: AsyncIterable<Item>,
  { onFailure }: { onFailure(cause: unknown): unknown },
): AsyncGenerator<Item> {
  const items = source[Symbol.asyncIterator]()
  try {
    for (;;) {
      const next = await items.next().catch(cause => {
        throw onFailure(cause)
      })
      if (next.done === true) return
      yield next.value
    }
  } finally {
    await items.return?.()
  }
}

const unreadEvents = (location: string, from: number, to: number, cause: unknown): WeirError =>
  damaged(
    location,
    finding('unreadable', from, to, `the storage can't read event ${from}: ${(cause as Error).message}`),
  )

function readRecord(
  group: Group,
  seq: number,
  intact: boolean,
  codec: RecordCodec,
  report: (found: LogFinding) => void,
): WeirEvent | undefined {
  const index = seq - group.first
  if (!intact && !recordIntact(group, index)) {
    report(finding('altered', seq, seq, `event ${seq} isn't what was written`))
    return undefined
  }
  try {
    return codec.decode(group.value, seq, group.offsets[index], group.offsets[index + 1])
  } catch (error) {
    report(finding('undecodable', seq, seq, `event ${seq} can't be decoded: ${(error as Error).message}`))
    return undefined
  }
}

export function damaged(location: string, { kind, seq, message }: LogFinding): WeirError {
  return new WeirError('WEIR_LOG_DAMAGED', `the log at ${location} is damaged: ${message}`, {
    path: location,
    seq,
    damage: kind,
  })
}
