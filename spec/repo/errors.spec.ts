import { expect } from 'chai'
import { none } from './none.js'
import { read, scripts, withoutComments } from './tree.js'

const declared = [...read('core/src/errors.ts').matchAll(/^ {2}(WEIR_[A-Z0-9_]+):/gm)].map(match => match[1] ?? '')

describe('repo: error codes', () => {
  it('finds codes at all', () => expect(declared).not.empty)

  it('are each explained in docs/errors.md, which explains no others', () => {
    const explained = [...read('docs/errors.md').matchAll(/^## (WEIR_[A-Z0-9_]+)\s*$/gm)].map(match => match[1] ?? '')
    expect([...explained].sort()).deep.equals([...declared].sort())
  })

  it('are each raised somewhere outside the tests, and none is raised that is not declared', () => {
    const code = scripts()
      .filter(({ path }) => !path.startsWith('spec/') && path !== 'core/src/errors.ts')
      .map(({ text }) => withoutComments(text))
      .join('\n')
    const quoted = new Set([...code.matchAll(/'(WEIR_[A-Z0-9_]+)'/g)].map(match => match[1] ?? ''))
    none(
      declared.filter(name => !quoted.has(name)),
      'declared, never raised',
    )
    const raised = [...code.matchAll(/new WeirError\(\s*'([A-Z0-9_]+)'/g)].map(match => match[1] ?? '')
    none(
      raised.filter(name => !declared.includes(name)),
      'raised, not declared',
    )
  })
})
