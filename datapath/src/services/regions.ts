/** Lines of slots that lie together: a power of two of them, at a multiple of that. */
export interface Region {
  readonly line: number
  readonly lines: number
}

/** One part in so many of all lines may rest. */
const restingShare = 4

/** The region size for so many lines. */
export const regionLines = (lines: number): number => 2 ** Math.ceil(Math.log2(lines))

/**
 * Which lines are free: a buddy system, whose halves come together again when both are free. What is given back may be
 * taken again only after `settle`, and rests then as long as there is room elsewhere, so that a lookup under way doesn't
 * find other numbers in its place.
 */
export class Regions {
  readonly #lines: number
  /** Free regions of 2^order lines, by first line. */
  readonly #free: Set<number>[] = []
  #given: Region[] = []
  /** Given back, and settled; the oldest is at `#oldest`. */
  #resting: Region[] = []
  #oldest = 0
  #restingLines = 0
  #freeLines = 0

  constructor(lines: number) {
    this.#lines = lines
    for (let order = 0; 2 ** order <= lines; order += 1) this.#free.push(new Set())
    for (let line = 0; line < lines; ) {
      let order = this.#free.length - 1
      while (line + 2 ** order > lines || line % 2 ** order !== 0) order -= 1
      this.#free[order]!.add(line)
      line += 2 ** order
    }
    this.#freeLines = lines
  }

  get lines(): number {
    return this.#lines
  }

  get usedLines(): number {
    return this.#lines - this.#freeLines - this.#restingLines
  }

  /** Whether `take` would find some. */
  hasRoom(lines: number): boolean {
    const order = Math.ceil(Math.log2(lines))
    const isFree = (): boolean => this.#free.some((regions, at) => at >= order && regions.size > 0)
    while (!isFree()) if (!this.#wake()) return false
    return true
  }

  /** A region of at least so many lines; undefined when none is left. */
  take(lines: number): Region | undefined {
    if (!this.hasRoom(lines)) return undefined
    const order = Math.ceil(Math.log2(lines))
    for (let from = order; from < this.#free.length; from += 1) {
      const [line] = this.#free[from]!
      if (line === undefined) continue
      this.#carve(line, from, line, order)
      return { line, lines: 2 ** order }
    }
    return undefined
  }

  /** Takes the region that is there already; false when it is no region or not free. */
  reserve({ line, lines }: Region): boolean {
    const order = Math.log2(lines)
    if (!Number.isInteger(order) || line % lines !== 0 || line + lines > this.#lines) return false
    for (let from = order; from < this.#free.length; from += 1) {
      const start = line - (line % 2 ** from)
      if (!this.#free[from]!.has(start)) continue
      this.#carve(start, from, line, order)
      return true
    }
    return false
  }

  give(region: Region): void {
    this.#given.push(region)
  }

  /** What was given back may be taken from now on; true when that was something. */
  settle(): boolean {
    if (this.#given.length === 0) return false
    for (const region of this.#given) {
      this.#resting.push(region)
      this.#restingLines += region.lines
    }
    this.#given = []
    while (this.#restingLines * restingShare > this.#lines) this.#wake()
    return true
  }

  /** Frees what has rested longest. */
  #wake(): boolean {
    const region = this.#resting[this.#oldest]
    if (region === undefined) return false
    this.#oldest += 1
    if (this.#oldest * 2 > this.#resting.length) {
      this.#resting = this.#resting.slice(this.#oldest)
      this.#oldest = 0
    }
    this.#restingLines -= region.lines
    this.#release(region)
    return true
  }

  /** Takes 2^order lines at `line` out of the free region of 2^from at `start`; the other halves stay free. */
  #carve(start: number, from: number, line: number, order: number): void {
    this.#free[from]!.delete(start)
    let at = start
    for (let half = from - 1; half >= order; half -= 1) {
      const upper = at + 2 ** half
      if (line >= upper) {
        this.#free[half]!.add(at)
        at = upper
      } else this.#free[half]!.add(upper)
    }
    this.#freeLines -= 2 ** order
  }

  #release({ line, lines }: Region): void {
    this.#freeLines += lines
    let at = line
    let order = Math.log2(lines)
    for (; order < this.#free.length - 1; order += 1) {
      const size = 2 ** order
      const buddy = (at / size) % 2 === 0 ? at + size : at - size
      if (!this.#free[order]!.delete(buddy)) break
      at = Math.min(at, buddy)
    }
    this.#free[order]!.add(at)
  }
}
