import { add, hash, subtract, sumHex, zero, type Sum } from './sum.js'

interface GroupSum {
  members: number
  sum: Sum
  counted: Sum
}

/**
 * A sum of members that are grouped: each group counts as a hash of its meaning and its members' sum. A group that
 * changes its meaning so costs one hash, however many members it has.
 */
export class GroupedSum<Member, Group> {
  #total = zero
  readonly #kind: string
  readonly #meaning: (group: Group) => string
  readonly #members = new Map<Member, { readonly group: Group; readonly hash: Sum }>()
  readonly #groups = new Map<Group, GroupSum>()
  readonly #dirty = new Set<Group>()

  constructor(kind: string, meaning: (group: Group) => string) {
    this.#kind = kind
    this.#meaning = meaning
  }

  has(member: Member): boolean {
    return this.#members.has(member)
  }

  put(member: Member, group: Group, hashed: Sum): void {
    this.remove(member)
    this.#members.set(member, { group, hash: hashed })
    const entry = this.#groups.get(group)
    if (entry === undefined) this.#groups.set(group, { members: 1, sum: hashed, counted: zero })
    else {
      entry.members += 1
      entry.sum = add(entry.sum, hashed)
    }
    this.#dirty.add(group)
  }

  remove(member: Member): void {
    const known = this.#members.get(member)
    if (known === undefined) return
    this.#members.delete(member)
    const entry = this.#groups.get(known.group)!
    entry.members -= 1
    entry.sum = subtract(entry.sum, known.hash)
    this.#dirty.add(known.group)
  }

  /** The group means something else now. */
  touch(group: Group): void {
    if (this.#groups.has(group)) this.#dirty.add(group)
  }

  total(): Sum {
    for (const group of this.#dirty) {
      const entry = this.#groups.get(group)!
      this.#total = subtract(this.#total, entry.counted)
      if (entry.members === 0) {
        this.#groups.delete(group)
        continue
      }
      entry.counted = hash(this.#kind, this.#meaning(group), `${entry.members}`, sumHex(entry.sum))
      this.#total = add(this.#total, entry.counted)
    }
    this.#dirty.clear()
    return this.#total
  }
}
