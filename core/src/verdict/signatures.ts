/** Numbers, to be gone through. */
export interface Numbers {
  forEach(visit: (number: number) => void): void
}

interface Step<Change> {
  readonly before: number
  readonly change: Change
}

/**
 * Which changes meet whom: everybody who is met by the same changes has the same signature. A change costs a look at
 * those whom it meets.
 */
export class Signatures<Change> {
  /** By number; 0 is nobody's who is met by a change. */
  #of = new Uint32Array(0)
  readonly #met: number[] = []
  readonly #steps: Step<Change>[] = []

  /** Everybody who is met by a change. */
  get met(): readonly number[] {
    return this.#met
  }

  /** 0 for who is met by none. */
  at(number: number): number {
    return number < this.#of.length ? this.#of[number]! : 0
  }

  /** @param end greater than every number */
  note(numbers: Numbers, end: number, change: Change): void {
    if (end > this.#of.length) {
      const longer = new Uint32Array(Math.max(end, this.#of.length * 2))
      longer.set(this.#of)
      this.#of = longer
    }
    const of = this.#of
    const met = this.#met
    const after = new Map<number, number>()
    let lastBefore = -1
    let lastAfter = 0
    numbers.forEach(number => {
      const before = of[number]!
      if (before === 0) met.push(number)
      if (before !== lastBefore) {
        lastBefore = before
        lastAfter = after.get(before) ?? this.#steps.push({ before, change })
        after.set(before, lastAfter)
      }
      of[number] = lastAfter
    })
  }

  /** The changes that a signature stands for, in the order in which they were noted. */
  changesOf(signature: number): Change[] {
    const changes: Change[] = []
    for (let at = signature; at > 0; at = this.#steps[at - 1]!.before) changes.push(this.#steps[at - 1]!.change)
    return changes.reverse()
  }

  clear(): void {
    if (this.#steps.length === 0) return
    for (const number of this.#met) this.#of[number] = 0
    this.#met.length = 0
    this.#steps.length = 0
  }
}
