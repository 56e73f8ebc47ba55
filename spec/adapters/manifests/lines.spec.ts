import { readDocument } from '@weir/adapters/manifests/document.js'
import { readManifestText } from '@weir/adapters/manifests/file.js'
import { manifestLimits } from '@weir/adapters/manifests/limits.js'
import { splitDocuments } from '@weir/adapters/manifests/split.js'
import { fieldPath, itemPath } from '@weir/core/input/path.js'
import { expect } from 'chai'
import fc from 'fast-check'
import { isRight } from 'fp-ts/lib/Either.js'
import { stringify } from 'yaml'
import { namespace, policy } from './folder.js'

const key = fc
  .stringMatching(/^[a-z][a-zA-Z./-]{0,8}$/)
  .filter(name => !/^(y|n|yes|no|on|off|true|false|null)$/i.test(name))
const { tree } = fc.letrec(tie => ({
  tree: fc.oneof(
    { depthSize: 'small' },
    fc.integer(),
    fc.array(tie('tree'), { minLength: 1, maxLength: 3 }),
    fc.dictionary(key, tie('tree'), { minKeys: 1, maxKeys: 3 }),
  ),
}))

/** More in a long run: `WEIR_FUZZ_RUNS=20000`. */
const runs = Number(process.env.WEIR_FUZZ_RUNS ?? 200)

/** Every leaf with the path to it; leaves are numbered so that each line of the text tells whose it is. */
const numbered = (value: unknown, path: string, leaves: string[]): unknown => {
  if (Array.isArray(value)) return value.map((item, index) => numbered(item, itemPath(path, index), leaves))
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(
      Object.entries(value).map(([name, item]) => [name, numbered(item, fieldPath(path, name), leaves)]),
    )
  return `leaf-${leaves.push(path) - 1}-`
}

describe('manifests: lines', () => {
  it('leads from the path of every field to its line, whatever stands before', () => {
    fc.assert(
      fc.property(fc.dictionary(key, tree, { minKeys: 1, maxKeys: 4 }), fc.nat(5), (value, comments) => {
        const leaves: string[] = []
        const text = `${'# c\n'.repeat(comments)}---\n${stringify(numbered(value, '', leaves))}`
        const lines = `${namespace('first')}${text}`.split('\n')
        const source = [...splitDocuments(`${namespace('first')}${text}`)].at(-1)!
        const read = readDocument(source, manifestLimits)
        if (!isRight(read)) throw new Error(read.left.message)
        for (const [index, path] of leaves.entries())
          expect(lines[read.right.lineOf(path) - 1], path).to.contain(`leaf-${index}-`)
      }),
      { numRuns: 60 },
    )
  })

  it('cuts a stream so that the pieces are the stream', () => {
    const line = fc.constantFrom(
      '---',
      '...',
      '--- # c',
      'a: 1',
      '# c',
      '',
      '  b: |',
      '%YAML 1.2',
      '----',
      ' ---',
      '--- {a: 1}',
    )
    fc.assert(
      fc.property(fc.array(line, { maxLength: 12 }), lines => {
        const stream = lines.join('\n')
        for (const piece of splitDocuments(stream)) {
          const first = stream
            .split('\n')
            .slice(piece.line - 1)
            .join('\n')
          expect(first.startsWith(piece.text)).to.equal(true)
        }
        const kept = [...splitDocuments(stream)].map(({ text }) => text).join('\n')
        for (const content of ['a: 1', '  b: |', '--- {a: 1}'])
          expect(kept.split(content).length).to.equal(stream.split(content).length)
      }),
      { numRuns: 500 },
    )
  })

  it('reads any damaged text to the end without throwing, and every problem has a line of the file', () => {
    const text = [
      namespace('a'),
      policy(
        'p',
        '\n  podSelector: {matchLabels: {a: b}}\n  ingress:\n  - from: [{podSelector: {}}]\n    ports:\n    - {port: 80}\n',
      ),
    ].join('---\n')
    const scrap = fc.oneof(
      fc.constantFrom(...'[]{}:,-?&*!|>\'"%@` \n\t#<'),
      fc.constantFrom('---\n', '&a ', '*a', '<<: ', '\u2028', '\0', '- '),
      fc.string(),
    )
    const cut = fc.tuple(fc.nat(text.length), fc.nat(8), scrap)
    fc.assert(
      fc.property(fc.array(cut, { minLength: 1, maxLength: 6 }), cuts => {
        let damaged = text
        for (const [at, length, insert] of cuts) damaged = damaged.slice(0, at) + insert + damaged.slice(at + length)
        const reading = readManifestText('f', damaged, manifestLimits)
        const count = damaged.split('\n').length
        const refusals = [
          ...reading.entries.filter(entry => 'problems' in entry),
          ...(reading.refusal ? [reading.refusal] : []),
        ]
        for (const { problems } of refusals) for (const { line } of problems) expect(line).to.be.within(1, count)
      }),
      { numRuns: runs },
    )
  })
})
