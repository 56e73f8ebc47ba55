import { serialize } from 'node:v8'
import { eventSchemaVersion } from '@weir/core/event/event.js'
import { finding } from '../log/finding.js'
import { decodeGroup, groupIntact, recordOf } from '../log/group.js'
import { sha256Hex } from '../log/hash.js'
import { baseSnapshotName, type LogBase } from '../log/base.js'
import type { LogOrigin } from '../log/origin.js'
import type { LogHead } from '../log/head.js'
import { damaged, storedGroups } from '../log/reader.js'
import type { RecordCodec } from '../log/record.js'
import type { LogDatabase } from '../storage/storage.js'
import {
  exportFormat,
  exportFormatWithBase,
  exportFormatWithOrigin,
  type ExportHeader,
  type ExportLine,
  exportName,
  type ExportStateLine,
} from './format.js'
import type { Snapshots } from '../snapshots/snapshots.js'

/** Where an export begins. */
export interface ExportStart {
  /** After this event, which ends a group. */
  readonly base: LogBase
  /** The state there, as `compact` takes it; absent: the log begins there itself. */
  readonly state?: unknown
  /** What the log was cut from, of a log that was. */
  readonly origin?: LogOrigin | undefined
}

/** A multiple of three: no line is padded. */
const stateBytesPerLine = 3 << 18

/**
 * The log as text, some lines at a time; each ends with a newline. Throws `WEIR_LOG_DAMAGED` at the first group that isn't
 * what was written: an export stands for the log, so it is whole or it ends in an error.
 */
export async function* exportLog(
  database: LogDatabase,
  codec: RecordCodec,
  location: string,
  snapshots: Snapshots,
  start: ExportStart,
  head: LogHead,
): AsyncGenerator<string> {
  const { base, origin } = start
  const state =
    base.seq === 0
      ? undefined
      : start.state === undefined
        ? await stateAtBase(snapshots, location, base)
        : serialize(start.state)
  const header: ExportHeader = {
    weir: exportName,
    format: origin !== undefined ? exportFormatWithOrigin : state === undefined ? exportFormat : exportFormatWithBase,
    schemaVersion: eventSchemaVersion,
    first: base.seq + 1,
    previous: base.hash,
    head,
    ...(state !== undefined && { compactedAt: base.time, stateDigest: sha256Hex(state) }),
    ...(origin !== undefined && { origin }),
  }
  yield `${JSON.stringify(header)}\n`
  for (let at = 0; state !== undefined && at < state.length; at += stateBytesPerLine) {
    const line: ExportStateLine = { state: state.toString('base64', at, at + stateBytesPerLine) }
    yield `${JSON.stringify(line)}\n`
  }
  let next = base.seq + 1
  let previous = base.hash
  if (head.seq <= base.seq) return
  for await (const stored of storedGroups(database, base.seq + 1, head.seq)) {
    let text = ''
    for (const { last, value } of stored) {
      if (last > head.seq) break
      const group = decodeGroup(value)
      if (group === undefined || group.first !== next || group.previous !== previous || !groupIntact(value)) {
        throw damaged(location, finding('altered', next, last, `events ${next} to ${last} aren't what was written`))
      }
      for (let seq = group.first; seq <= last; seq++) {
        const chain = seq === last ? group.hash : undefined
        text += `${JSON.stringify(lineOf(codec, seq, recordOf(group, seq - group.first), chain))}\n`
      }
      next = last + 1
      previous = group.hash
    }
    yield text
  }
  if (next <= head.seq) {
    throw damaged(location, finding('truncated', next, head.seq, `events ${next} to ${head.seq} are gone`))
  }
}

async function stateAtBase(snapshots: Snapshots, location: string, { seq }: LogBase): Promise<Buffer> {
  const found = await snapshots.latest(baseSnapshotName, { atOrBefore: seq })
  if (found?.seq === seq) return serialize(found.state)
  throw damaged(location, finding('missing', seq, seq, `the state after event ${seq} is gone`))
}

function lineOf(codec: RecordCodec, seq: number, record: Buffer, chain: string | undefined): ExportLine {
  const end = chain === undefined ? {} : { chain }
  try {
    const { version, body } = codec.decodeRaw(record)
    // What JSON drops or bends (undefined, NaN, bytes) shows when the record is made again from it.
    if (codec.encodeRaw(version, JSON.parse(JSON.stringify(body))).equals(record)) {
      return version === eventSchemaVersion ? { seq, event: body, ...end } : { seq, version, event: body, ...end }
    }
  } catch {
    // A record of a later version: it goes out as it is.
  }
  return { seq, record: record.toString('base64'), ...end }
}
