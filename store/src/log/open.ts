import { WeirError, type WeirErrorPayloads } from '@weir/core/errors.js'
import type { LogDatabase, LogStorage } from '../storage/storage.js'
import { finding, type LogFinding } from './finding.js'
import { writeFailed } from './failure.js'
import { decodeGroup, type Group, groupIntact } from './group.js'
import { dropCompacted, type LogBase, noBase, readBase } from './base.js'
import { type LogOrigin, readOrigin } from './origin.js'
import { decodeHead, emptyHead, type LogHead } from './head.js'
import {
  baseKey,
  binary,
  durably,
  format,
  formatKey,
  groupKey,
  headKey,
  importKey,
  lastOfKey,
  maxSeq,
  originKey,
  timeKey,
} from './keys.js'

/** A database made ready: its head as far as it can be told, and what is wrong with its end. */
export interface OpenedDatabase {
  readonly head: LogHead
  readonly base: LogBase
  readonly origin: LogOrigin | undefined
  readonly findings: readonly LogFinding[]
}

export async function openDatabase(
  database: LogDatabase,
  storage: Pick<LogStorage, 'location' | 'readOnly'>,
): Promise<OpenedDatabase> {
  const stored = await database.get<Buffer, Buffer>(formatKey, binary)
  if (stored === undefined && !storage.readOnly && (await isEmpty(database))) {
    await orFailed(storage, 'mark of a new log', database.batch().put(formatKey, format, binary).write(durably))
  } else if (stored === undefined || !format.equals(stored)) await refuseOthers(database, storage, stored)
  // An import that was cut off left something that was never a log; nobody was told that it is one.
  if ((await database.get(importKey, binary)) !== undefined)
    await orFailed(storage, 'end of a broken import', clearEvents(database))
  const base = await readBase(database)
  const recorded = await readOrigin(database)
  const origin = recorded === 'unreadable' ? undefined : recorded
  const { head, findings: atHead } = await findHead(database)
  const unread = finding('mark', 1, 1, 'the record of what the log was cut from is unreadable')
  const findings = recorded === 'unreadable' ? [unread, ...atHead] : atHead
  if (base !== 'unreadable') {
    // A crash may have come between saying what is gone and deleting it.
    if (!storage.readOnly) await orFailed(storage, 'end of a compaction', dropCompacted(database, base), head.seq)
    return { head, base, origin, findings }
  }
  const first = await firstEvent(database)
  const lost = finding('mark', 1, Math.max(1, first - 1), 'the record of where the log begins is unreadable')
  return { head, base: { ...noBase, seq: first - 1, hash: '' }, origin, findings: [lost, ...findings] }
}

/** @throws WeirError WEIR_LOG_WRITE_FAILED where the storage refuses. */
async function orFailed(
  { location }: Pick<LogStorage, 'location'>,
  what: string,
  writing: Promise<void>,
  durable = 0,
): Promise<void> {
  try {
    await writing
  } catch (cause) {
    throw writeFailed(location, durable, what, cause)
  }
}

/** The first event that is still there. */
async function firstEvent(database: LogDatabase): Promise<number> {
  const range = { gte: groupKey(0), lte: groupKey(maxSeq), limit: 1, ...binary }
  const [value] = await database.values<Buffer, Buffer>(range).all()
  return (value === undefined ? undefined : decodeGroup(value)?.first) ?? 1
}

/** What a log that is only read may lack: its events show what it is. */
async function refuseOthers(
  database: LogDatabase,
  storage: Pick<LogStorage, 'location' | 'readOnly'>,
  mark: Buffer | undefined,
): Promise<void> {
  const text = mark?.toString('latin1').slice(0, 40)
  if (text !== undefined && otherLayout.test(text))
    throw notALog(storage.location, 'version', `its layout is '${text}', not '${format}'`)
  if (storage.readOnly && (await holdsGroups(database))) return
  if (await isEmpty(database)) throw notALog(storage.location, 'no-log', 'the database in it is empty')
  throw notALog(storage.location, 'foreign', 'the database in it lacks the mark of a log: something else made it')
}

