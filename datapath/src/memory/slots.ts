import type { BackendMap, SlotMemory } from '../backend.js'
import { codecs } from '../codec/maps.js'
import { slotsPerLine } from '../services/slot-lines.js'

/** Slots by way of the map, line by line: there is no memory to share with the module that stays in its place. */
export function memorySlots(map: BackendMap): SlotMemory {
  const read = (first: number, count: number): Uint32Array => {
    const found = new Uint32Array(count)
    for (let at = 0; at < count; ) {
      const line = Math.floor((first + at) / slotsPerLine)
      const from = (first + at) % slotsPerLine
      const length = Math.min(slotsPerLine - from, count - at)
      found.set(numbersOf(map.lookup(codecs.index.encode(line))!).subarray(from, from + length), at)
      at += length
    }
    return found
  }
  return {
    size: map.maxEntries * slotsPerLine,
    read,
    write(first, numbers) {
      const start = first - (first % slotsPerLine)
      const lines = Math.ceil((first + numbers.length - start) / slotsPerLine)
      const all = read(start, lines * slotsPerLine)
      all.set(numbers, first - start)
      for (let line = 0; line < lines; line += 1) {
        const part = all.slice(line * slotsPerLine, (line + 1) * slotsPerLine)
        map.update(codecs.index.encode(start / slotsPerLine + line), new Uint8Array(part.buffer))
      }
    },
  }
}

const numbersOf = (bytes: Uint8Array): Uint32Array => new Uint32Array(bytes.buffer, bytes.byteOffset, slotsPerLine)
