import { spawnSync } from 'node:child_process'
import { matrixLines } from '@weir/adapters/cli/render/matrix.js'
import { matrixOf, type Matrix } from '@weir/core'
import { expect } from 'chai'
import { allow, engineOf, pod } from '../agent/cluster.js'
import { parseDot } from './dot.js'

/** Names that need quoting everywhere: labels of a manifest can't have them, events of another hand may. */
const odd = ['qu"oted', 'back\\slash', 'ends\\', 'pi|pe', 'a -> b', '[x]', '{y}']

const engine = engineOf([
  { kind: 'agent.configured', agent: { node: 'n1', cluster: 'default', labelFilter: [] } },
  { kind: 'namespace.upserted', namespace: { name: 'shop', labels: { team: 'x' } } },
  { kind: 'pod.upserted', pod: pod('db', '10.0.0.1') },
  ...odd.map(
    (value, at) =>
      ({ kind: 'pod.upserted', pod: pod(`p${at}`, `10.0.1.${at + 2}`, { labels: { app: value } }) }) as const,
  ),
  { kind: 'networkpolicy.upserted', policy: allow('db', 'db', odd[0]!, 80) },
])

const groupings = ['workload', 'namespace', { label: 'app' }, { label: 'team' }, { label: 'nobody' }] as const

const dot = (matrix: Matrix): string => matrixLines(matrix, 'dot').join('\n')

describe('forms of a matrix', () => {
  for (const by of groupings) {
    const name = typeof by === 'string' ? by : `label ${by.label}`
    const matrix = matrixOf(engine, by)

    it(`are a graph that says the same as the matrix, by ${name}`, () => {
      const { nodes, edges } = parseDot(dot(matrix))
      const passing = matrix.cells.filter(({ some, l7 }) => some.length + l7.length > 0)
      expect([...nodes].sort()).to.deep.equal([...matrix.parties].map(quotedTwice).sort())
      expect(edges.map(({ from, to }) => `${from} → ${to}`)).to.deep.equal(
        passing.map(({ from, to }) => `${quotedTwice(from)} → ${quotedTwice(to)}`),
      )
      for (const { attributes } of edges) expect(attributes.label).to.not.equal('')
    })

    it(`are a graph that Graphviz reads, by ${name}`, () => {
      const ran = spawnSync('dot', ['-Tplain'], { input: dot(matrix), encoding: 'utf8' })
      if (ran.error !== undefined) {
        // The grammar above is what a machine without Graphviz can hold it to.
        expect((ran.error as NodeJS.ErrnoException).code).to.equal('ENOENT')
        return
      }
      expect(ran.stderr).to.equal('')
      expect(ran.stdout.split('\n').filter(line => line.startsWith('node '))).to.have.length(matrix.parties.length)
    })

    it(`are a table with as many columns in each line, by ${name}`, () => {
      const [head, ...rows] = matrixLines(matrix, 'markdown')
      const columns = (line: string): number => line.replaceAll('\\|', '').split('|').length
      for (const row of rows) expect(columns(row)).to.equal(columns(head!))
      expect(rows).to.have.length(matrix.parties.length + 1)
    })
  }

  it('are a grid with a line for each party', () => {
    const matrix = matrixOf(engine, 'namespace')
    const lines = matrixLines(matrix, 'text')
    expect(lines[1]).to.match(/^shop +1 +◐/)
    expect(lines.filter(line => line.startsWith('shop → shop : '))).to.have.length(1)
  })
})

/** Graphviz keeps a doubled backslash in a name, and shows it as one. */
const quotedTwice = (name: string): string => name.replaceAll('\\', '\\\\')
