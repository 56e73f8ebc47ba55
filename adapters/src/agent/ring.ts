/** The last `capacity` items, oldest first. Adding costs the same whether it is full or not. */
export class Ring<Item> implements Iterable<Item> {
  readonly #items: Item[] = []
  readonly #capacity: number
  #oldest = 0

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  get size(): number {
    return this.#items.length
  }

  push(item: Item): void {
    if (this.#items.length < this.#capacity) {
      this.#items.push(item)
      return
    }
    this.#items[this.#oldest] = item
    this.#oldest = (this.#oldest + 1) % this.#capacity
  }

  *[Symbol.iterator](): IterableIterator<Item> {
    for (let at = 0; at < this.#items.length; at++) yield this.#items[(this.#oldest + at) % this.#items.length]!
  }
}
