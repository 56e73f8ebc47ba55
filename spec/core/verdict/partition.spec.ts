import { expect } from 'chai'
import fc from 'fast-check'
import { Partition, type Block, type Departure } from '@weir/core/verdict/partition.js'

type TextBlock = Block<number, string>

/** Numbered members by texts, of which two in three share a hash; a member weighs as much as is said of it. */
class Texts {
  readonly weights = new Map<number, number>()
  readonly placed = new Map<number, TextBlock>()
  readonly partition = new Partition<number, string>({
    members: () => new Set(),
    placed: this.placed,
    weight: ({ members }) => this.#weigh(members),
    hash: text => text.charCodeAt(0) % 3,
    same: (a, b) => a === b,
  })

  /** Brings members to their new texts, those of no text yet as arrivals. */
  assign(texts: ReadonlyMap<number, string>) {
    const leaving = new Map<TextBlock, Map<string, number[]>>()
    const arrivals: [number, string][] = []
    for (const [member, text] of texts) {
      const block = this.partition.blockOf(member)
      if (block === undefined) arrivals.push([member, text])
      else if (block.data !== text) {
        const parts = leaving.get(block) ?? new Map<string, number[]>()
        leaving.set(block, parts.set(text, [...(parts.get(text) ?? []), member]))
      }
    }
    return this.partition.assign(
      [...leaving].map(([block, parts]) => this.#departure(block, parts)),
      arrivals,
    )
  }

  numberOf(member: number): number {
    return this.partition.blockOf(member)!.number
  }

  #departure(block: TextBlock, parts: ReadonlyMap<string, readonly number[]>): Departure<number, string> {
    const gone = new Set([...parts.values()].flat())
    const stayers = [...block.members].filter(member => !gone.has(member))
    const part = (to: string, members: readonly number[]) => ({
      to,
      weight: () => this.#weigh(members),
      members: () => members,
    })
    return {
      block,
      leaving: [...parts].map(([to, members]) => part(to, members)),
      staying: stayers.length === 0 ? undefined : part(block.data, stayers),
    }
  }

  #weigh(members: Iterable<number>): number {
    return [...members].reduce((sum, member) => sum + (this.weights.get(member) ?? 1), 0)
  }
}

/** `abc` of members 1, 2, 3 in that order. */
const each = (texts: string, first = 1): Map<number, string> =>
  new Map([...texts].map((text, at): [number, string] => [first + at, text]))

/** Members in these blocks. */
function placed(texts: string): Texts {
  const made = new Texts()
  made.assign(each(texts))
  return made
}

