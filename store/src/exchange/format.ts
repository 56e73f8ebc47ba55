import type { ExportedFlow } from '../flows/exported-flow.js'
import type { LogOrigin } from '../log/origin.js'

/**
 * An exported log: NDJSON, one header line and one line per event.
 *
 *     {"weir":"event log","format":1,"schemaVersion":1,"first":1,"previous":"00…","head":{"seq":2,"hash":"ab…"}}
 *     {"seq":1,"event":{"kind":"namespace.upserted",…}}
 *     {"seq":2,"event":{…},"chain":"ab…"}
 *
 * Events are as they were stored: `version` stands beside one of another schema version than the header's. `chain` is the
 * hash of the group that ends there. `record` (base64) replaces `event` where JSON can't tell all of the record.
 */
export const exportName = 'event log'
export const exportFormat = 1

/** A log whose first events were compacted: so it says in its header, and the state at its base follows the header. */
export const exportFormatWithBase = 2

/** A part of another log, with a chain of its own: its header says of which. */
export const exportFormatWithOrigin = 3

/** The state at the base, in pieces: base64 of a part of what `v8.serialize` makes of it. */
export interface ExportStateLine {
  readonly state: string
}

export interface ExportHeader {
  readonly weir: typeof exportName
  readonly format: number
  readonly schemaVersion: number
  readonly first: number
  /** Chain hash before the first event. */
  readonly previous: string
  readonly head: { readonly seq: number; readonly hash: string }
  /** When the events before `first` were compacted; format 2 alone. */
  readonly compactedAt?: number
  /** SHA-256 of the state at the base, hex; format 2 alone. */
  readonly stateDigest?: string
  /** Format 3 alone. */
  readonly origin?: LogOrigin
}

export interface ExportLine {
  readonly seq: number
  readonly version?: number
  readonly event?: unknown
  readonly record?: string
  readonly chain?: string
}

/** Behind the events of a part of a log, where its header says that there are some. */
export interface ExportFlowLine {
  readonly flow: ExportedFlow
}
