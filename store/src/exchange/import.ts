import { WeirError } from '@weir/core/errors.js'
import { deserialize } from 'node:v8'
import { type LogOrigin, writeOrigin } from '../log/origin.js'
import { baseSnapshotName, type LogBase, noBase, writeBase } from '../log/base.js'
import { sha256Hex } from '../log/hash.js'
import { type ExportedFlow, parseExportedFlow } from '../flows/exported-flow.js'
import { encodeGroup } from '../log/group.js'
import { encodeHead, type LogHead } from '../log/head.js'
import { binary, durably, groupKey, headKey, importKey } from '../log/keys.js'
import { clearEvents } from '../log/open.js'
import type { RecordCodec } from '../log/record.js'
import type { LogDatabase } from '../storage/storage.js'
import {
  exportFormat,
  exportFormatWithBase,
  exportFormatWithOrigin,
  type ExportFlowLine,
  type ExportHeader,
  type ExportLine,
  exportName,
  type ExportStateLine,
} from './format.js'
import type { Snapshots } from '../snapshots/snapshots.js'
import { writeFailed } from '../log/failure.js'
import { splitLines } from './lines.js'

/** What an import made of the log. */
export interface Imported {
  readonly head: LogHead
  readonly base: LogBase
  readonly origin: LogOrigin | undefined
}

/** Groups per synced batch. */
const batchGroups = 64

/**
 * Fills an empty log from an export: same numbers, same groups, same hashes. Returns where it begins and ends.
 *
 * All or nothing: a mark says that an import is under way, and a log opened with that mark is emptied first. Throws
 * `WEIR_IMPORT_INVALID` with the line.
 */
export async function importLog(
  database: LogDatabase,
  codec: RecordCodec,
  location: string,
  snapshots: Snapshots,
  chunks: AsyncIterable<string> | Iterable<string>,
  onFlow: (flow: ExportedFlow) => void,
): Promise<Imported> {
  try {
    await database
      .batch()
      .put(importKey, Buffer.from([1]), binary)
      .write(durably)
    return await fill(database, codec, snapshots, chunks, onFlow)
  } catch (error) {
    // Where this fails too, the mark stays, and the next opening clears.
    await clearEvents(database).catch(() => undefined)
    throw isStorageError(error) ? writeFailed(location, 0, 'import', error) : error
  }
}

const isStorageError = (error: unknown): boolean => String((error as { code?: unknown })?.code).startsWith('LEVEL_')

async function fill(
  database: LogDatabase,
  codec: RecordCodec,
  snapshots: Snapshots,
  chunks: AsyncIterable<string> | Iterable<string>,
  onFlow: (flow: ExportedFlow) => void,
): Promise<Imported> {
  const state: Buffer[] = []
  let header: ExportHeader | undefined
  let flows = 0
  let head: LogHead = { seq: 0, hash: '' }
  let records: Buffer[] = []
  let batch = database.batch()
  for await (const { line, text } of splitLines(chunks)) {
    if (header === undefined) {
      header = parseHeader(line, text)
      head = { seq: header.first - 1, hash: header.previous }
      continue
    }
    const parsed = parse(line, text) as ExportLine & Partial<ExportStateLine & ExportFlowLine>
    if (parsed?.flow !== undefined && flows < (header.origin?.flows ?? 0) && head.seq === header.head.seq) {
      const flow = parseExportedFlow(parsed.flow)
      if (flow === undefined) throw invalid(line, "this isn't a recorded flow")
      flows += 1
      onFlow(flow)
      continue
    }
    if (parsed?.state !== undefined && header.first > 1 && head.seq === header.first - 1 && records.length === 0) {
      state.push(Buffer.from(String(parsed.state), 'base64'))
      continue
    }
    const seq = head.seq + records.length + 1
    if (parsed?.seq !== seq) throw invalid(line, `event ${seq} is expected here`)
    records.push(recordOf(codec, line, parsed, header.schemaVersion))
    if (parsed.chain === undefined) continue
    const { value, hash } = encodeGroup(
      head.seq + 1,
      head.hash,
      records.map(record => record.length),
      records,
    )
    if (hash !== parsed.chain)
      throw invalid(line, `events ${head.seq + 1} to ${seq} don't give the hash that stands here`)
    head = { seq, hash }
    records = []
    batch.put(groupKey(seq), value, binary)
    if (batch.length < batchGroups) continue
    await batch.write(durably)
    batch = database.batch()
  }
  if (header === undefined) throw invalid(1, 'there is no header')
  if (records.length > 0 || head.seq !== header.head.seq || head.hash !== header.head.hash) {
    throw invalid(header.head.seq + 1, `the export is cut off: its head is event ${header.head.seq}`)
  }
  if (flows < (header.origin?.flows ?? 0))
    throw invalid(header.head.seq + 1, 'the export is cut off: flows are missing')
  if (head.seq > 0) batch.put(headKey, encodeHead(head), binary)
  const base = header.first === 1 ? noBase : await importBase(database, snapshots, header, state, head)
  const origin = withoutFlows(header.origin)
  if (origin !== undefined) await writeOrigin(database, origin)
  await batch.del(importKey, binary).write(durably)
  return { head, base, origin }
}