const otherLayout = /^weir log \d+$/

/** Any of the first groups is whole. */
async function holdsGroups(database: LogDatabase): Promise<boolean> {
  const range = { gte: groupKey(0), lte: groupKey(maxSeq), limit: 16, ...binary }
  const values = await database
    .values<Buffer, Buffer>(range)
    .all()
    .catch((): Buffer[] => [])
  return values.some(value => decodeGroup(value) !== undefined && groupIntact(value))
}

/** Whether the mark that names the layout is as this build writes it. */
export async function hasMark(database: LogDatabase): Promise<boolean> {
  const mark = await database.get<Buffer, Buffer>(formatKey, binary).catch(() => undefined)
  return mark !== undefined && format.equals(mark)
}

/** Removes all events; the log is as new. */
export async function clearEvents(database: LogDatabase): Promise<void> {
  await database.clear({ gte: groupKey(0), lte: groupKey(maxSeq), ...binary })
  await database.clear({ gte: timeKey(0), lte: timeKey(maxSeq), ...binary })
  await database
    .batch()
    .del(headKey, binary)
    .del(baseKey, binary)
    .del(originKey, binary)
    .del(importKey, binary)
    .write(durably)
}

/** The newest group of the log and what contradicts it. */
export async function findHead(
  database: LogDatabase,
): Promise<{ readonly head: LogHead; readonly findings: readonly LogFinding[] }> {
  const entries = await database
    .iterator<Buffer, Buffer>({ gte: groupKey(0), lte: groupKey(maxSeq), reverse: true, limit: 1, ...binary })
    .all()
  const record = await database.get<Buffer, Buffer>(headKey, binary)
  const recorded = record === undefined ? undefined : decodeHead(record)
  const entry = entries[0]
  if (entry === undefined) {
    if (record === undefined) return { head: emptyHead, findings: [] }
    const last = recorded?.seq ?? 1
    return { head: emptyHead, findings: [finding('truncated', 1, last, `events 1 to ${last} are gone`)] }
  }
  const last = lastOfKey(entry[0])
  const group = decodeGroup(entry[1])
  if (group === undefined || group.last !== last) {
    const head = recorded?.seq === last ? recorded : { seq: last, hash: emptyHead.hash }
    return { head, findings: [finding('altered', last, last, `the group that ends with event ${last} can't be read`)] }
  }
  return { head: { seq: last, hash: group.hash }, findings: contradictions(entry[1], group, recorded) }
}

function contradictions(value: Buffer, group: Group, recorded: LogHead | undefined): LogFinding[] {
  const { first, last, hash } = group
  if (!groupIntact(value))
    return [finding('altered', first, last, `events ${first} to ${last} aren't what was written`)]
  if (recorded === undefined) return [finding('mark', last, last, 'the record of the head is gone or unreadable')]
  if (recorded.seq > last) {
    return [finding('truncated', last + 1, recorded.seq, `events ${last + 1} to ${recorded.seq} are gone`)]
  }
  if (recorded.seq < last || recorded.hash !== hash) {
    return [finding('chain', last, last, `event ${last} isn't the recorded head (${recorded.seq})`)]
  }
  return []
}

async function isEmpty(database: LogDatabase): Promise<boolean> {
  return (await database.keys({ limit: 1 }).all()).length === 0
}

function notALog(
  path: string,
  kind: WeirErrorPayloads['WEIR_LOG_UNREADABLE']['kind'],
  reason: string,
): WeirError<'WEIR_LOG_UNREADABLE'> {
  return new WeirError('WEIR_LOG_UNREADABLE', `${path} isn't a log that this build can open: ${reason}`, {
    path,
    reason,
    kind,
  })
}
