import { readDocument, readWholeDocument } from '@weir/adapters/manifests/document.js'
import { manifestLimits } from '@weir/adapters/manifests/limits.js'
import { readPlain } from '@weir/adapters/manifests/plain.js'
import { expect } from 'chai'
import fc from 'fast-check'
import { isRight } from 'fp-ts/lib/Either.js'
import { parse } from 'yaml'
import { deployment, namespace, pod, policy } from './folder.js'

const samples = [
  namespace('a'),
  policy('p'),
  pod('p'),
  deployment('web', 2),
  `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: policy-1
  namespace: shop
  labels:
    app.kubernetes.io/name: web
spec:
  podSelector: {}
  policyTypes: [Ingress, Egress]
  ingress:
  - from:
    - ipBlock:
        cidr: 10.0.0.0/8
        except:
          - "10.1.0.0/16"
          - 10.2.0.0/16
    - podSelector:
        matchExpressions:
          - key: app
            operator: In
            values: [web, api]
        matchLabels:
          tier: 'front'
    ports:
      - protocol: TCP
        port: 8080
        endPort: 8090
  egress: []
`,
]

/** Every path of a value, and some that lead to nothing. */
function* pathsOf(value: unknown, path = ''): Generator<string> {
  yield path
  yield path === '' ? 'missing' : `${path}.missing`
  if (Array.isArray(value)) for (const [at, item] of value.entries()) yield* pathsOf(item, `${path}[${at}]`)
  else if (typeof value === 'object' && value !== null)
    for (const [key, item] of Object.entries(value))
      if (/^[A-Za-z]+$/.test(key)) yield* pathsOf(item, path === '' ? key : `${path}.${key}`)
}

/** Whether the short way reads it; if so, the whole reader must read the same, with every line. */
function agrees(text: string): boolean {
  if (readPlain(text) === undefined) return false
  const source = { text, line: 7 }
  const short = readDocument(source, manifestLimits)
  const whole = readWholeDocument(source, manifestLimits)
  if (!isRight(short) || !isRight(whole)) throw new Error(`only one of two reads ${JSON.stringify(text)}`)
  expect(short.right.data).to.deep.equal(whole.right.data)
  expect(JSON.stringify(short.right.data), 'in the same order').to.equal(JSON.stringify(whole.right.data))
  for (const path of pathsOf(whole.right.data))
    expect(short.right.lineOf(path), `line of '${path}' in ${JSON.stringify(text)}`).to.equal(whole.right.lineOf(path))
  return true
}

const pieces = fc.constantFrom(
  ...[
    'a',
    'b: 1',
    'c:',
    '- ',
    '-',
    ' ',
    '  ',
    '\n',
    '\n  ',
    '\n    ',
    ': ',
    ':',
    '#',
    ' # x',
    '"',
    "'",
    '[',
    ']',
    '{}',
  ],
  ...[
    '[]',
    '[a, 1]',
    '[a,]',
    ',',
    'true',
    'yes',
    'y: 2',
    'null',
    '~',
    '0',
    '007',
    '1.5',
    '1e3',
    'e7',
    '10.0.0.1',
    '0x1f',
  ],
  ...[
    '1:30',
    '2001-01-01',
    '---',
    '\n---\n',
    '...',
    '&a',
    '*a',
    '<<: ',
    '|',
    '>',
    '!x',
    '%',
    '?',
    '? a',
    '-a',
    '- - a',
  ],
  ...['a b', '"x y"', "'x: y'", 'é', '\t', '\r', '.', '_', 'a.b/c', '__proto__: 1', '.inf', '.nan', '=', '\\'],
)

const mutated = fc
  .tuple(
    fc.constantFrom(samples[0]!, samples[4]!, samples[4]!, ...samples),
    fc.array(fc.record({ at: fc.nat(1000), remove: fc.nat(6), insert: fc.option(pieces, { nil: '' }) }), {
      minLength: 1,
      maxLength: 4,
    }),
  )
  .map(([sample, edits]) =>
    edits.reduce((text, { at, remove, insert }) => {
      const place = at % (text.length + 1)
      return text.slice(0, place) + insert + text.slice(place + remove)
    }, sample),
  )

describe('manifests: the short way through plain YAML', () => {
  it('is taken by manifests as most are written', () => {
    expect(samples.map(agrees)).to.deep.equal([true, false, false, false, true])
  })

  it('reads what it reads as the whole reader does, however a text was bent', () => {
    let taken = 0
    fc.assert(
      fc.property(mutated, text => {
        if (agrees(text)) taken += 1
      }),
      { numRuns: 4000 },
    )
    expect(taken, 'texts that went the short way').to.be.greaterThan(80)
  })

  it('reads soups of pieces as the whole reader does', () => {
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 12 }), parts => void agrees(parts.join(''))),
      { numRuns: 4000 },
    )
  })

  it('leaves to the whole reader what it does not know', () => {
    for (const text of [
      'a: yes\n',
      'a: 1.5\n',
      'a: &x 1\n',
      'a: |\n  b\n',
      'a: b # c\n',
      'a: 1\na: 2\n',
      '- a\n',
      'a:\tb\n',
    ])
      expect(readPlain(text), text).to.equal(undefined)
    expect(parse('a: 10.0.0.1\n')).to.deep.equal(readPlain('a: 10.0.0.1\n')?.data)
  })
})
