import { judgeSide } from '@weir/core/compare/side.js'
import type { BookRule } from '@weir/core/compare/rule-book.js'
import { packetKey } from '@weir/core/verdict/intervals.js'
import { expect } from 'chai'

const rulesCount = 60
const rangesCount = 60

/** An allowance of many single ports, none of which another rule has. */
const ruleOf = (id: number, reads: Reads): BookRule => {
  const ports = Array.from({ length: rangesCount }, (_, at) => packetKey(6, 2 * (at * rulesCount + id)))
  const rule = { tier: 'namespaced', order: 1, action: 'allow', origin: { policy: `p${id}`, path: 'spec', seq: 1 } }
  return {
    id,
    text: `${id}`,
    rule,
    peers: 'any',
    numbered: reads.of(ports.flatMap(port => [port, port])),
    names: [],
  } as never
}

/** Counts what is read of arrays. */
class Reads {
  count = 0

  of<Item>(items: Item[]): Item[] {
    const note = (): void => {
      this.count += 1
    }
    return new Proxy(items, {
      get(target, name, receiver) {
        if (typeof name === 'string' && /^\d+$/.test(name)) note()
        return Reflect.get(target, name, receiver) as unknown
      },
    })
  }
}

describe('compare: what one end says', () => {
  it('looks at each range of a rule once, however many there are', () => {
    const reads = new Reads()
    const { pieces } = judgeSide(
      Array.from({ length: rulesCount }, (_, id) => ruleOf(id, reads)),
      new Map(),
    )
    const allowed = pieces.filter(piece => piece.allowed && piece.rules.length > 0)
    expect(allowed).to.have.lengthOf(rulesCount * rangesCount)
    expect(new Set(allowed.map(({ rules }) => rules.length))).to.deep.equal(new Set([1]))
    expect(reads.count).to.be.within(2 * rulesCount * rangesCount, 20 * rulesCount * rangesCount)
  })
})
