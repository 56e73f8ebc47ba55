import { empty } from '../empty.js'
import { NumberPool } from './number-pool.js'

/** A set, however it is kept. */
export interface Members<Member> extends Iterable<Member> {
  readonly size: number
  add(member: Member): unknown
  delete(member: Member): unknown
  forEach(visit: (member: Member) => void): void
}

/** Members that are the same to every rule, under one small number. */
export interface Block<Member, Data, Kept extends Members<Member> = Set<Member>> {
  readonly number: number
  readonly members: Kept
  data: Data
}

/** Members of one block who belong to one place. */
export interface Part<Member, Data> {
  readonly to: Data
  /** How many table rows refer to the block's number because of them. */
  weight(): number
  members(): Iterable<Member>
}

/** A block some of whose members belong elsewhere now. */
export interface Departure<Member, Data, Kept extends Members<Member> = Set<Member>> {
  readonly block: Block<Member, Data, Kept>
  /** One part for each place; none of them where the block is. */
  readonly leaving: readonly Part<Member, Data>[]
  /** Absent when everybody leaves. */
  readonly staying: Part<Member, Data> | undefined
}

/** What `assign` did. Old data where a block's meaning changed or ended. */
export interface PartitionChange<Member, Data, Kept extends Members<Member> = Set<Member>> {
  readonly created: ReadonlySet<Block<Member, Data, Kept>>
  /** Blocks that kept members and number while what they mean changed. */
  readonly renamed: ReadonlyMap<Block<Member, Data, Kept>, Data>
  readonly removed: ReadonlyMap<Block<Member, Data, Kept>, Data>
  /** Members whose number changed. */
  readonly moved: readonly Member[]
}

/** Members to their blocks. */
export interface Placed<Member, Value> {
  get(member: Member): Value | undefined
  set(member: Member, value: Value): unknown
  delete(member: Member): unknown
}

/** Where members are kept, and which data are one block's. */
export interface PartitionKind<Member, Data, Kept extends Members<Member>> {
  members(): Kept
  readonly placed: Placed<Member, Block<Member, Data, Kept>>
  /** How many table rows refer to a block's number. */
  weight(block: Block<Member, Data, Kept>): number
  /** Equal for equal data. */
  hash(data: Data): number | string
  same(a: Data, b: Data): boolean
}

const noChange = {
  created: new Set<never>(),
  renamed: new Map<never, never>(),
  removed: new Map<never, never>(),
  moved: [],
}

interface Renaming<Member, Data, Kept extends Members<Member>> extends Departure<Member, Data, Kept> {
  readonly heaviest: Part<Member, Data>
  readonly weight: number
}

/**
 * Members in numbered blocks by what they have in common. When most of a block, by weight, goes to one place, the block
 * keeps its number and is renamed in place, and those that stay behind move instead; so do the members of a block that
 * has the place already, if they weigh less: whatever refers to the number of the heavier part need not change.
 */
export class Partition<Member, Data, Kept extends Members<Member> = Set<Member>> {
  readonly #kind: PartitionKind<Member, Data, Kept>
  readonly #blocks = new Map<number | string, Block<Member, Data, Kept>[]>()
  readonly #numbers = new NumberPool()
  readonly #emptied = new Set<Block<Member, Data, Kept>>()
  /** Numbers of blocks that a snapshot knew, by meaning, until their members are placed. */
  #remembered: { readonly numbers: Map<string, number>; readonly meaning: (data: Data) => string } | undefined

  constructor(kind: PartitionKind<Member, Data, Kept>) {
    this.#kind = kind
  }

  /** Blocks that `assign` makes until `forget` get the number that their meaning had. */
  remember(numbers: Iterable<readonly [meaning: string, number: number]>, meaning: (data: Data) => string): void {
    this.#remembered = { numbers: new Map(numbers), meaning }
    this.#numbers.resume(this.#remembered.numbers.values())
  }

