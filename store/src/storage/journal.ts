import { storedCrc } from './crc32c.js'

/**
 * LevelDB's journals: what it writes before a table holds it (`NNNNNN.log`), and its list of tables (`MANIFEST-NNNNNN`).
 *
 * A file is blocks of 32 KiB; a record lies in one of them or goes on in the next ones:
 *
 *     offset  size  what
 *          0     4  masked CRC-32C of type and data
 *          4     2  length of the data
 *          6     1  type: 1 whole, 2 first part, 3 middle part, 4 last part
 *          7     …  data
 *
 * Numbers are little-endian. LevelDB leaves out what it can't read there without a word, so whoever wants to know looks
 * here first.
 */
export interface JournalScan {
  /** Data of the records before the first fault. */
  readonly records: readonly Buffer[]
  /** `torn`: it ends within a record. `altered`: bytes that LevelDB never wrote so. */
  readonly fault?: { readonly kind: 'torn' | 'altered'; readonly offset: number }
}

const blockBytes = 32 << 10
const headerBytes = 7

/** @param isContinued it is the rest of a journal: what a record before it left there is passed over */
export function scanJournal(bytes: Buffer, isContinued = false): JournalScan {
  const records: Buffer[] = []
  let parts: Buffer[] | undefined
  let recordAt = 0
  const torn = (offset: number): JournalScan => ({ records, fault: { kind: 'torn', offset } })
  const altered = (offset: number): JournalScan => ({ records, fault: { kind: 'altered', offset } })
  let at = 0
  while (at < bytes.length) {
    const left = blockBytes - (at % blockBytes)
    if (left < headerBytes) {
      if (bytes.subarray(at, at + left).some(byte => byte !== 0)) return altered(at)
      at += left
      continue
    }
    if (bytes.length - at < headerBytes) return torn(parts === undefined ? at : recordAt)
    const length = bytes.readUInt16LE(at + 4)
    const type = bytes[at + 6] as number
    const end = at + headerBytes + length
    // A file system that lost power leaves a file that is longer than what reached it.
    if (type === 0 && length === 0 && bytes.subarray(at).every(byte => byte === 0)) return torn(at)
    if (type < 1 || type > 4 || headerBytes + length > left) return altered(at)
    if (end > bytes.length) return torn(parts === undefined ? at : recordAt)
    if (bytes.readUInt32LE(at) !== storedCrc(bytes.subarray(at + 6, end))) return altered(at)
    const begins = type === 1 || type === 2
    if (isContinued && !begins && parts === undefined) {
      at = end
      continue
    }
    if (begins !== (parts === undefined)) return altered(at)
    if (begins) {
      parts = []
      recordAt = at
    }
    parts?.push(bytes.subarray(at + headerBytes, end))
    if (type === 1 || type === 4) {
      records.push(Buffer.concat(parts ?? []))
      parts = undefined
    }
    at = end
  }
  return parts === undefined ? { records } : torn(recordAt)
}

/** Every record that can be read: behind a fault those from the next block on. */
export function* readableRecords(bytes: Buffer): Generator<Buffer> {
  for (let from = 0; from < bytes.length; ) {
    const { records, fault } = scanJournal(bytes.subarray(from), from > 0)
    yield* records
    if (fault === undefined) return
    from += (Math.floor(fault.offset / blockBytes) + 1) * blockBytes
  }
}
