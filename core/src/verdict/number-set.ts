/** Below this a hash set is always small enough. */
const few = 8
/** Words of a bitmap that one member of a hash set weighs as much as. */
const wordsPerMember = 4

const none = new Uint32Array(0)

/**
 * Small whole numbers, in the smaller of two forms: a hash set while members are sparse, a bitmap once they are dense.
 */
export class NumberSet {
  #sparse: Set<number> | undefined = new Set()
  /** Bit n & 31 of word n >> 5 is n. */
  #words: Uint32Array = none
  #size = 0
  /** No member of the hash set is greater. */
  #greatest = 0

  /** The members of a bitmap, which is the set's from now on. */
  static ofWords(words: Uint32Array): NumberSet {
    const set = new NumberSet()
    set.#sparse = undefined
    set.#words = words
    for (const word of words) set.#size += bitCount(word)
    set.#thinOut()
    return set
  }

  get size(): number {
    return this.#size
  }

  has(number: number): boolean {
    if (this.#sparse !== undefined) return this.#sparse.has(number)
    const word = number >>> 5
    return word < this.#words.length && (this.#words[word]! & (1 << (number & 31))) !== 0
  }

  add(number: number): void {
    if (this.#sparse !== undefined) {
      this.#sparse.add(number)
      this.#size = this.#sparse.size
      if (number > this.#greatest) this.#greatest = number
      if (this.#size >= few && this.#size * wordsPerMember > this.#greatest >>> 5) this.#thicken()
      return
    }
    const word = number >>> 5
    if (word >= this.#words.length) {
      const words = new Uint32Array(Math.max(word + 1, this.#words.length * 2))
      words.set(this.#words)
      this.#words = words
    }
    const before = this.#words[word]!
    const bit = 1 << (number & 31)
    if ((before & bit) !== 0) return
    this.#words[word] = before | bit
    this.#size += 1
  }

  /** @returns true when it was a member */
  delete(number: number): boolean {
    if (this.#sparse !== undefined) {
      const was = this.#sparse.delete(number)
      this.#size = this.#sparse.size
      return was
    }
    if (!this.has(number)) return false
    this.#words[number >>> 5]! &= ~(1 << (number & 31))
    this.#size -= 1
    this.#thinOut()
    return true
  }

  /** Calls for each member; rising in a bitmap. The set must not change meanwhile. */
  forEach(visit: (number: number) => void): void {
    if (this.#sparse !== undefined) {
      for (const number of this.#sparse) visit(number)
      return
    }
    const words = this.#words
    for (let word = 0; word < words.length; word += 1) {
      for (let bits = words[word]!; bits !== 0; bits &= bits - 1) visit((word << 5) + lowestBit(bits))
    }
  }

  /** How many members two sets have in common. */
  countCommon(other: NumberSet): number {
    if (this.#sparse === undefined && other.#sparse !== undefined) return other.countCommon(this)
    let count = 0
    if (this.#sparse !== undefined) {
      for (const number of this.#sparse) if (other.has(number)) count += 1
      return count
    }
    const end = Math.min(this.#words.length, other.#words.length)
    for (let word = 0; word < end; word += 1) count += bitCount(this.#words[word]! & other.#words[word]!)
    return count
  }

  /** The members that another set has as well. */
  common(other: NumberSet): number[] {
    if (this.#sparse === undefined && other.#sparse !== undefined) return other.common(this)
    const found: number[] = []
    if (this.#sparse !== undefined) {
      for (const number of this.#sparse) if (other.has(number)) found.push(number)
      return found
    }
    const end = Math.min(this.#words.length, other.#words.length)
    for (let word = 0; word < end; word += 1) pushBits(found, word, this.#words[word]! & other.#words[word]!)
    return found
  }

  /** The members that another set lacks. */
  lacking(other: NumberSet): number[] {
    const found: number[] = []
    if (this.#sparse !== undefined) {
      for (const number of this.#sparse) if (!other.has(number)) found.push(number)
      return found
    }
    const words = new Uint32Array(this.#words.length)
    other.addTo(words)
    for (let word = 0; word < words.length; word += 1) pushBits(found, word, this.#words[word]! & ~words[word]!)
    return found
  }

  /** Members as an array, which later changes leave alone. */
  toArray(): number[] {
    const numbers: number[] = []
    this.forEach(number => {
      numbers.push(number)
    })
    return numbers
  }

  /** The members as they are now. */
  [Symbol.iterator](): Iterator<number> {
    return this.toArray()[Symbol.iterator]()
  }

  /** Sets the members' bits; those past the end of `words` are left out. */
  addTo(words: Uint32Array): void {
    if (this.#sparse !== undefined) {
      for (const number of this.#sparse) words[number >>> 5]! |= 1 << (number & 31)
      return
    }
    const end = Math.min(words.length, this.#words.length)
    for (let word = 0; word < end; word += 1) words[word]! |= this.#words[word]!
  }

  #thicken(): void {
    const members = this.#sparse!
    this.#words = new Uint32Array((this.#greatest >>> 5) + 1)
    for (const number of members) this.#words[number >>> 5]! |= 1 << (number & 31)
    this.#sparse = undefined
  }

  /** Back to a hash set, once that is much smaller: a set at the edge doesn't go to and fro. */
  #thinOut(): void {
    if (this.#size >= few && this.#size * wordsPerMember * 4 >= this.#words.length) return
    const sparse = new Set(this.toArray())
    this.#greatest = this.#words.length * 32
    this.#words = none
    this.#sparse = sparse
  }
}

function pushBits(numbers: number[], word: number, set: number): void {
  for (let bits = set; bits !== 0; bits &= bits - 1) numbers.push((word << 5) + lowestBit(bits))
}

function bitCount(word: number): number {
  let bits = word - ((word >>> 1) & 0x55555555)
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333)
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}

const lowestBit = (bits: number): number => 31 - Math.clz32(bits & -bits)
