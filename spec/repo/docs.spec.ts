import { dirname, join, normalize } from 'node:path'
import { expect } from 'chai'
import { none } from './none.js'
import { exists, packages, read, scripts, sources } from './tree.js'

const documents = sources('.md')

/** Code blocks and inline code: where a document names what can be typed. */
const codeOf = (text: string): string =>
  [...text.matchAll(/```[^\n]*\n([\s\S]*?)```|`([^`\n]+)`/g)].map(match => match[1] ?? match[2] ?? '').join('\n')

describe('repo: documents', () => {
  it('have a README', () => expect(exists('README.md')).equals(true))

  it('link to files that exist', () => {
    const broken = documents.flatMap(({ path, text }) =>
      linksOf(text)
        .filter(link => !/^(?:[a-z]+:|#)/.test(link))
        .filter(link => !exists(normalize(join(dirname(path), link.replace(/#.*$/, '')))))
        .map(link => `${path}: ${link}`),
    )
    none(broken)
  })

  it('link to headings that exist', () => {
    const broken = documents.flatMap(({ path, text }) =>
      linksOf(text).flatMap(link => {
        const [, file = '', anchor = ''] = /^([^#:]*\.md)?#(.+)$/.exec(link) ?? []
        const target = file === '' ? path : normalize(join(dirname(path), file))
        return anchor === '' || !exists(target) || headingsOf(read(target)).includes(anchor) ? [] : [`${path}: ${link}`]
      }),
    )
    none(broken)
  })

  it('name npm scripts that exist', () => {
    const known = ['', ...packages.values()].flatMap(folder =>
      Object.keys(
        (JSON.parse(read(join(folder, 'package.json'))) as { scripts?: Record<string, string> }).scripts ?? {},
      ),
    )
    const wrong = documents.flatMap(({ path, text }) =>
      [...codeOf(text).matchAll(/\bnpm (?:run ([\w:-]+)|(start|test)\b)/g)]
        .map(match => match[1] ?? match[2] ?? '')
        .filter(script => !known.includes(script))
        .map(script => `${path}: ${script}`),
    )
    none(wrong)
  })

  it('name commands of weir that exist', () => {
    const cli = scripts().filter(({ path }) => path.startsWith('adapters/src/cli/'))
    const known = new Set(
      cli.flatMap(({ text }) =>
        [
          ...text.matchAll(
            /(?:\bname:\s*|\.command\(\s*|new (?:Command|Group)\(\s*|\bcommand\(\s*\w+,\s*)'([a-z][\w-]*)/g,
          ),
        ].map(match => match[1]),
      ),
    )
    const wrong = documents.flatMap(({ path, text }) =>
      [...codeOf(text).matchAll(/^\s*(?:\$ |# |sudo )*(?:npx )?weir ([a-z][\w-]*)/gm)]
        .map(match => match[1] ?? '')
        .filter(command => !known.has(command))
        .map(command => `${path}: weir ${command}`),
    )
    none(wrong)
  })

  it('name options of weir that exist', () => {
    const cli = scripts().filter(({ path }) => path.startsWith('adapters/src/cli/'))
    const known = new Set(cli.flatMap(({ text }) => [...text.matchAll(/--[a-z][a-z-]*/g)].map(match => match[0])))
    const wrong = documents.flatMap(({ path, text }) =>
      [...codeOf(text).matchAll(/^\s*(?:\$ |# |sudo )*(?:npx )?weir ([^#\n]*)/gm)]
        .flatMap(match => [...(match[1] ?? '').matchAll(/--[a-z][a-z-]*/g)].map(option => option[0]))
        .filter(option => !known.has(option) && option !== '--help')
        .map(option => `${path}: ${option}`),
    )
    none(wrong)
  })
})

const linksOf = (text: string): readonly string[] =>
  [...text.replace(/```[\s\S]*?```/g, '').matchAll(/\]\(([^()\s]+)\)/g)].map(match => match[1] ?? '')

/** Headings as links name them. */
const headingsOf = (text: string): readonly string[] =>
  [...text.matchAll(/^#+ (.+)$/gm)].map(match =>
    (match[1] ?? '')
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replace(/\s/g, '-'),
  )
