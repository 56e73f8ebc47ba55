import { expect } from 'chai'
import fc from 'fast-check'
import type { AddressSource } from '@weir/core/policy/address-source.js'
import { AddressSets, type AddressSet, type Topic } from '@weir/core/verdict/address-sets.js'
import { is } from '../log.js'

const names = ['x.org', 'a.x.org', 'b.x.org']
const topic: fc.Arbitrary<Topic> = fc.oneof(
  fc.constantFrom(...names).map(name => ({ kind: 'name' as const, name })),
  fc.record({
    kind: fc.constant('group' as const),
    name: fc.constantFrom('g', 'h'),
    labels: fc.constantFrom({}, { team: 'x' }, { team: 'y' }),
  }),
  fc.constantFrom('g', 'h').map(name => ({ kind: 'group' as const, name })),
  fc.constantFrom('a/s', 'a/t', 'b/s').map(name => ({ kind: 'endpoints' as const, name })),
)
const sources: readonly AddressSource[] = [
  { kind: 'name', name: 'x.org' },
  { kind: 'name', name: 'a.x.org' },
  { kind: 'pattern', pattern: '*.x.org' },
  { kind: 'pattern', pattern: '*' },
  { kind: 'group', name: 'g' },
  { kind: 'groups', selector: [is('team', 'x')] },
  { kind: 'groups', selector: [] },
  { kind: 'endpoints', namespace: 'a', service: 's' },
]
const blocks = { '10.0.0.1': '10.0.0.1/32', '10.1.0.0/8': '10.0.0.0/8', 'fd00::1': 'fd00::1/128', none: undefined }
const addresses = fc.array(fc.constantFrom(...(Object.keys(blocks) as (keyof typeof blocks)[])), { maxLength: 4 })
const step = fc.oneof(
  fc.record({ bringer: fc.constantFrom('1', '2', '3'), topic: fc.option(topic, { nil: undefined }), addresses }),
  fc.record({ acquire: fc.constantFrom(...sources) }),
  fc.record({ release: fc.nat() }),
  fc.constant('follow' as const),
)

/** What a source has, asked of everything that is brought. */
function meant(source: AddressSource, { kind, name, labels }: Topic): boolean {
  switch (source.kind) {
    case 'name':
      return kind === 'name' && name === source.name
    case 'pattern':
      return kind === 'name' && (source.pattern === '*' || name.endsWith('.x.org'))
    case 'group':
      return kind === 'group' && name === source.name
    case 'groups':
      return kind === 'group' && (source.selector.length === 0 || labels?.team === 'x')
    case 'endpoints':
      return kind === 'endpoints' && name === `${source.namespace}/${source.service}`
  }
}

describe('AddressSets', () => {
  it('have what is brought under the topics of their source, and say which blocks came or went', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), steps => {
        const sets = new AddressSets()
        const brought = new Map<string, { topic: Topic; blocks: readonly string[] }>()
        const held: AddressSet[] = []
        const followed = new Map<AddressSet, ReadonlySet<string>>()
        const labels = new Map<string, Topic['labels']>()
        const now = (source: AddressSource): readonly string[] => {
          const found = [...brought.values()].filter(each =>
            meant(source, { ...each.topic, labels: labels.get(each.topic.name) ?? {} }),
          )
          return [...new Set(found.flatMap(each => each.blocks))].sort()
        }
        for (const each of steps) {
          if (each === 'follow') {
            for (const set of sets.dirty) {
              followed.set(set, new Set(set.members.keys()))
              set.dirty.clear()
            }
            sets.dirty.clear()
          } else if ('bringer' in each) {
            sets.put(each.bringer, each.topic, each.addresses)
            if (each.topic === undefined) brought.delete(each.bringer)
            else {
              const texts = each.addresses.map(text => blocks[text]).filter(text => text !== undefined)
              brought.set(each.bringer, { topic: each.topic, blocks: texts })
              if (each.topic.kind === 'group') labels.set(each.topic.name, each.topic.labels)
            }
          } else if ('acquire' in each) {
            const set = sets.acquire(each.acquire)
            if (!held.includes(set)) followed.set(set, new Set())
            held.push(set)
          } else if (held.length > 0) {
            const [set] = held.splice(each.release % held.length, 1)
            sets.release(set!)
          }
          for (const source of sources) expect(sets.membersOf(source), source.kind).to.deep.equal(now(source))
          for (const set of held) expect([...set.members.keys()].sort()).to.deep.equal(now(set.source))
          for (const set of sets.dirty) expect(held).to.include(set)
          for (const set of new Set(held)) {
            const [before, after] = [followed.get(set)!, new Set(set.members.keys())]
            for (const block of [...before, ...after]) {
              if (before.has(block) === after.has(block)) continue
              expect(set.dirty.has(block), block).to.equal(true)
              expect(sets.dirty.has(set)).to.equal(true)
            }
          }
        }
      }),
      { numRuns: 400 },
    )
  })
  it('follow a group that is labelled anew, with all that it has', () => {
    const sets = new AddressSets()
    const set = sets.acquire({ kind: 'groups', selector: [is('team', 'x')] })
    const group = (team: string): Topic => ({ kind: 'group', name: 'g', labels: { team } })
    const members = () => [...set.members.keys()].sort()
    sets.put('1', group('y'), ['10.0.0.1'])
    expect(members()).to.deep.equal([])
    sets.put('2', group('x'), ['10.0.0.2'])
    expect(members()).to.deep.equal(['10.0.0.1/32', '10.0.0.2/32'])
    sets.put('1', group('y'), ['10.0.0.1', '10.0.0.3'])
    expect(members()).to.deep.equal([])
  })
  it('count how often a block is brought', () => {
    const sets = new AddressSets()
    const set = sets.acquire({ kind: 'pattern', pattern: '*' })
    sets.put('1', { kind: 'name', name: 'x.org' }, ['10.0.0.1', '10.0.0.1'])
    sets.put('2', { kind: 'name', name: 'y.org' }, ['10.0.0.1', '10.0.0.2'])
    expect([...set.members]).to.deep.equal([
      ['10.0.0.1/32', 2],
      ['10.0.0.2/32', 1],
    ])
  })
  it('are one for equal sources, until the last lets go', () => {
    const sets = new AddressSets()
    const source: AddressSource = { kind: 'pattern', pattern: '*.x.org' }
    const [first, second] = [sets.acquire(source), sets.acquire({ ...source })]
    expect(second).to.equal(first)
    sets.release(first)
    expect(sets.acquire(source)).to.equal(first)
    sets.release(first)
    sets.release(first)
    expect(sets.acquire(source)).not.to.equal(first)
  })
  it('are left alone by what is none of their business', () => {
    const sets = new AddressSets()
    const gone = sets.acquire({ kind: 'pattern', pattern: '*' })
    const named = sets.acquire({ kind: 'name', name: 'x.org' })
    sets.release(gone)
    sets.put('1', { kind: 'name', name: 'y.org' }, ['10.0.0.1'])
    sets.put('2', { kind: 'group', name: 'x.org' }, ['10.0.0.1'])
    sets.put('3', { kind: 'name', name: 'x.org' }, ['nobody'])
    expect([sets.dirty.size, named.dirty.size, gone.members.size]).to.deep.equal([0, 0, 0])
  })
})
