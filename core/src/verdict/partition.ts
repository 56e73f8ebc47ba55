import { entryOf } from '../multimap.js'
import { NumberPool } from './number-pool.js'

/** Members that are the same to every rule, under one small number. */
export interface Block<Member, Data> {
  readonly number: number
  readonly members: Set<Member>
  key: string
  data: Data
}

/** Where a member belongs now: members with equal keys share a block. */
export interface Placement<Data> {
  readonly key: string
  readonly data: Data
}

/** What `assign` did. Old data where a block's meaning changed or ended. */
export interface PartitionChange<Member, Data> {
  readonly created: ReadonlySet<Block<Member, Data>>
  /** Blocks that kept members and number while what they mean changed. */
  readonly renamed: ReadonlyMap<Block<Member, Data>, Data>
  readonly removed: ReadonlyMap<Block<Member, Data>, Data>
  /** Members whose number changed. */
  readonly moved: readonly Member[]
}

interface Target<Data> extends Placement<Data> {
  weight: number
}

/** Members of one block that leave it, by where they go. */
interface Leaving<Data> {
  count: number
  weight: number
  readonly to: Map<string, Target<Data>>
}

/** Blocks that go along with most of their members, with their old data; and who stays behind. */
interface Renaming<Member, Data> {
  readonly renamed: Map<Block<Member, Data>, Data>
  readonly stayers: ReadonlyMap<Member, Placement<Data>>
}

/**
 * Members in numbered blocks by key. When most of a block, by weight, moves to one key that no other block holds, the
 * block keeps its number and is renamed in place, and those that stay behind move instead: whatever refers to the number
 * of the heavier part need not change.
 */
export class Partition<Member, Data> {
  readonly #blocks = new Map<string, Block<Member, Data>>()
  readonly #placed = new Map<Member, Block<Member, Data>>()
  readonly #numbers = new NumberPool()
  readonly #emptied = new Set<Block<Member, Data>>()
  readonly #weight: (member: Member) => number
  /** Numbers of blocks that a snapshot knew, by meaning, until their members are placed. */
  #remembered: { readonly numbers: Map<string, number>; readonly meaning: (data: Data) => string } | undefined

  /** @param weight how many table rows refer to the number because of a member */
  constructor(weight: (member: Member) => number) {
    this.#weight = weight
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

  blockOf(member: Member): Block<Member, Data> | undefined {
    return this.#placed.get(member)
  }

  blocks(): Iterable<Block<Member, Data>> {
    return this.#blocks.values()
  }

  get size(): number {
    return this.#blocks.size
  }

  remove(member: Member): void {
    const block = this.#placed.get(member)
    if (block === undefined) return
    this.#placed.delete(member)
    block.members.delete(member)
    if (block.members.size === 0) this.#emptied.add(block)
  }

  /** Places members; those not named stay. */
  assign(placements: ReadonlyMap<Member, Placement<Data>>): PartitionChange<Member, Data> {
    const { renamed, stayers } = this.#rename(placements)
    const created = new Set<Block<Member, Data>>()
    const moved: Member[] = []
    for (const [member, placement] of [...placements, ...stayers]) {
      const old = this.#placed.get(member)
      if (old?.key === placement.key && this.#blocks.get(old.key) === old) continue
      this.remove(member)
      let block = this.#blocks.get(placement.key)
      if (block === undefined) {
        block = {
          number: this.#numberFor(placement.data),
          members: new Set(),
          key: placement.key,
          data: placement.data,
        }
        this.#blocks.set(placement.key, block)
        created.add(block)
      }
      block.members.add(member)
      this.#placed.set(member, block)
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

  #numberFor(data: Data): number {
    if (this.#remembered === undefined) return this.#numbers.take()
    const { numbers, meaning } = this.#remembered
    const key = meaning(data)
    const number = numbers.get(key)
    numbers.delete(key)
    return number ?? this.#numbers.take()
  }

  #rename(placements: ReadonlyMap<Member, Placement<Data>>): Renaming<Member, Data> {
    const leaving = new Map<Block<Member, Data>, Leaving<Data>>()
    for (const [member, { key, data }] of placements) {
      const block = this.#placed.get(member)
      if (block === undefined || block.key === key) continue
      const group = entryOf(leaving, block, () => ({ count: 0, weight: 0, to: new Map() }))
      const weight = this.#weight(member)
      group.count += 1
      group.weight += weight
      const target = entryOf(group.to, key, () => ({ key, data, weight: 0 }))
      target.weight += weight
    }
    const renamed = new Map<Block<Member, Data>, Data>()
    const stayers = new Map<Member, Placement<Data>>()
    const candidates: (readonly [Block<Member, Data>, Target<Data>])[] = []
    for (const [block, group] of leaving) {
      const [heaviest] = [...group.to.values()].sort((a, b) => b.weight - a.weight)
      const isLeft = group.count === block.members.size
      if (!isLeft && heaviest!.weight <= this.#weightOfStayers(block, group.weight, heaviest!.weight)) continue
      // A block that nobody stays in gives its key up first: another may be about to take it.
      if (isLeft) this.#blocks.delete(block.key)
      candidates.push([block, heaviest!])
    }
    candidates.sort(([, a], [, b]) => b.weight - a.weight)
    for (const [block, { key, data }] of candidates) {
      if (this.#blocks.has(key)) continue
      if (this.#blocks.get(block.key) === block) this.#blocks.delete(block.key)
      renamed.set(block, block.data)
      const stays = { key: block.key, data: block.data }
      for (const member of block.members) if (!placements.has(member)) stayers.set(member, stays)
      block.key = key
      block.data = data
      this.#blocks.set(key, block)
    }
    return { renamed, stayers }
  }

  /** No more than `limit` + 1 is counted: who stays behind matters only if it outweighs who goes. */
  #weightOfStayers(block: Block<Member, Data>, leaving: number, limit: number): number {
    let weight = -leaving
    for (const member of block.members) {
      weight += this.#weight(member)
      if (weight > limit) break
    }
    return weight
  }

  #sweep(): Map<Block<Member, Data>, Data> {
    const removed = new Map<Block<Member, Data>, Data>()
    for (const block of this.#emptied) {
      if (block.members.size > 0) continue
      if (this.#blocks.get(block.key) === block) this.#blocks.delete(block.key)
      this.#numbers.free(block.number)
      removed.set(block, block.data)
    }
    this.#emptied.clear()
    return removed
  }
}
