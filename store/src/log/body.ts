/**
 * Reads what msgpackr wrote, the everyday part of it: listed shapes, maps, lists, ASCII text, numbers, booleans, null.
 *
 * A replay spends its time on text: each event brings names, labels and addresses that were there before. Here equal
 * text becomes one string, which saves making it, hashing it at the next lookup and moving it at the next collection.
 */
export interface BodyReader {
  /**
   * The event whose body lies at `start` to `end`, with its `seq`; undefined when there is anything in it that only the
   * library reads.
   */
  read(bytes: Buffer, start: number, end: number, seq: number): unknown
}

type Read = () => unknown
/** Without the checks of `toString`, which take as long as making the string. */
type Latin1 = { latin1Slice(start: number, end: number): string }

const slots = 1 << 15
/** Longer text is hardly ever there twice. */
const longestKept = 32
const wordsPerSlot = longestKept / 4
/** What counts of a word of which only so many bytes belong to the text. */
const masks = Int32Array.of(0, 0xff, 0xffff, 0xffffff)
const beyondAscii = 0x80808080

export function createBodyReader(shapes: readonly (readonly string[])[]): BodyReader {
  let source: Buffer = Buffer.alloc(0)
  let view: DataView = new DataView(new ArrayBuffer(0))
  let at = 0
  let end = 0
  let sequence = 0
  const kept = new Array<string | undefined>(slots).fill(undefined)
  const keptWords = new Int32Array(slots * wordsPerSlot)
  const keptLengths = new Uint8Array(slots)
  /** Hashes of text that was there once: only what comes again is kept, so that one-time text doesn't push it out. */
  const seen = new Int32Array(slots)

  /** Gives up: whatever is read from here on is nothing. */
  function giveUp(): undefined {
    at = 0x3fffffff
    return undefined
  }

  function read(): unknown {
    if (at >= end) return giveUp()
    const token = source[at++] as number
    if (token < 0x40) return token
    if (token < 0x80) {
      const reader = readers[indexOf(token)]
      return reader === undefined ? giveUp() : reader()
    }
    if (token < 0x90) return readMap(token & 0x0f)
    if (token < 0xa0) return readList(token & 0x0f)
    if (token < 0xc0) return readText(token & 0x1f)
    if (token >= 0xe0) return token - 0x100
    return readSized(token)
  }

  function move(bytes: number): boolean {
    at += bytes
    return at <= end
  }

  /** The shape that a token, perhaps with the byte behind it, refers to. */
  function indexOf(token: number): number {
    const low = token & 0x3f
    return low < 32 ? low : low + ((source[at++] as number) << 5)
  }

  function readSized(token: number): unknown {
    const value = at
    switch (token) {
      case 0xc0:
        return null
      case 0xc2:
        return false
      case 0xc3:
        return true
      case 0xcb:
        return move(8) ? view.getFloat64(value) : giveUp()
      case 0xcc:
        at += 1
        return source[value]
      case 0xcd:
        return move(2) ? view.getUint16(value) : giveUp()
      case 0xce:
        return move(4) ? view.getUint32(value) : giveUp()
      case 0xd9:
        at += 1
        return readText(source[value] as number)
      case 0xda:
        return move(2) ? readText(view.getUint16(value)) : giveUp()
      case 0xdc:
        return move(2) ? readList(view.getUint16(value)) : giveUp()
      case 0xde:
        return move(2) ? readMap(view.getUint16(value)) : giveUp()
      default:
        return giveUp()
    }
  }

  function readList(length: number): unknown {
    if (length > end - at) return giveUp()
    const list = new Array<unknown>(length)
    for (let i = 0; i < length; i++) list[i] = read()
    return list
  }

  function readMap(length: number): unknown {
    if (length > end - at) return giveUp()
    const object: Record<string, unknown> = {}
    for (let i = 0; i < length; i++) {
      const key = read()
      if (typeof key !== 'string' || key === '__proto__') return giveUp()
      object[key] = read()
    }
    return object
  }

  function readText(length: number): string | undefined {
    if (length === 0) return ''
    const start = at
    const stop = start + length
    if (stop > end) return giveUp()
    at = stop
    if (length > longestKept || stop + 3 > view.byteLength) return readLong(start, stop)
    let hash = length
    let bits = 0
    let p = start
    for (; p + 4 <= stop; p += 4) {
      const word = view.getInt32(p, true)
      bits |= word
      hash = Math.imul(hash ^ word, 0x9e3779b1)
      hash ^= hash >>> 15
    }
    if (p < stop) {
      const word = view.getInt32(p, true) & (masks[stop - p] as number)
      bits |= word
      hash = Math.imul(hash ^ word, 0x9e3779b1)
      hash ^= hash >>> 15
    }
    if ((bits & beyondAscii) !== 0) return giveUp()
    const slot = hash & (slots - 1)
    if (keptLengths[slot] === length && sameWords(slot, start, stop)) return kept[slot]
    if (seen[slot] === hash) return keep(slot, start, stop)
    seen[slot] = hash
    return (source as unknown as Latin1).latin1Slice(start, stop)
  }

  function sameWords(slot: number, start: number, stop: number): boolean {
    let index = slot * wordsPerSlot
    let p = start
    for (; p + 4 <= stop; p += 4) if (view.getInt32(p, true) !== keptWords[index++]) return false
    return p === stop || (view.getInt32(p, true) & (masks[stop - p] as number)) === keptWords[index]
  }

  function keep(slot: number, start: number, stop: number): string {
    const text = (source as unknown as Latin1).latin1Slice(start, stop)
    let index = slot * wordsPerSlot
    let p = start
    for (; p + 4 <= stop; p += 4) keptWords[index++] = view.getInt32(p, true)
    if (p < stop) keptWords[index] = view.getInt32(p, true) & (masks[stop - p] as number)
    keptLengths[slot] = stop - start
    kept[slot] = text
    return text
  }

  function readLong(start: number, stop: number): string | undefined {
    for (let p = start; p < stop; p++) if ((source[p] as number) >= 0x80) return giveUp()
    return (source as unknown as Latin1).latin1Slice(start, stop)
  }

  const number: Read = () => sequence
  const readers = onDemand(shapes, shape => literal(shape, read))
  const eventReaders = onDemand(shapes, shape => literal(shape, read, number))

  return {
    read(bytes, start, stop, seq) {
      if (bytes !== source) {
        source = bytes
        view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
      }
      at = start
      end = stop
      sequence = seq
      const token = bytes[at++] as number
      if (at > end || token < 0x40 || token >= 0x80) return undefined
      const event = eventReaders[indexOf(token)]?.()
      return at === end ? event : undefined
    },
  }
}

/** Each is made when it is first called: a log has a tenth of the shapes, and compiling all takes longer than reading its end. */
function onDemand(shapes: readonly (readonly string[])[], make: (shape: readonly string[]) => Read): Read[] {
  const readers: Read[] = shapes.map((shape, at) => () => {
    const reader = make(shape)
    readers[at] = reader
    return reader()
  })
  return readers
}

/**
 * A function with the names written out: what it makes has its final layout from the start, filled in by `read`. The
 * names are those of the code's own list of shapes, never data.
 */
function literal(shape: readonly string[], read: Read, number?: Read): Read {
  const fields = shape.map(name => `${JSON.stringify(name)}: read()`)
  if (number !== undefined) fields.push('seq: number()')
  return new Function('read', 'number', `return () => ({ ${fields.join(', ')} })`)(read, number) as Read
}
