import { expect } from 'chai'
import { none } from './none.js'
import { scripts, withoutComments } from './tree.js'

/** An exported name and the file that exports it. */
interface Export {
  readonly path: string
  readonly name: string
}

const files = scripts().map(({ path, text }) => ({ path, code: withoutComments(text) }))

/** Names that a file declares for others, those that it hands on from elsewhere left out. */
function exportsOf({ path, code }: (typeof files)[number]): readonly Export[] {
  const declared = code.matchAll(
    /^export (?:declare )?(?:abstract )?(?:async )?(?:const|let|function\*?|class|interface|type|enum) (\w+)/gm,
  )
  return [...declared].map(match => ({ path, name: match[1]! }))
}

const all = files.filter(({ path }) => !path.includes('/bench/')).flatMap(exportsOf)

/** The files that each word occurs in. */
const filesWith = new Map<string, Set<string>>()
for (const { path, code } of files)
  for (const [word] of code.matchAll(/\w+/g)) {
    const found = filesWith.get(word)
    if (found === undefined) filesWith.set(word, new Set([path]))
    else found.add(path)
  }

describe('repo: exports', () => {
  it('finds exports at all', () => expect(all.length).above(500))

  it('are each used somewhere: what nothing mentions is dead', () => {
    const dead = all.filter(({ path, name }) => usersOf(name).every(user => user === path) && countIn(path, name) === 1)
    none(dead.map(({ path, name }) => `${path}: ${name}`))
  })
})

const usersOf = (name: string): readonly string[] => [...(filesWith.get(name) ?? [])]

const countIn = (path: string, name: string): number =>
  [...files.find(file => file.path === path)!.code.matchAll(new RegExp(`\\b${name}\\b`, 'g'))].length