async function importBase(
  database: LogDatabase,
  snapshots: Snapshots,
  header: ExportHeader,
  state: readonly Buffer[],
  head: LogHead,
): Promise<LogBase> {
  const base = { seq: header.first - 1, hash: header.previous, time: header.compactedAt ?? 0 }
  const bytes = Buffer.concat(state)
  if (sha256Hex(bytes) !== header.stateDigest)
    throw invalid(2, `the state after event ${base.seq} isn't what was written`)
  await snapshots.put(baseSnapshotName, base.seq, deserialize(bytes), () => head)
  await writeBase(database, base)
  return base
}

function parseHeader(line: number, text: string): ExportHeader {
  const header = parse(line, text) as Partial<ExportHeader> | null
  if (header?.weir !== exportName) throw invalid(line, "this isn't an exported event log")
  const { format, first } = header
  if (format !== exportFormat && format !== exportFormatWithBase && format !== exportFormatWithOrigin)
    throw invalid(line, `format ${format} isn't known, only ${exportFormat} to ${exportFormatWithOrigin}`)
  if (format === exportFormatWithOrigin && !isOrigin(header.origin))
    throw invalid(line, "what the log was cut from isn't told in full")
  const hasBase = format === exportFormatWithBase || (format === exportFormatWithOrigin && first !== 1)
  if (!Number.isSafeInteger(first) || (hasBase ? first! < 2 : first !== 1))
    throw invalid(line, `the export starts with event ${first}${hasBase ? '' : ', not 1'}`)
  const { schemaVersion, previous, head } = header
  if (typeof schemaVersion !== 'number' || typeof head?.seq !== 'number' || typeof head.hash !== 'string') {
    throw invalid(line, 'the header lacks its schema version or its head')
  }
  if (hasBase && !/^[0-9a-f]{64}$/.test(String(previous))) throw invalid(line, "the chain's start is missing")
  if (!hasBase && !/^0{64}$/.test(String(previous))) throw invalid(line, 'the chain must start from zeros')
  return header as ExportHeader
}

/** They are no part of the log. */
function withoutFlows(told: LogOrigin | undefined): LogOrigin | undefined {
  if (told === undefined) return undefined
  const { flows: _, ...origin } = told
  return origin
}

function isOrigin(origin: LogOrigin | undefined): boolean {
  const { seqs, stateEvents, first, last, flow } = origin ?? {}
  return (
    Array.isArray(seqs) &&
    seqs.every(seq => Number.isSafeInteger(seq)) &&
    [stateEvents, first, last].every(number => Number.isSafeInteger(number)) &&
    [flow?.from, flow?.to].every(word => typeof word === 'string')
  )
}

function recordOf(codec: RecordCodec, line: number, parsed: ExportLine, schemaVersion: number): Buffer {
  if (typeof parsed.record === 'string') return Buffer.from(parsed.record, 'base64')
  const version = parsed.version ?? schemaVersion
  if (!Number.isInteger(version) || version < 0 || version > 255 || typeof parsed.event !== 'object') {
    throw invalid(line, 'there is neither an event nor a record')
  }
  // The next record may go over this one's buffer otherwise.
  return Buffer.from(codec.encodeRaw(version, parsed.event))
}

function parse(line: number, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw invalid(line, (error as Error).message)
  }
}

function invalid(line: number, reason: string): WeirError {
  return new WeirError('WEIR_IMPORT_INVALID', `line ${line}: ${reason}`, { line, reason })
}