describe('Partition', () => {
  it('has one block for each text, whatever moved, and tells exactly what became of members and blocks', () => {
    const text = fc.constantFrom('a', 'b', 'c', 'd', 'e')
    const member = fc.integer({ min: 1, max: 14 })
    const round = fc.record({
      removed: fc.array(member, { maxLength: 3 }),
      to: fc.array(fc.tuple(member, text), { maxLength: 14 }),
      commit: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(round, { maxLength: 12 }), fc.array(fc.nat({ max: 5 })), (rounds, weights) => {
        const texts = new Texts()
        const { partition } = texts
        for (const [at, weight] of weights.entries()) texts.weights.set(at, weight)
        const model = new Map<number, string>()
        const resting = new Set<number>()
        for (const { removed, to, commit } of rounds) {
          const before = new Map([...partition.blocks()].map(block => [block, block.data]))
          const numbers = new Map([...model.keys()].map(known => [known, texts.numberOf(known)]))
          for (const each of removed) {
            partition.remove(each)
            model.delete(each)
            numbers.delete(each)
          }
          for (const [each, data] of to) model.set(each, data)
          const change = texts.assign(model)
          const after = [...partition.blocks()]
          expect(after.map(({ data }) => data)).to.have.members([...new Set(model.values())])
          for (const { data, members } of after) {
            expect([...members]).to.have.members([...model.keys()].filter(each => model.get(each) === data))
          }
          for (const each of model.keys()) expect(partition.blockOf(each)!.members.has(each)).to.equal(true)
          const moved = [...model.keys()].filter(each => texts.numberOf(each) !== numbers.get(each))
          expect(change.moved).to.have.members(moved)
          expect([...change.created]).to.have.members(after.filter(block => !before.has(block)))
          const gone = [...before].filter(([block]) => !after.includes(block))
          expect([...change.removed.keys()]).to.have.members(gone.map(([block]) => block))
          const renamed = [...before].filter(([block, data]) => after.includes(block) && block.data !== data)
          expect([...change.renamed]).to.have.deep.members(renamed)
          expect(new Set(after.map(({ number }) => number)).size).to.equal(after.length)
          for (const { number } of change.created) expect(resting.has(number)).to.equal(false)
          for (const [{ number }] of gone) resting.add(number)
          if (commit) {
            partition.commit()
            resting.clear()
          }
        }
      }),
    )
  })

  it('leaves the number to the heavier part of a block, and to those who stay when both weigh the same', () => {
    const most = placed('aaa')
    expect(most.assign(each('bba')).moved).to.deep.equal([3])
    const even = placed('aa')
    expect(even.assign(each('ba')).moved).to.deep.equal([1])
    const heavy = placed('aaa')
    heavy.weights.set(3, 5)
    expect(heavy.assign(each('aab')).moved).to.have.members([1, 2])
  })

  it('leaves the number to the heaviest of the parts that leave', () => {
    const most = placed('aaaaaa')
    expect(most.assign(each('bccddd')).moved).to.have.members([1, 2, 3])
    const even = placed('aa')
    expect(even.assign(each('bc')).moved).to.deep.equal([2])
  })

  it('moves the members of a block that is there already if they weigh less than those who come, and else those', () => {
    const lighter = placed('aab')
    const change = lighter.assign(each('bbb'))
    expect(change.moved).to.deep.equal([3])
    expect([...change.removed.values()]).to.deep.equal(['b'])
    const even = placed('ab')
    expect(even.assign(each('bb')).moved).to.deep.equal([1])
  })

  it('leaves numbers where members trade places', () => {
    const traded = placed('aabb')
    const change = traded.assign(each('bbaa'))
    expect(change.moved).to.deep.equal([])
    expect([...change.renamed.values()]).to.have.members(['a', 'b'])
  })

  it('leaves the number to the heaviest of blocks that become one', () => {
    for (const texts of ['abbcc', 'bbacc']) {
      const merged = placed(texts)
      merged.weights.set(texts.indexOf('a') + 1, 7)
      const kept = merged.numberOf(texts.indexOf('a') + 1)
      merged.assign(each('ddddd'))
      expect(merged.numberOf(1)).to.equal(kept)
    }
  })

  it('lets a block live on whose members all went when others come before the delta ends', () => {
    const refilled = placed('ab')
    const number = refilled.numberOf(1)
    refilled.partition.remove(1)
    const { created, removed } = refilled.assign(new Map([[3, 'a']]))
    expect([created.size, removed.size, refilled.numberOf(3)]).to.deep.equal([0, 0, number])
  })

  it('knows nothing of one who is not there', () => {
    const texts = placed('a')
    texts.partition.remove(9)
    expect(texts.assign(new Map()).removed.size).to.equal(0)
    expect(texts.partition.blockOf(9)).to.equal(undefined)
  })

  it('gives blocks the numbers that a snapshot knew them by, others the free ones, and frees what nobody took', () => {
    const texts = new Texts()
    const known = [
      ['text a', 5],
      ['text b', 2],
      ['text c', 4],
    ] as const
    texts.partition.remember(known, text => `text ${text}`)
    texts.assign(each('ad'))
    expect([texts.numberOf(1), texts.numberOf(2)]).to.deep.equal([5, 1])
    texts.assign(each('e', 3))
    expect(texts.numberOf(3)).to.equal(3)
    texts.partition.forget()
    texts.partition.commit()
    // The numbers of b and c are free; what they mean is not remembered.
    texts.assign(each('cb', 4))
    expect([texts.numberOf(4), texts.numberOf(5)]).to.deep.equal([2, 4])
    texts.partition.forget()
    texts.partition.commit()
    texts.assign(each('f', 6))
    expect(texts.numberOf(6)).to.equal(6)
  })

  it('gives a remembered number once: a block that comes again has a number of its own', () => {
    const texts = new Texts()
    texts.partition.remember([['a', 3]], text => text)
    texts.assign(each('a'))
    texts.partition.remove(1)
    texts.assign(new Map())
    texts.partition.commit()
    texts.assign(each('b'))
    texts.assign(each('a', 2))
    expect([texts.numberOf(1), texts.numberOf(2)]).to.deep.equal([1, 2])
  })
})