  /** Frees the numbers that no block took. */
  forget(): void {
    for (const number of this.#remembered?.numbers.values() ?? []) this.#numbers.free(number)
    this.#remembered = undefined
  }

  blockOf(member: Member): Block<Member, Data, Kept> | undefined {
    return this.#kind.placed.get(member)
  }

  *blocks(): Iterable<Block<Member, Data, Kept>> {
    for (const some of this.#blocks.values()) yield* some
  }

  remove(member: Member): void {
    const block = this.#kind.placed.get(member)
    if (block === undefined) return
    this.#kind.placed.delete(member)
    block.members.delete(member)
    if (block.members.size === 0) this.#emptied.add(block)
  }

  /**
   * Brings members to where they belong.
   * @param departures of members that are placed; those not named stay
   * @param arrivals members that have no block yet
   */
  assign(
    departures: readonly Departure<Member, Data, Kept>[],
    arrivals: readonly (readonly [member: Member, data: Data])[],
  ): PartitionChange<Member, Data, Kept> {
    if (departures.length + arrivals.length + this.#emptied.size === 0) return noChange
    const created = new Set<Block<Member, Data, Kept>>()
    const moved: Member[] = []
    const { renamed, moves } = this.#rename(departures)
    for (const [members, data] of moves) {
      for (const member of members) {
        this.remove(member)
        this.#put(member, data, created)
        moved.push(member)
      }
    }
    for (const [member, data] of arrivals) {
      this.#put(member, data, created)
      moved.push(member)
    }
    const removed = this.#sweep()
    for (const block of removed.keys()) renamed.delete(block)
    return { created, renamed, removed, moved }
  }

  /** Ends a delta: numbers freed in it may be used again. */
  commit(): void {
    this.#numbers.commit()
  }

  #put(member: Member, data: Data, created: Set<Block<Member, Data, Kept>>): void {
    let block = this.#find(data)
    if (block === undefined) {
      block = { number: this.#numberFor(data), members: this.#kind.members(), data }
      this.#enter(block)
      created.add(block)
    }
    block.members.add(member)
    this.#kind.placed.set(member, block)
  }

  #numberFor(data: Data): number {
    if (this.#remembered === undefined) return this.#numbers.take()
    const { numbers, meaning } = this.#remembered
    const key = meaning(data)
    const number = numbers.get(key)
    numbers.delete(key)
    return number ?? this.#numbers.take()
  }

  /** Gives blocks the place that most of their members go to; the others have yet to move. */
  #rename(departures: readonly Departure<Member, Data, Kept>[]): {
    readonly renamed: Map<Block<Member, Data, Kept>, Data>
    readonly moves: readonly (readonly [members: readonly Member[], to: Data])[]
  } {
    if (departures.length === 0) return { renamed: new Map(), moves: [] }
    const moves: [Member[], Data][] = []
    const candidates: Renaming<Member, Data, Kept>[] = []
    const departing = new Set<Block<Member, Data, Kept>>()
    for (const { block, leaving, staying } of departures) {
      departing.add(block)
      const heaviest = leaving.reduce((most, part) => (part.weight() > most.weight() ? part : most))
      const weight = heaviest.weight()
      if (staying !== undefined && weight <= staying.weight()) {
        for (const part of leaving) moves.push([[...part.members()], part.to])
        continue
      }
      // A block that nobody stays in gives its place up first: another may be about to take it.
      if (staying === undefined) this.#leave(block)
      candidates.push({ block, leaving, staying, heaviest, weight })
    }
    candidates.sort((a, b) => b.weight - a.weight)
    const renamed = new Map<Block<Member, Data, Kept>, Data>()
    for (const { block, leaving, staying, heaviest, weight } of candidates) {
      const holder = this.#find(heaviest.to)
      const isTaken = holder !== undefined && (departing.has(holder) || this.#kind.weight(holder) >= weight)
      for (const part of leaving) if (isTaken || part !== heaviest) moves.push([[...part.members()], part.to])
      if (isTaken) continue
      if (holder !== undefined) {
        moves.push([[...holder.members], heaviest.to])
        this.#leave(holder)
      }
      if (staying !== undefined) {
        moves.push([[...staying.members()], block.data])
        this.#leave(block)
      }
      renamed.set(block, block.data)
      block.data = heaviest.to
      this.#enter(block)
    }
    return { renamed, moves }
  }

  #sweep(): Map<Block<Member, Data, Kept>, Data> {
    const removed = new Map<Block<Member, Data, Kept>, Data>()
    for (const block of this.#emptied) {
      if (block.members.size > 0) continue
      this.#leave(block)
      this.#numbers.free(block.number)
      removed.set(block, block.data)
    }
    empty(this.#emptied)
    return removed
  }

  #find(data: Data): Block<Member, Data, Kept> | undefined {
    return this.#blocks.get(this.#kind.hash(data))?.find(block => this.#kind.same(block.data, data))
  }

  #enter(block: Block<Member, Data, Kept>): void {
    const hash = this.#kind.hash(block.data)
    const others = this.#blocks.get(hash)
    if (others === undefined) this.#blocks.set(hash, [block])
    else others.push(block)
  }

  /** The block is found no more by what it means. */
  #leave(block: Block<Member, Data, Kept>): void {
    const hash = this.#kind.hash(block.data)
    const some = this.#blocks.get(hash)
    const at = some?.indexOf(block) ?? -1
    if (at < 0) return
    some!.splice(at, 1)
    if (some!.length === 0) this.#blocks.delete(hash)
  }
}
