import { type EventDraft, eventSchemaVersion, type WeirEvent } from '@weir/core/event/event.js'
import { type Upcast, upcastEvent } from '@weir/core/event/upcast.js'
import { WeirError } from '@weir/core/errors.js'
import { Packr, RESERVE_START_SPACE, RESET_BUFFER_MODE, REUSE_BUFFER_MODE } from 'msgpackr'
import { createBodyReader } from './body.js'
import { shapesOf } from './shapes.js'

/** Turns drafts into records and records into events. A record is the schema version (1 byte) and a msgpack body. */
export interface RecordCodec {
  /** The record lies in a buffer that the next call writes over. Throws `WEIR_EVENT_UNENCODABLE`. */
  encode(draft: EventDraft): Borrowed
  /** The record at `start` to `end` of `bytes`. Throws `WEIR_EVENT_VERSION`, or whatever msgpack makes of bytes that aren't a record. */
  decode(bytes: Buffer, seq: number, start?: number, end?: number): WeirEvent
  /** The record's body as its own version has it, for the export. */
  decodeRaw(record: Buffer): { readonly version: number; readonly body: unknown }
  /** The record that `decodeRaw` was given, as far as the body can tell. */
  encodeRaw(version: number, body: unknown): Buffer
}

/** Bytes `start` to `end` of `buffer`. */
export interface Borrowed {
  readonly buffer: Buffer
  readonly start: number
  readonly end: number
}

/** Start of the record that msgpackr leaves to us. */
const versionBytes = 1
const reserved = RESERVE_START_SPACE | versionBytes
/** One buffer for all: a Buffer object per record costs more than copying the record. */
const borrowed = reserved | REUSE_BUFFER_MODE | RESET_BUFFER_MODE

export function createRecordCodec(upcast: Upcast = upcastEvent, version = eventSchemaVersion): RecordCodec {
  const packers = new Map<number, Packr>()
  const packer = (of: number): Packr => {
    let found = packers.get(of)
    if (found === undefined) {
      found = createPacker(of)
      packers.set(of, found)
    }
    return found
  }
  const current = packer(version)
  const bodies = createBodyReader(shapesOf(version))

  // Bounds instead of a Buffer per record: msgpackr keeps what it needs of a source as long as it is the same.
  const bounds = { start: 0, end: 0 }
  const unpack = (bytes: Buffer, start: number, end: number): unknown => {
    const as = bytes[start] as number
    bounds.start = start + versionBytes
    bounds.end = end
    return (as === version ? current : packer(as)).unpack(bytes, bounds)
  }

  return {
    encode(draft) {
      try {
        const buffer = current.pack(draft, borrowed) as Buffer & { readonly start: number; readonly end: number }
        buffer[buffer.start] = version
        return { buffer, start: buffer.start, end: buffer.end }
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error)
        const kind = String(draft?.kind)
        throw new WeirError(
          'WEIR_EVENT_UNENCODABLE',
          `a ${kind} event can't be stored: ${reason}`,
          { kind, reason },
          { cause: error },
        )
      }
    },
    decode(bytes, seq, start = 0, end = bytes.length) {
      const as = bytes[start] as number
      if (as === version) {
        const event = bodies.read(bytes, start + versionBytes, end, seq)
        if (event !== undefined) return event as WeirEvent
      }
      const known = as > version ? undefined : unpack(bytes, start, end)
      const event = (as === version ? known : upcast(as, known)) as EventDraft & { seq: number }
      event.seq = seq
      return event
    },
    decodeRaw: record => ({ version: record[0] as number, body: unpack(record, 0, record.length) }),
    encodeRaw(as, body) {
      const record = packer(as).pack(body, reserved)
      record[0] = as
      return record
    },
  }
}

function createPacker(version: number): Packr {
  const shapes = shapesOf(version)
  const firstNames = new Set(shapes.map(shape => shape[0]))
  return new Packr({
    // Given as loaded structures and not as `structures`: only then do those past the 32nd get their second byte.
    getStructures: () => shapes,
    maxSharedStructures: shapes.length,
    maxOwnStructures: 32,
    // Only objects that may have a listed shape are looked up in the list. The others are mostly labels: written as
    // maps, they cost neither a definition nor a reader each.
    useRecords: (object: object) => {
      for (const name in object) return firstNames.has(name)
      return false
    },
    mapsAsObjects: true,
  } as ConstructorParameters<typeof Packr>[0])
}
