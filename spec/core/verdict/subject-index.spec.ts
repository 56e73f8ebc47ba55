import { expect } from 'chai'
import fc from 'fast-check'
import { matchesSelector } from '@weir/core'
import { KeyUse } from '@weir/core/verdict/key-use.js'
import type { SelectorEntry, Shape, SubjectAtom } from '@weir/core/verdict/model.js'
import { SelectorIndex } from '@weir/core/verdict/selector-index.js'
import { SubjectIndex } from '@weir/core/verdict/subject-index.js'
import { labels, selector } from './labels-at-random.js'

const shapeOf = (key: string, labels: ReadonlyMap<string, string>): Shape => ({
  key,
  kind: 'pod',
  labels,
  identityLabels: [],
  ports: new Map(),
  references: 0,
  judged: new Set(),
})

const keysOf = (things: Iterable<Shape | SelectorEntry>): string[] =>
  [...things].map(thing => ('key' in thing ? thing.key : thing.selectorKey)).sort()

const step = fc.oneof(
  fc.record({ add: selector }),
  fc.record({ shape: labels }),
  fc.record({ drop: fc.nat() }),
  fc.record({ end: fc.nat() }),
)

describe('SubjectIndex', () => {
  it('knows what matches what, as selectors and shapes come and go', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25 }), steps => {
        const keys = new KeyUse()
        const index = new SubjectIndex(keys)
        const atoms: SubjectAtom[] = []
        const shapes: Shape[] = []
        let made = 0
        for (const each of steps) {
          if ('add' in each) atoms.push(index.acquire(each.add))
          else if ('shape' in each) {
            const shape = shapeOf(`${made++}`, each.shape)
            shapes.push(shape)
            expect(index.add(shape)).to.equal(true)
            expect(index.add(shape)).to.equal(false)
          } else if ('drop' in each && atoms.length > 0) index.release(atoms.splice(each.drop % atoms.length, 1)[0]!)
          else if ('end' in each && shapes.length > 0) {
            const [shape] = shapes.splice(each.end % shapes.length, 1)
            index.remove(shape!)
            // Once more is no harm.
            index.remove(shape!)
            expect([...index.matchesOf(shape!)]).to.deep.equal([])
          }
          const inForce = new Set(atoms)
          expect(new Set(atoms.map(({ selectorKey }) => selectorKey)).size).to.equal(inForce.size)
          for (const shape of shapes) {
            const expected = [...inForce].filter(atom => matchesSelector(atom.selector, shape.labels))
            expect(keysOf(index.matchesOf(shape))).to.deep.equal(keysOf(expected))
            expect(keysOf(index.matching(shape.labels))).to.deep.equal(keysOf(expected))
          }
          for (const atom of inForce) {
            const expected = shapes.filter(shape => matchesSelector(atom.selector, shape.labels))
            expect(keysOf(atom.shapes)).to.deep.equal(keysOf(expected))
          }
          for (const name of ['x', 'y', 'z']) {
            expect(keys.has(name)).to.equal(
              [...inForce].some(({ selector }) => selector.some(({ key }) => key === name)),
            )
          }
        }
      }),
      { numRuns: 200 },
    )
  })
})

describe('SelectorIndex', () => {
  const app = { key: 'app', operator: 'In', values: ['web'] } as const
  const team = { key: 'team', operator: 'Exists', values: [] } as const

  /** How often labels with both keys were held against a selector. */
  function asked(population: (key: string) => number): number {
    let count = 0
    const watched = (requirement: typeof app | typeof team) =>
      new Proxy(requirement, {
        get: (target, field) => {
          if (field === 'operator' && counting) count += 1
          return target[field as keyof typeof target]
        },
      })
    let counting = false
    const index = new SelectorIndex<SelectorEntry>(new KeyUse(), ({ key }) => population(key))
    index.acquire([watched(app), watched(team)], fields => fields)
    counting = true
    index.matching(new Map([['team', 'x']]))
    return count
  }

  it('forgets a selector that names a value twice', () => {
    const index = new SelectorIndex<SelectorEntry>(new KeyUse())
    const entry = index.acquire([{ key: 'app', operator: 'In', values: ['web', 'web'] }], fields => fields)
    expect(index.release(entry)).to.equal(true)
    expect(index.matching(new Map([['app', 'web']]))).to.deep.equal([])
  })

  it('hangs a selector on the requirement that the fewest meet: labels without it never meet the selector', () => {
    expect(asked(key => (key === 'app' ? 1 : 1000))).to.equal(0)
    expect(asked(key => (key === 'app' ? 1000 : 1))).to.be.greaterThan(0)
  })
})
