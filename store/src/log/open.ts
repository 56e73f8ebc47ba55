import { WeirError } from '@weir/core/errors.js'
import type { LogDatabase, LogStorage } from '../storage/storage.js'
import { finding, type LogFinding } from './finding.js'
import { decodeGroup, type Group, groupIntact } from './group.js'
import { decodeHead, emptyHead, type LogHead } from './head.js'
import { binary, durably, format, formatKey, groupKey, headKey, importKey, lastOfGroupKey, maxSeq } from './keys.js'

/** A database made ready: its head as far as it can be told, and what is wrong with its end. */
export async function openDatabase(
  database: LogDatabase,
  storage: LogStorage,
): Promise<{ readonly head: LogHead; readonly findings: readonly LogFinding[] }> {
  const stored = await database.get<Buffer, Buffer>(formatKey, binary)
  if (stored === undefined) {
    if (storage.readOnly || !(await isEmpty(database))) throw notALog(storage.location, 'it lacks the mark of a log')
    await database.batch().put(formatKey, format, binary).write(durably)
  } else if (!format.equals(stored)) {
    throw notALog(storage.location, `its layout is '${stored.toString('latin1').slice(0, 40)}', not '${format}'`)
  }
  // An import that was cut off left something that was never a log; nobody was told that it is one.
  if ((await database.get(importKey, binary)) !== undefined) await clearEvents(database)
  return findHead(database)
}

/** Removes all events; the log is as new. */
export async function clearEvents(database: LogDatabase): Promise<void> {
  await database.clear({ gte: groupKey(0), lte: groupKey(maxSeq), ...binary })
  await database.batch().del(headKey, binary).del(importKey, binary).write(durably)
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
  const last = lastOfGroupKey(entry[0])
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
  if (recorded === undefined) return [finding('chain', last, last, 'the record of the head is gone or unreadable')]
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

function notALog(path: string, reason: string): WeirError {
  return new WeirError('WEIR_LOG_UNREADABLE', `${path} isn't a log that this build can open: ${reason}`, {
    path,
    reason,
  })
}
