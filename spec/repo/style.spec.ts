import { expect } from 'chai'
import { none } from './none.js'
import { paths, scripts, sources, withoutComments } from './tree.js'

const maxLines = 400

/** Files that may be longer, each with its reason. An entry that is no longer needed fails too. */
const longFiles: Readonly<Record<string, string>> = {}

/** What is banned in code, and what to write instead. */
const bannedInCode: readonly (readonly [pattern: RegExp, instead: string])[] = [
  [/(?:[:<,|&(]|\bas)\s*any\b(?!['\w-])(?=\s*[,;>)[\]|&={}\n])/, 'unknown, or the type it really has'],
  [/\bexport\s+default\b/, 'a named export'],
  [/\b(?:it|describe|context)\.(?:only|skip)\(\s*['"`]/, 'this.skip() with a stated reason'],
  [/\b(?:xit|xdescribe|fit|fdescribe)\(/, 'this.skip() with a stated reason'],
  [/@ts-(?:ignore|nocheck)/, 'a type that holds'],
]

const bannedAnywhere: readonly (readonly [pattern: RegExp, instead: string])[] = [
  [/\b(?:TOD[O]|FIXM[E]|XX[X]|HAC[K])\b/, 'the work itself'],
  [/\/wor[k]\//, 'a path from the root of the repository'],
  [/\.\.\/share[d]\b/, 'something inside the repository'],
]

/** Strings and regular expressions say what they like. */
const withoutLiterals = (text: string): string =>
  text.replace(/'(?:[^'\\\n]|\\.)*'/g, "''").replace(/\/(?![/*\s])(?:[^/\\\n]|\\.)+\/[dgimsuvy]*(?=[,)\].;])/g, '/ /')

const bannedNames = /^(?:utils?|helpers?|common|managers?|misc)$/

describe('repo: style', () => {
  for (const [pattern, instead] of bannedInCode) {
    it(`has no ${pattern.source}: write ${instead}`, () => {
      const found = scripts().flatMap(({ path, text }) => {
        const kept = pattern.source.startsWith('@ts') ? text : withoutLiterals(withoutComments(text))
        return matchesByLine(path, kept, pattern)
      })
      none(found)
    })
  }

  for (const [pattern, instead] of bannedAnywhere) {
    it(`has no ${pattern.source} anywhere: write ${instead}`, () => {
      const files = sources('.ts', '.mjs', '.c', '.h', '.cc', '.md', '.json', '.yaml').filter(
        ({ path }) => path !== 'package-lock.json',
      )
      none(files.flatMap(({ path, text }) => matchesByLine(path, text, pattern)))
    })
  }

  it('calls no file or folder by a name that says nothing', () => {
    const meaningless = paths.filter(path => path.split('/').some(part => bannedNames.test(part.split('.')[0] ?? '')))
    none(meaningless)
  })

  it('keeps nothing that the compiler makes beside its source', () => {
    const there = new Set(paths)
    none(
      paths.filter(path => {
        const source = path.replace(/(?:\.d)?\.[mc]?[jt]s(?:\.map)?$/, '.ts')
        return source !== path && there.has(source)
      }),
    )
  })

  it(`keeps files under ${maxLines} lines, but for a few with a reason`, () => {
    const long = sources('.ts', '.mjs', '.c', '.h', '.cc', '.hh')
      .map(({ path, text }) => ({ path, lines: text.split('\n').length - 1 }))
      .filter(({ lines }) => lines > maxLines)
    none(long.filter(({ path }) => !Object.hasOwn(longFiles, path)).map(({ path, lines }) => `${path}: ${lines}`))
    none(
      Object.keys(longFiles).filter(path => !long.some(file => file.path === path)),
      'no longer long',
    )
  })

  it('licenses every file of bpf/ under both licenses', () => {
    const files = sources('.c', '.h').filter(({ path }) => path.startsWith('bpf/'))
    expect(files).not.empty
    const unlicensed = files.filter(
      ({ text }) =>
        !text.split('\n', 2).some(line => line.includes('SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0')),
    )
    none(unlicensed.map(({ path }) => path))
  })

  it('includes every header of bpf/ somewhere', () => {
    const files = sources('.c', '.h').filter(({ path }) => path.startsWith('bpf/'))
    const included = new Set(
      files.flatMap(({ text }) =>
        [...text.matchAll(/#include\s+["<]([^">]+)[">]/g)].map(match => (match[1] ?? '').split('/').at(-1)),
      ),
    )
    const lonely = files.filter(({ path }) => path.endsWith('.h') && !included.has(path.split('/').at(-1)))
    none(lonely.map(({ path }) => path))
  })
})

function matchesByLine(path: string, text: string, pattern: RegExp): readonly string[] {
  return text.split('\n').flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : []))
}
