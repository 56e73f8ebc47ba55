import type { SlotMemory } from '../backend.js'

/** The memory of weir_slots, whose entries fill their places: slots lie one beside the other. */
export function slotMemory(memory: ArrayBuffer, size: number): SlotMemory {
  const all = new Uint32Array(memory, 0, size)
  return {
    size,
    write: (first, numbers) => all.set(numbers, first),
    read: (first, count) => all.slice(first, first + count),
  }
}
