/**
 * The key space. Groups sort by their last sequence number, so the group that holds event n is the first one at or
 * after n: one seek, no index.
 */
const groupPrefix = 0x65
const metaPrefix = 0x6d
export const snapshotPrefix = 0x73
const timePrefix = 0x74

export const maxSeq = 2 ** 48 - 1

/** Key of the group whose last event is `last`. 7 bytes. */
export const groupKey = (last: number): Buffer => keyOf(groupPrefix, last)

/** Key of the mark of time at the group whose last event is `last`. 7 bytes. */
export const timeKey = (last: number): Buffer => keyOf(timePrefix, last)

/** The last sequence number that a group's key promises, or that of a mark of time. */
export const lastOfKey = (key: Buffer): number => key.readUIntBE(1, 6)

function keyOf(prefix: number, last: number): Buffer {
  const key = Buffer.allocUnsafe(7)
  key[0] = prefix
  key.writeUIntBE(last, 1, 6)
  return key
}

const metaKey = (name: string): Buffer => Buffer.concat([Buffer.from([metaPrefix]), Buffer.from(name)])

/** Names the layout, so that another one is refused and not misread. */
export const formatKey = metaKey('format')
/** Sequence number and chain hash of the newest group, written in its batch. */
export const headKey = metaKey('head')
/** Where the log begins, once its first events were compacted. */
export const baseKey = metaKey('base')
/** What the log was cut from, if it was. */
export const originKey = metaKey('origin')
/** Present while an import is under way: what is there then is not a log yet. */
export const importKey = metaKey('import')

export const format = Buffer.from('weir log 1')

/** Every operation names its encodings: the database handed in may default to others. */
export const binary = { keyEncoding: 'buffer', valueEncoding: 'buffer' } as const
/** LevelDB answers after fsync; databases without a disk ignore it. */
export const durably: { readonly sync: boolean } = { sync: true }
