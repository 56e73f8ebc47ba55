import { containsPrefix, prefixText, type Prefix } from '@weir/core/address/address.js'
import type { Peer } from '@weir/datapath/peer.js'
import { bitsOf, PrefixOverlay, PrefixTable } from '@weir/datapath/plan/prefix-table.js'
import { expect } from 'chai'
import fc from 'fast-check'

const peerOf = (identity: number): Peer => ({ identity, peerClass: 1, subject: 0, slot: 0 })

/** Few enough to lie within each other often. */
const prefix = fc
  .record({ family: fc.constantFrom<4 | 6>(4, 6), byte: fc.constantFrom(0, 10, 0x80), length: fc.nat(9) })
  .map(({ family, byte, length }) =>
    bitsOf(family === 4 ? `${byte}.0.0.0/${length}` : `${byte.toString(16)}00::/${length}`),
  )
const rows = fc.array(fc.tuple(prefix, fc.option(fc.nat(1000), { nil: undefined })), { maxLength: 12 })

/** The longest of a list's prefixes around another, by looking at each. */
function longestOf(held: ReadonlyMap<string, number>, bits: Prefix, below: number): number | undefined {
  const around = [...held]
    .map(([text, identity]) => ({ outer: bitsOf(text), identity }))
    .filter(({ outer }) => outer.length < below && containsPrefix(outer, bits))
  return around.sort((a, b) => b.outer.length - a.outer.length)[0]?.identity
}

function put(held: Map<string, number>, bits: Prefix, identity: number | undefined): void {
  if (identity === undefined) held.delete(prefixText(bits))
  else held.set(prefixText(bits), identity)
}

describe('prefixes that a plan looks up', () => {
  it('are found as by looking at each, with and without changes on top', () => {
    fc.assert(
      fc.property(rows, rows, prefix, fc.nat(10), (base, changes, asked, below) => {
        const table = new PrefixTable()
        const held = new Map<string, number>()
        for (const [bits, identity] of base) {
          table.set(bits, identity === undefined ? undefined : peerOf(identity))
          put(held, bits, identity)
        }
        expect(table.covering(asked, below)?.identity).to.equal(longestOf(held, asked, below))
        expect(table.get(asked)?.identity).to.equal(held.get(prefixText(asked)))
        expect([...table].map(([text, { identity }]) => [text, identity])).to.have.deep.members([...held])
        expect(table.size).to.equal(held.size)
        const overlay = new PrefixOverlay(table)
        for (const [bits, identity] of changes) {
          overlay.set(bits, identity === undefined ? undefined : peerOf(identity))
          put(held, bits, identity)
        }
        expect(overlay.covering(asked, below)?.identity).to.equal(longestOf(held, asked, below))
      }),
      { numRuns: 2000 },
    )
  })
})
