import { none } from './none.js'
import { exists, read } from './tree.js'

interface Explained {
  readonly why: string
  readonly mutants: readonly { readonly file: string; readonly code: string; readonly becomes: string }[]
}

describe('repo: mutation tests', () => {
  it('explain no survivor in code that is gone', () => {
    const explained = JSON.parse(read('setup/mutation/explained.json')) as readonly Explained[]
    const gone = explained
      .flatMap(({ mutants }) => mutants)
      .filter(({ file, code }) => !exists(file) || !read(file).replace(/\s+/g, ' ').includes(code))
    none(gone.map(({ file, code }) => `${file}: ${code}`))
  })
  it('show each explanation and the score of each file that is there', () => {
    const page = read('docs/mutation.md')
    const explained = JSON.parse(read('setup/mutation/explained.json')) as readonly Explained[]
    none(explained.filter(({ why }) => !page.includes(why)).map(({ why }) => why))
    const files = [...page.matchAll(/^\| `(.+\.ts)` \|/gm)].map(([, file = '']) => file)
    none(files.filter(file => !exists(file)))
  })
})
