import { expect } from 'chai'
import fc from 'fast-check'
import { canonicalSelector, matchesSelector, type Requirement } from '@weir/core'
import { KeyUse } from '@weir/core/verdict/key-use.js'
import type { SelectorEntry, Shape } from '@weir/core/verdict/model.js'
import { SelectorIndex } from '@weir/core/verdict/selector-index.js'

const key = fc.constantFrom('x', 'y', 'z')
const value = fc.constantFrom('1', '2', '3')
const requirement: fc.Arbitrary<Requirement> = fc.oneof(
  fc.record({
    key,
    operator: fc.constantFrom('In', 'NotIn') as fc.Arbitrary<'In' | 'NotIn'>,
    values: fc.uniqueArray(value, { minLength: 1, maxLength: 2 }).map(values => values.sort()),
  }),
  fc.record({
    key,
    operator: fc.constantFrom('Exists', 'DoesNotExist') as fc.Arbitrary<'Exists' | 'DoesNotExist'>,
    values: fc.constant([]),
  }),
)
const selector = fc.array(requirement, { maxLength: 3 }).map(canonicalSelector)
const labels = fc.dictionary(key, value).map(record => new Map(Object.entries(record)))

const shapeOf = (key: string, labels: ReadonlyMap<string, string>): Shape => ({
  key,
  kind: 'pod',
  labels,
  identityLabels: [],
  ports: new Map(),
  groups: new Set(),
  references: 0,
  judged: new Set(),
})

const keysOf = (things: Iterable<Shape | SelectorEntry>): string[] =>
  [...things].map(thing => ('key' in thing ? thing.key : thing.selectorKey)).sort()

describe('SelectorIndex', () => {
  it('knows what matches what, as selectors and shapes come and go, and names each shape that a selector changed', () => {
    const step = fc.oneof(
      fc.record({ add: selector }),
      fc.record({ shape: labels }),
      fc.record({ drop: fc.nat() }),
      fc.record({ end: fc.nat() }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25 }), steps => {
        const changed = new Set<Shape>()
        const keys = new KeyUse()
        const index = new SelectorIndex<SelectorEntry>(keys, shape => changed.add(shape))
        const entries: SelectorEntry[] = []
        const shapes: Shape[] = []
        let made = 0
        for (const each of steps) {
          changed.clear()
          const touched = new Set<Shape>()
          if ('add' in each) {
            const fresh = !entries.some(({ selector }) => JSON.stringify(selector) === JSON.stringify(each.add))
            entries.push(index.acquire(each.add, fields => fields))
            if (fresh) for (const shape of shapes) if (matchesSelector(each.add, shape.labels)) touched.add(shape)
          } else if ('shape' in each) {
            const shape = shapeOf(`${made++}`, each.shape)
            shapes.push(shape)
            index.add(shape)
          } else if ('drop' in each && entries.length > 0) {
            const [entry] = entries.splice(each.drop % entries.length, 1)
            const last = index.release(entry!)
            if (last) for (const shape of shapes) if (matchesSelector(entry!.selector, shape.labels)) touched.add(shape)
          } else if ('end' in each && shapes.length > 0) {
            const [shape] = shapes.splice(each.end % shapes.length, 1)
            index.remove(shape!)
          }
          expect(keysOf(changed)).to.deep.equal(keysOf(touched))
          const inForce = new Set(entries)
          expect(index.size).to.equal(inForce.size)
          for (const shape of shapes) {
            const expected = [...inForce].filter(entry => matchesSelector(entry.selector, shape.labels))
            expect(keysOf(index.matchesOf(shape)!)).to.deep.equal(keysOf(expected))
            expect(keysOf(index.matching(shape.labels))).to.deep.equal(keysOf(expected))
            for (const entry of inForce) expect(entry.shapes.has(shape)).to.equal(expected.includes(entry))
          }
          for (const name of ['x', 'y', 'z']) {
            expect(keys.has(name)).to.equal([...inForce].some(entry => entry.selector.some(({ key }) => key === name)))
          }
        }
      }),
      { numRuns: 200 },
    )
  })
})
