import type { DnsAnswerFact } from '../event/event.js'

/** Why an address belongs to a name, and how long. */
export interface DnsAddress {
  /** Milliseconds since the epoch; when the time is this late the answer is gone. */
  readonly untilMs: number
  /** The event that brought the answer which holds longest. */
  readonly seq: number
}

/** Addresses by name, those of answers that hold; a name without any is not there. */
export interface DnsNames extends Iterable<readonly [name: string, addresses: ReadonlyMap<string, DnsAddress>]> {
  readonly size: number
  get(name: string): ReadonlyMap<string, DnsAddress> | undefined
  has(name: string): boolean
  keys(): IterableIterator<string>
}

interface Expiry {
  readonly untilMs: number
  readonly name: string
  readonly address: string
}

/**
 * DNS answers → addresses by name, as time goes by. Expiry costs what expires: the answer that ends first is on top of
 * a heap; one that a later answer has prolonged is passed over when its turn comes.
 */
export class MutableDnsNames implements DnsNames {
  readonly #names = new Map<string, Map<string, DnsAddress>>()
  readonly #heap: Expiry[] = []
  #changed = new Set<string>()

  get size(): number {
    return this.#names.size
  }

  get(name: string): ReadonlyMap<string, DnsAddress> | undefined {
    return this.#names.get(name)
  }

  has(name: string): boolean {
    return this.#names.has(name)
  }

  keys(): IterableIterator<string> {
    return this.#names.keys()
  }

  [Symbol.iterator](): Iterator<readonly [string, ReadonlyMap<string, DnsAddress>]> {
    return this.#names.entries()
  }

  /** Takes in an answer of `answeredMs`. One that has ended already says nothing. */
  answer(fact: DnsAnswerFact, answeredMs: number, nowMs: number, seq: number): void {
    const untilMs = answeredMs + fact.ttlSeconds * 1000
    if (untilMs <= nowMs) return
    for (const address of fact.addresses) this.put(fact.name, address, { untilMs, seq })
  }

  put(name: string, address: string, entry: DnsAddress): void {
    let addresses = this.#names.get(name)
    if (addresses === undefined) {
      addresses = new Map()
      this.#names.set(name, addresses)
    }
    const known = addresses.get(address)
    if (known !== undefined && known.untilMs >= entry.untilMs) return
    if (known === undefined) this.#changed.add(name)
    addresses.set(address, entry)
    this.#push({ untilMs: entry.untilMs, name, address })
  }

  /** The names whose addresses came or went since this was last asked. */
  takeChanged(): ReadonlySet<string> {
    const taken = this.#changed
    if (taken.size > 0) this.#changed = new Set()
    return taken
  }

  /** Forgets the answers that have ended. */
  expire(nowMs: number): void {
    for (let top = this.#heap[0]; top !== undefined && top.untilMs <= nowMs; top = this.#heap[0]) {
      this.#pop()
      const addresses = this.#names.get(top.name)
      if (addresses?.get(top.address)?.untilMs !== top.untilMs) continue
      addresses.delete(top.address)
      if (addresses.size === 0) this.#names.delete(top.name)
      this.#changed.add(top.name)
    }
  }

  #push(expiry: Expiry): void {
    const heap = this.#heap
    let at = heap.length
    heap.push(expiry)
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (heap[parent]!.untilMs <= expiry.untilMs) break
      heap[at] = heap[parent]!
      at = parent
    }
    heap[at] = expiry
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()!
    if (heap.length === 0) return
    let at = 0
    for (;;) {
      const left = 2 * at + 1
      if (left >= heap.length) break
      const right = left + 1
      const child = right < heap.length && heap[right]!.untilMs < heap[left]!.untilMs ? right : left
      if (heap[child]!.untilMs >= last.untilMs) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = last
  }
}
