/**
 * Small numbers from 1 for things that only the tables see. The lowest free one is taken; a freed one is free only
 * after `commit`, so that no delta gives one number two meanings.
 */
export class NumberPool {
  #next = 1
  /** A binary heap, lowest first. */
  readonly #free: number[] = []
  readonly #resting: number[] = []

  take(): number {
    const heap = this.#free
    const lowest = heap[0]
    if (lowest === undefined) return this.#next++
    const last = heap.pop()!
    if (heap.length > 0) sink(heap, last)
    return lowest
  }

  /** Starts from numbers that are in use already. */
  resume(taken: Iterable<number>): void {
    const numbers = new Set(taken)
    for (let number = 1; numbers.size > 0; number += 1) {
      if (!numbers.delete(number)) rise(this.#free, number)
      this.#next = number + 1
    }
  }

  free(number: number): void {
    this.#resting.push(number)
  }

  /** Ends a delta. */
  commit(): void {
    if (this.#resting.length === 0) return
    for (const number of this.#resting) rise(this.#free, number)
    this.#resting.length = 0
  }
}

function rise(heap: number[], number: number): void {
  let at = heap.push(number) - 1
  while (at > 0) {
    const parent = (at - 1) >> 1
    if (heap[parent]! <= number) break
    heap[at] = heap[parent]!
    at = parent
  }
  heap[at] = number
}

function sink(heap: number[], number: number): void {
  let at = 0
  for (;;) {
    let child = at * 2 + 1
    if (child >= heap.length) break
    // An only child has no sibling, which is not less than it.
    if (heap[child + 1]! < heap[child]!) child += 1
    if (heap[child]! >= number) break
    heap[at] = heap[child]!
    at = child
  }
  heap[at] = number
}
