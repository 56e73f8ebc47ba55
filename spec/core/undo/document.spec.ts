import { canonicalJson } from '@weir/core/json.js'
import { type Edit, edited, editedLines, editsBetween, editText, valueAt } from '@weir/core/undo/document.js'
import { expect } from 'chai'
import fc from 'fast-check'
import { sampling } from '../../oracle/generate/seed.js'

const { value } = fc.letrec<{ value: unknown }>(tie => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom('x', 'y', 1, true),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('a', 'b', 'c'), tie('value')),
  ),
}))
const documents = fc.dictionary(fc.constantFrom('a', 'b', 'c'), value)

/** Each made where it stands, from behind: so none moves the place of another. */
const allOf = (document: unknown, edits: readonly Edit[]): unknown =>
  [...edits].reverse().reduce<unknown>(edited, document)

describe('edits of a document', () => {
  it('lead from one to the other, and each alone changes something', () => {
    fc.assert(
      fc.property(documents, documents, (from, to) => {
        const before = canonicalJson(from)
        const edits = editsBetween(from, to)
        expect(edits.length === 0).to.equal(canonicalJson(from) === canonicalJson(to))
        expect(canonicalJson(allOf(from, edits))).to.equal(canonicalJson(to))
        for (const edit of edits) expect(canonicalJson(edited(from, edit))).to.not.equal(before)
        expect(canonicalJson(from), 'its argument stays').to.equal(before)
      }),
      sampling('edits', 300),
    )
  })

  it('are none between equal documents, and fewest where lists have items in common', () => {
    const list = { spec: { ingress: [{ a: 1 }, { b: 2 }, { c: 3 }] } }
    expect(editsBetween(list, structuredClone(list))).to.deep.equal([])
    const without = edited(list, { kind: 'remove', steps: ['spec', 'ingress', 1] })
    expect(editsBetween(list, without)).to.deep.equal([{ kind: 'remove', steps: ['spec', 'ingress', 1] }])
    const back: Edit = { kind: 'insert', steps: ['spec', 'ingress', 1], value: { b: 2 } }
    expect(editsBetween(without, list)).to.deep.equal([back])
    expect(allOf(without, [back])).to.deep.equal(list)
    expect(editsBetween({ a: [{ x: 1 }] }, { a: [{ x: 2 }] })).to.deep.equal([
      { kind: 'set', steps: ['a', 0, 'x'], value: 2 },
    ])
  })

  it('make what their place is in, and say what they are', () => {
    const made = edited({}, { kind: 'insert', steps: ['spec', 'egress', 0], value: {} })
    expect(made).to.deep.equal({ spec: { egress: [{}] } })
    expect(valueAt(made, ['spec', 'egress', 0])).to.deep.equal({})
    expect(valueAt(made, ['spec', 'nothing', 0])).to.equal(undefined)
    expect(editText({ kind: 'remove', steps: ['spec', 'ingress', 0] })).to.equal('remove spec.ingress[0]')
    expect(editText({ kind: 'set', steps: ['metadata', 'labels', 'a.b/c'], value: 'x' })).to.equal(
      'set metadata.labels[a.b/c] to "x"',
    )
    expect(editText({ kind: 'insert', steps: ['spec', 'from', 2], value: { a: 1 } })).to.equal(
      'add {"a":1} to spec.from',
    )
  })

  it('are counted by the lines of YAML that they come to', () => {
    const object = {
      spec: { podSelector: {}, ingress: [{ from: [{ x: 'y' }], ports: [{ port: 1, protocol: 'TCP' }] }] },
    }
    expect(editedLines(undefined, object)).to.equal(8)
    expect(editedLines(object, edited(object, { kind: 'set', steps: ['spec', 'podSelector'], value: 'x' }))).to.equal(2)
    const port: Edit = { kind: 'insert', steps: ['spec', 'ingress', 0, 'ports', 1], value: { port: 2 } }
    expect(editedLines(object, edited(object, port))).to.equal(1)
    expect(editedLines(object, object)).to.equal(0)
  })
})
