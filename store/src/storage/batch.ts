import { Fields } from './fields.js'
import { entryKinds, type StoredEntry } from './stored-entry.js'

const headerBytes = 12

/**
 * What a record of LevelDB's journal says: the sequence number of its first entry (8 bytes, little-endian), how many there
 * are (4), then each with its kind, its key and, unless it is a deletion, its value. Ends at what isn't written so.
 */
export function* entriesOfBatch(record: Buffer): Generator<StoredEntry> {
  if (record.length < headerBytes) return
  let seq = Number(record.readBigUInt64LE(0))
  const fields = new Fields(record, headerBytes)
  while (!fields.done) {
    const kind = fields.byte()
    const key = fields.text()
    const value = kind === entryKinds.value ? fields.text() : undefined
    if (kind > entryKinds.value || fields.overrun) return
    yield { key, seq: seq++, value }
  }
}
