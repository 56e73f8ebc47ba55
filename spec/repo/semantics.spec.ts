import { expect } from 'chai'
import { none } from './none.js'
import { read, sources } from './tree.js'

const titles = new Set(
  sources('.ts')
    .filter(({ path }) => path.startsWith('spec/e2e/'))
    .flatMap(({ text }) => [...text.matchAll(/(?:\btitle:|\bit\()\s*'([^'\n]+)'/g)].map(match => match[1] ?? '')),
)

/** The meanings that the page names, each with the titles of its tests. */
const meanings = read('docs/semantics.md')
  .split(/^- /m)
  .slice(1)
  .map(text => ({
    meaning: text.slice(0, text.indexOf('\n')),
    tests: [...text.matchAll(/“(.+)”$/gm)].map(at => at[1]!),
  }))

describe('repo: meanings of policies', () => {
  it('have each a test of real packets', () => {
    expect(meanings.length).above(12)
    none(meanings.filter(({ tests }) => tests.length === 0).map(({ meaning }) => meaning))
    none(meanings.flatMap(({ tests }) => tests).filter(title => !titles.has(title)))
  })
})
