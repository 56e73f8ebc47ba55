import { judgeSide } from '@weir/core/compare/side.js'
import type { BookRule } from '@weir/core/compare/rule-book.js'
import { packetKey } from '@weir/core/verdict/intervals.js'
import { expect } from 'chai'

const rulesCount = 250
const rangesCount = 300

/** An allowance of many single ports, none of which another rule has. */
const ruleOf = (id: number): BookRule => {
  const ports = Array.from({ length: rangesCount }, (_, at) => packetKey(6, 2 * (at * rulesCount + id)))
  const rule = { tier: 'namespaced', order: 1, action: 'allow', origin: { policy: `p${id}`, path: 'spec', seq: 1 } }
  return { id, text: `${id}`, rule, peers: 'any', numbered: ports.flatMap(port => [port, port]), names: [] } as never
}

describe('compare: what one end says', () => {
  // To look at every range at every edge takes a hundred times as long.
  it('looks at each range of a rule once, however many there are', () => {
    const { pieces } = judgeSide(
      Array.from({ length: rulesCount }, (_, id) => ruleOf(id)),
      new Map(),
    )
    const allowed = pieces.filter(piece => piece.allowed && piece.rules.length > 0)
    expect(allowed).to.have.lengthOf(rulesCount * rangesCount)
    expect(new Set(allowed.map(({ rules }) => rules.length))).to.deep.equal(new Set([1]))
  }).timeout(8000)
})
