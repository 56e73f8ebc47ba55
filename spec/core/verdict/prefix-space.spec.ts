import { expect } from 'chai'
import fc from 'fast-check'
import { containsPrefix, parsePrefix, prefixText, type Prefix } from '@weir/core/address/address.js'
import { BlockSet } from '@weir/core/verdict/block-set.js'
import type { CidrAtom, KnownAddress, NamedPrefix, PeerGroup } from '@weir/core/verdict/model.js'
import { PrefixSpace } from '@weir/core/verdict/prefix-space.js'

const prefixes = [
  '0.0.0.0/0',
  '10.0.0.0/8',
  '10.0.0.0/9',
  '10.128.0.0/9',
  '10.0.0.0/16',
  '10.0.1.0/24',
  '10.0.1.7/32',
  '20.0.0.0/8',
  '::/0',
  'fd00::/8',
  'fd00::/64',
  'fd00::7/128',
]
const addresses = ['10.0.1.7', '10.0.1.8', '10.0.2.1', '10.200.0.1', '30.0.0.1', 'fd00::7', 'fd01::1', 'fe80::1']

const parsed = (text: string): Prefix => parsePrefix(text)!

const atomOf = (id: number, holes: readonly string[]): CidrAtom => ({
  kind: 'cidr',
  id,
  text: `atom ${id}`,
  classes: new Set(),
  subjects: new Set(),
  scope: 'any',
  blocks: new BlockSet(),
  holes: holes.map(parsed),
  uses: new Map(),
  references: 1,
})

const isIn = (block: Prefix, holes: readonly Prefix[], prefix: Prefix): boolean =>
  containsPrefix(block, prefix) && !holes.some(hole => containsPrefix(hole, prefix))

/** A space, and what it told. */
function listenedTo() {
  const named = new Set<NamedPrefix>()
  const holding = new Map<NamedPrefix, Set<CidrAtom>>()
  const known = new Map<string, KnownAddress>()
  const space = new PrefixSpace({
    prefixAdded: each => {
      expect(named.has(each)).to.equal(false)
      named.add(each)
      holding.set(each, new Set(each.atoms))
    },
    prefixRemoved: each => expect(named.delete(each)).to.equal(true),
    addressMoved: (address, to) => {
      expect(known.get(address.address), `${address.address} is there`).to.equal(address)
      expect(to, `${address.address} moved`).not.to.equal(address.within)
      address.within = to
    },
    atomToggled: (each, atom) => {
      const atoms = holding.get(each)!
      if (!atoms.delete(atom)) atoms.add(atom)
    },
  })
  space.open()
  return { space, named, holding, known }
}

const step = fc.oneof(
  fc.record({ holes: fc.subarray(prefixes, { maxLength: 3 }) }),
  fc.record({ end: fc.nat() }),
  fc.record({ block: fc.constantFrom(...prefixes), of: fc.nat() }),
  fc.record({
    block: fc.constantFrom(...prefixes),
    holes: fc.subarray(prefixes, { maxLength: 2 }),
    of: fc.nat(),
  }),
  fc.record({ address: fc.constantFrom(...addresses) }),
)

describe('PrefixSpace', () => {
  it('knows which atoms hold within each named prefix, and the longest around each address, as all come and go', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), steps => {
        const { space, named, holding, known } = listenedTo()
        const atoms: CidrAtom[] = []
        let made = 1
        for (const each of steps) {
          if (!('block' in each) && 'holes' in each) {
            const atom = atomOf(made++, each.holes)
            atoms.push(atom)
            space.addAtom(atom)
          } else if ('end' in each && atoms.length > 0) {
            space.removeAtom(atoms.splice(each.end % atoms.length, 1)[0]!)
          } else if ('block' in each && atoms.length > 0) {
            const atom = atoms[each.of % atoms.length]!
            const holes = 'holes' in each ? each.holes : []
            const text = [each.block, ...holes].join(' except ')
            if (atom.blocks.has(text)) space.removeBlock(atom, text)
            else space.addBlock(atom, text, { block: parsed(each.block), holes: holes.map(parsed) })
          } else if ('address' in each) {
            const { address } = each
            const before = known.get(address)
            if (before === undefined) {
              const prefix = parsed(`${address}/${address.includes(':') ? 128 : 32}`)
              // Who is there is none of a space's business.
              const group = {} as PeerGroup
              const owner = { claimants: [], row: undefined, dirt: 'none' as const, isToHash: false }
              const added: KnownAddress = { address, prefix, within: space.around(prefix), group, ...owner }
              known.set(address, added)
              space.addAddress(added)
            } else {
              space.removeAddress(before)
              known.delete(address)
            }
          }
          const texts = new Set(['0.0.0.0/0', '::/0'])
          for (const { blocks, holes } of atoms) {
            for (const [, { block, holes: own }] of blocks)
              for (const one of [block, ...own]) texts.add(prefixText(one))
            for (const hole of holes) texts.add(prefixText(hole))
          }
          expect([...named].map(({ text }) => text)).to.have.members([...texts])
          for (const place of named) {
            const holds = ({ blocks, holes }: CidrAtom): boolean =>
              [...blocks].some(([, each]) => isIn(each.block, each.holes, place.prefix)) &&
              !holes.some(hole => containsPrefix(hole, place.prefix))
            expect([...place.atoms], place.text).to.have.members(atoms.filter(holds))
            expect([...holding.get(place)!], `told of ${place.text}`).to.have.members([...place.atoms])
          }
          for (const { prefix, within } of known.values()) {
            const around = [...named].filter(place => containsPrefix(place.prefix, prefix))
            const longest = around.reduce((a, b) => (b.prefix.length > a.prefix.length ? b : a))
            expect(within).to.equal(longest)
            expect(space.around(prefix)).to.equal(longest)
          }
        }
      }),
      { numRuns: 200 },
    )
  })
})
