import { masked, withByte } from './crc32c.js'
import { Fields } from './fields.js'
import { entryKinds, type StoredEntry } from './stored-entry.js'
import { type BlockEntry, type BlockPlace, endOf, entriesOfBlock, isIntact, trailerBytes } from './table-block.js'

/**
 * LevelDB's tables (`NNNNNN.ldb`), which it writes once:
 *
 *     blocks of entries, by rising key
 *     blocks about them: a filter, then the index of such blocks
 *     the index: a key that no entry of the block goes beyond, and where the block is
 *     48 bytes: where the last two are, as varints filled up with zeros to 40, and a mark
 *
 * LevelDB checks no checksum of what it reads unless it is told to, which the library can't: an altered byte gives it keys
 * that it takes for a mistake of its own, and then it ends the process. So whoever may have to do with altered tables
 * looks here first.
 */
export const footerBytes = 48
const placesBytes = 40
const mark = 0xdb4775248b80fb57n

interface Layout {
  readonly index: BlockPlace
  /** The index of blocks that hold no entries. */
  readonly about: BlockPlace
}

/** Undefined where the end of a file isn't that of a table. @param end the last bytes of a file of `size` bytes */
function layoutIn(end: Buffer, size: number): Layout | undefined {
  if (end.length < footerBytes) return undefined
  const footer = end.subarray(end.length - footerBytes)
  if (footer.readBigUInt64LE(placesBytes) !== mark) return undefined
  const fields = new Fields(footer.subarray(0, placesBytes))
  const [about, index] = [placeIn(fields), placeIn(fields)]
  const isFilled = footer.subarray(fields.at, placesBytes).every(byte => byte === 0)
  const isWhole = endOf(about) === index.offset && endOf(index) === size - footerBytes
  return isFilled && !fields.overrun && isWhole ? { index, about } : undefined
}

const placeIn = (fields: Fields): BlockPlace => ({ offset: fields.number(), size: fields.number() })

const placeOf = ({ value }: BlockEntry): BlockPlace => placeIn(new Fields(value))

/** Where the two indexes of a table begin, by its last 48 bytes; undefined of what doesn't end as one. */
export const indexesFrom = (end: Buffer, size: number): number | undefined => layoutIn(end, size)?.about.offset

/** Whether the end of a table, from where its indexes begin, is as it was written. */
export function hasSoundIndexes(end: Buffer, size: number): boolean {
  const layout = layoutIn(end, size)
  if (layout === undefined) return false
  const skipped = size - end.length
  return [layout.about, layout.index].every(place => isIntact(end, { ...place, offset: place.offset - skipped }))
}

/** Where the first block begins that isn't as it was written; undefined of a sound table. */
export function tableFault(table: Buffer): number | undefined {
  const layout = layoutIn(table, table.length)
  if (layout === undefined) return Math.max(0, table.length - footerBytes)
  for (const place of [layout.about, layout.index]) if (!isIntact(table, place)) return place.offset
  const places = [layout.index, layout.about].flatMap(index => [...entriesOfBlock(table, index)].map(placeOf))
  let expected = 0
  for (const place of places) {
    if (place.offset !== expected || !isIntact(table, place)) return expected
    expected = endOf(place)
  }
  return expected === layout.about.offset ? undefined : expected
}

/** What can be read of a table that may be cut or altered. Of an altered block it is what still looks like entries. */
export function* readableEntries(table: Buffer): Generator<StoredEntry> {
  for (const place of entryBlocks(table)) yield* sensible(entriesOfBlock(table, place))
}

/** By the index; where that can't be read, those that follow one another from the first on. */
function* entryBlocks(table: Buffer): Generator<BlockPlace> {
  const layout = layoutIn(table, table.length)
  if (layout !== undefined && isIntact(table, layout.index)) {
    for (const entry of entriesOfBlock(table, layout.index)) yield placeOf(entry)
    return
  }
  for (let offset = 0; ; ) {
    const place = blockFrom(table, offset)
    if (place === undefined || isIndex(table, place)) return
    yield place
    offset = endOf(place)
  }
}

/** The block that begins there, told by its checksum: nothing else says where it ends. */
function blockFrom(table: Buffer, offset: number): BlockPlace | undefined {
  let crc = 0xffffffff
  for (let at = offset; at + trailerBytes <= table.length; at++) {
    crc = withByte(crc, table[at] as number)
    if (at > offset && masked(crc) === table.readUInt32LE(at + 1)) return { offset, size: at - offset }
  }
  return undefined
}

/** An index has places, one behind the other. */
function isIndex(table: Buffer, block: BlockPlace): boolean {
  let expected: number | undefined
  for (const entry of entriesOfBlock(table, block)) {
    const place = placeOf(entry)
    if ((expected ?? place.offset) !== place.offset || endOf(place) > block.offset) return false
    expected = endOf(place)
  }
  return expected !== undefined
}

const numberBytes = 8

/** Entries as they may stand in a table: by rising key, each key with a number and a kind behind it. */
function* sensible(entries: Iterable<BlockEntry>): Generator<StoredEntry> {
  let before: StoredEntry | undefined
  for (const { key, value } of entries) {
    if (key.length < numberBytes) return
    const number = key.readBigUInt64LE(key.length - numberBytes)
    const kind = Number(number & 0xffn)
    if (kind > entryKinds.value) return
    const entry = {
      key: key.subarray(0, key.length - numberBytes),
      seq: Number(number >> 8n),
      value: kind === entryKinds.value ? value : undefined,
    }
    if (before !== undefined && !isAfter(entry, before)) return
    yield entry
    before = entry
  }
}

function isAfter(entry: StoredEntry, before: StoredEntry): boolean {
  const order = Buffer.compare(entry.key, before.key)
  return order > 0 || (order === 0 && entry.seq < before.seq)
}
