import { type MaglevMember, MaglevBuild, maglevSizeFor, maglevSizes } from '@weir/core/service/maglev.js'

export interface TableOptions {
  /** Most slots of a table, but for services of very many backends; one of `maglevSizes`. */
  readonly size: number
  /** Every node of a cluster builds its tables with the same. */
  readonly seed: number
}

/** Slots filled in one turn, some milliseconds of work. */
const slotsPerTurn = 32_768
/** What a backend's place in the order takes of that. */
const slotsPerMember = 8
/** A table that gives a backend fewer slots than this says little about weights. */
const leastSlotsPerMember = 4

/** The size of a table by its number of backends alone, so that it is the same on every node; undefined: too many. */
export function tableSizeFor(members: number, configured: number): number | undefined {
  const size = maglevSizeFor(members, { most: configured })
  if (members * leastSlotsPerMember <= size) return size
  const fitting = maglevSizes.find(each => each >= members * leastSlotsPerMember) ?? maglevSizes.at(-1)!
  return members <= fitting ? fitting : undefined
}

/** Maglev tables that are made, a slice in each turn, so that a large one holds up nothing else. */
export class TableBuilds {
  readonly #options: TableOptions
  readonly #builds = new Map<number, MaglevBuild>()
  #allowance = slotsPerTurn

  constructor(options: TableOptions) {
    this.#options = options
  }

  /** Whether more can be done in this turn. */
  get isRested(): boolean {
    return this.#allowance > 0
  }

  /** A new turn. */
  rest(): void {
    this.#allowance = slotsPerTurn
  }

  /**
   * The table of a selection: for each slot the index of a member; undefined while it isn't finished.
   * @param size one that `tableSizeFor` gave
   */
  tableOf(selection: number, size: number, members: () => readonly MaglevMember[]): Uint32Array | undefined {
    let build = this.#builds.get(selection)
    if (build === undefined) {
      if (this.#allowance <= 0) return undefined
      const list = members()
      build = new MaglevBuild(list, { size, seed: this.#options.seed })
      this.#builds.set(selection, build)
      this.#allowance -= list.length * slotsPerMember
    }
    if (!build.isDone && this.#allowance > 0) {
      const before = build.filled
      build.step(this.#allowance)
      this.#allowance -= build.filled - before
    }
    return build.isDone ? build.table : undefined
  }

  /** The table isn't wanted any more, or has its place. */
  forget(selection: number): void {
    this.#builds.delete(selection)
  }

  get configuredSize(): number {
    return this.#options.size
  }
}
