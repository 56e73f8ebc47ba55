import { unpack, pack } from 'msgpackr'

/** What is known of a window without reading its blocks. */
export interface FlowWindow {
  /** Numbers rise with time, whatever the clock does. */
  readonly number: number
  /** Earliest first packet and latest last packet of its rows, in milliseconds since the epoch. */
  readonly firstMs: number
  readonly lastMs: number
  readonly firstSeq: number
  readonly lastSeq: number
  readonly rows: number
  /** Blocks, and bytes that they take. */
  readonly parts: number
  readonly sizeBytes: number
}

const [blockMark, windowMark, metaMark] = [0x62, 0x77, 0x6d]

export const formatKey = Buffer.concat([Buffer.from([metaMark]), Buffer.from('format')])
export const format = Buffer.from('weir flows 1')

/** Sorts by window, then part. */
export function blockKey(window: number, part: number): Buffer {
  const key = Buffer.alloc(9)
  key[0] = blockMark
  key.writeUIntBE(window, 1, 6)
  key.writeUInt16BE(part, 7)
  return key
}

export const partOfKey = (key: Buffer): number => key.readUInt16BE(7)

export function windowKey(window: number): Buffer {
  const key = Buffer.alloc(7)
  key[0] = windowMark
  key.writeUIntBE(window, 1, 6)
  return key
}

export const allWindows: { readonly gte: Buffer; readonly lt: Buffer } = {
  gte: Buffer.from([windowMark]),
  lt: Buffer.from([windowMark + 1]),
}

export function encodeWindow(window: FlowWindow): Buffer {
  const { firstMs, lastMs, firstSeq, lastSeq, rows, parts, sizeBytes } = window
  return pack([firstMs, lastMs, firstSeq, lastSeq, rows, parts, sizeBytes])
}

/** Undefined when the value isn't what `encodeWindow` makes. */
export function decodeWindow(key: Buffer, value: Buffer): FlowWindow | undefined {
  let fields: unknown
  try {
    fields = unpack(value)
  } catch {
    return undefined
  }
  if (key.length !== 7 || !Array.isArray(fields) || fields.length !== 7 || !fields.every(Number.isSafeInteger))
    return undefined
  const [firstMs, lastMs, firstSeq, lastSeq, rows, parts, sizeBytes] = fields as [
    ...[number, number, number, number],
    ...[number, number, number],
  ]
  return { number: key.readUIntBE(1, 6), firstMs, lastMs, firstSeq, lastSeq, rows, parts, sizeBytes }
}
