import { hashText } from './maglev-hash.js'

/** The sizes that a table may be configured to have: primes, each about twice the one before. */
export const maglevSizes = [251, 509, 1021, 2039, 4093, 8191, 16381, 32749, 65521, 131071] as const

export const defaultMaglevSize = 16381

/** A backend as every node knows it, and its share, 1 and up. */
export interface MaglevMember {
  /** `10.0.0.1:8080/TCP` */
  readonly key: string
  readonly weight: number
}

export interface MaglevOptions {
  /** Entries of the table: a prime. */
  readonly size: number
  /** Of the cluster's configuration: nodes with one seed have one table. */
  readonly seed: number
}

/**
 * Consistent hashing by a table (Eisenbud et al., "Maglev: A Fast and Reliable Software Network Load Balancer", NSDI
 * 2016, section 3.4): each backend has a permutation of the slots, and they take turns at taking the next free slot of
 * theirs. Backends of greater weight have their turns more often.
 *
 * `step` fills some slots, so that a large table can be built between other work; `finish` fills the rest.
 */
export class MaglevBuild {
  /** For each slot the index of a member in the list given; right once `isDone`. */
  readonly table: Uint32Array
  readonly #size: number
  readonly #next: Uint32Array
  readonly #skip: Uint32Array
  readonly #taken: Uint8Array
  readonly #turns: Turns
  #filled = 0

  /** @throws RangeError when there is no member, a weight is not a whole number of at least 1, or the size no prime */
  constructor(members: readonly MaglevMember[], { size, seed }: MaglevOptions) {
    if (!isPrime(size)) throw new RangeError(`a table of ${size} entries: the size must be a prime`)
    if (members.length === 0) throw new RangeError('a table without members')
    const order = inOrder(members)
    this.#size = size
    this.table = new Uint32Array(size)
    this.#taken = new Uint8Array(size)
    this.#next = new Uint32Array(members.length)
    this.#skip = new Uint32Array(members.length)
    for (const index of order) {
      const { key } = members[index]!
      this.#next[index] = hashText(key, seed) % size
      this.#skip[index] = size === 2 ? 1 : (hashText(key, ~seed) % (size - 1)) + 1
    }
    const weights = order.map(index => members[index]!.weight)
    const same = weights.every(weight => weight === weights[0])
    this.#turns = same ? new EqualTurns(order) : new WeightedTurns(order, weights)
  }

  get isDone(): boolean {
    return this.#filled === this.#size
  }

  /** Slots that have a member. */
  get filled(): number {
    return this.#filled
  }

  /** Fills up to `slots` slots; true when the table is whole. */
  step(slots: number): boolean {
    const size = this.#size
    const taken = this.#taken
    const next = this.#next
    const end = Math.min(size, this.#filled + slots)
    for (let filled = this.#filled; filled < end; filled++) {
      const member = this.#turns.take()
      const skip = this.#skip[member]!
      let slot = next[member]!
      while (taken[slot] !== 0) {
        slot += skip
        if (slot >= size) slot -= size
      }
      taken[slot] = 1
      this.table[slot] = member
      slot += skip
      next[member] = slot >= size ? slot - size : slot
    }
    this.#filled = end
    return this.isDone
  }

  finish(): Uint32Array {
    this.step(this.#size)
    return this.table
  }
}

/** A whole table at once: for each slot the index of a member. Equal members, size and seed give equal tables, whatever the members' order. */
export const maglevTable = (members: readonly MaglevMember[], options: MaglevOptions): Uint32Array =>
  new MaglevBuild(members, options).finish()

/** Slots that each backend should have at least, so that their numbers differ by 1 % at most. */
const slotsPerBackend = 100

/**
 * The size for so many backends: the smallest that gives each a hundred slots, within bounds of the configuration. Every
 * step to another size moves nearly all slots, so tables of few backends, which come and go in numbers, share one size.
 */
export function maglevSizeFor(backends: number, { least = 4093, most = defaultMaglevSize } = {}): number {
  const fitting = maglevSizes.find(size => size >= least && size >= slotsPerBackend * backends)
  return Math.min(fitting ?? most, most)
}

/** Whose turn it is next. */
interface Turns {
  take(): number
}

class EqualTurns implements Turns {
  readonly #order: readonly number[]
  #at = 0

  constructor(order: readonly number[]) {
    this.#order = order
  }

  take(): number {
    const member = this.#order[this.#at]!
    this.#at += 1
    if (this.#at === this.#order.length) this.#at = 0
    return member
  }
}

/**
 * A member's k-th turn comes at the time (k - ½) / weight, so that one of little weight isn't last: the whole order follows from each one's own weight, so that a
 * change of one weight moves no others among themselves. A heap holds everyone's next turn.
 */
class WeightedTurns implements Turns {
  readonly #order: readonly number[]
  readonly #weights: readonly number[]
  readonly #turn: Uint32Array
  readonly #due: Float64Array
  /** Places in the order, the next one to have its turn on top. */
  readonly #heap: Uint32Array

  constructor(order: readonly number[], weights: readonly number[]) {
    this.#order = order
    this.#weights = weights
    this.#turn = new Uint32Array(order.length).fill(1)
    this.#due = Float64Array.from(weights, weight => 0.5 / weight)
    this.#heap = Uint32Array.from(order.keys())
    for (let at = (order.length >> 1) - 1; at >= 0; at--) this.#sink(at)
  }

  take(): number {
    const place = this.#heap[0]!
    const turn = this.#turn[place]! + 1
    this.#turn[place] = turn
    this.#due[place] = (turn - 0.5) / this.#weights[place]!
    this.#sink(0)
    return this.#order[place]!
  }

  #isBefore(a: number, b: number): boolean {
    const difference = this.#due[a]! - this.#due[b]!
    return difference < 0 || (difference === 0 && a < b)
  }

  #sink(from: number): void {
    const heap = this.#heap
    const place = heap[from]!
    let at = from
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && this.#isBefore(heap[child + 1]!, heap[child]!)) child += 1
      if (!this.#isBefore(heap[child]!, place)) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = place
  }
}

/** Indices by key, so that the table doesn't depend on the order in which a node came to know its backends. */
function inOrder(members: readonly MaglevMember[]): readonly number[] {
  for (const { key, weight } of members) {
    if (!Number.isInteger(weight) || weight < 1) throw new RangeError(`${key} has the weight ${weight}`)
  }
  const key = (index: number): string => members[index]!.key
  return [...members.keys()].sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0))
}

function isPrime(number: number): boolean {
  if (!Number.isInteger(number) || number < 2) return false
  for (let factor = 2; factor * factor <= number; factor++) if (number % factor === 0) return false
  return true
}
