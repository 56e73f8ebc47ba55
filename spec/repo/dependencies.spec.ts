import { expect } from 'chai'
import { none } from './none.js'
import { packages, paths, read, references, roomOf, scripts } from './tree.js'

const page = read('docs/dependencies.md')

interface Row {
  readonly names: readonly string[]
  /** The version that the page gives behind the names. */
  readonly major: string | undefined
  /** Folders and files that may use it; empty where the page names none. */
  readonly places: readonly string[]
}

/** The rows of the table under a heading. */
function rowsUnder(heading: string): readonly Row[] {
  const section = page.slice(page.indexOf(`## ${heading}\n`)).slice(heading.length + 4)
  const end = section.indexOf('\n## ')
  return section
    .slice(0, end < 0 ? undefined : end)
    .split('\n')
    .filter(line => line.startsWith('| `'))
    .map(line => line.split(' | '))
    .map(cells => ({
      names: quoted(cells[0] ?? ''),
      major: /` (\d+)$/.exec(cells[0] ?? '')?.[1],
      places: quoted(cells[3] ?? ''),
    }))
}

const quoted = (text: string): readonly string[] => [...text.matchAll(/`([^`]+)`/g)].map(match => match[1] ?? '')

const [running, building, distribution] = ['At run time', 'To build and test', 'From the distribution'].map(rowsUnder)
const namesOf = (rows: readonly Row[] | undefined): readonly string[] => (rows ?? []).flatMap(({ names }) => names)

interface Declared {
  /** The folder of the manifest. */
  readonly folder: string
  readonly name: string
  readonly range: string
  readonly needed: 'to run' | 'to build and test'
}

/** What the manifests ask of others. What only the tests have is for the tests, however it is declared. */
const declared: readonly Declared[] = paths
  .filter(path => /(?:^|\/)package\.json$/.test(path))
  .flatMap(path => {
    const folder = path.replace(/\/?package\.json$/, '')
    const manifest = JSON.parse(read(path)) as Record<string, Record<string, string> | undefined>
    const listed = (field: string, needed: Declared['needed']): readonly Declared[] =>
      Object.entries(manifest[field] ?? {}).map(([name, range]) => ({ folder, name, range, needed }))
    return [
      ...['dependencies', 'optionalDependencies', 'peerDependencies'].flatMap(field =>
        listed(field, folder === 'spec' ? 'to build and test' : 'to run'),
      ),
      ...listed('devDependencies', 'to build and test'),
    ]
  })
  .filter(({ name }) => !packages.has(name))

const declaredTo = (needed: Declared['needed']): ReadonlySet<string> =>
  new Set(declared.filter(each => each.needed === needed).map(({ name }) => name))

describe('repo: dependencies', () => {
  it('that run are those that the page says run', () => {
    expect([...namesOf(running)].sort()).deep.equals([...declaredTo('to run')].sort())
  })

  it('that build and test are those that the page says do', () => {
    const run = declaredTo('to run')
    const others = [...declaredTo('to build and test')].filter(name => !run.has(name))
    expect([...namesOf(building)].sort()).deep.equals(others.sort())
  })

  it('are used by nobody where the page does not say that they are', () => {
    const uses = scripts()
      .filter(({ path }) => !path.startsWith('spec/') && roomOf(path) !== undefined)
      .flatMap(references)
    const astray = (running ?? []).flatMap(({ names, places }) =>
      uses
        .filter(({ specifier }) => names.some(name => specifier === name || specifier.startsWith(`${name}/`)))
        .filter(({ from }) => !places.some(place => from.startsWith(`${place}/`)))
        .map(({ from, specifier }) => `${from} → ${specifier}`),
    )
    none(astray)
  })

  it('are used at each place that the page names, and by each workspace that declares them', () => {
    const files = paths.filter(path => /\.(?:ts|mjs|gyp)$/.test(path)).map(path => ({ path, text: read(path) }))
    const isUsed = (name: string, place: string): boolean =>
      files.some(({ path, text }) => path.startsWith(`${place}/`) && new RegExp(`'${name}(?:'|/)`).test(text))
    const idle = (running ?? []).flatMap(({ names, places }) =>
      names.flatMap(name =>
        [...places, ...declared.filter(each => each.name === name && each.folder !== 'spec').map(each => each.folder)]
          .filter(place => !isUsed(name, place))
          .map(place => `${name} at ${place}`),
      ),
    )
    none(idle)
  })

  it('have the versions that the page names', () => {
    const wrong = [...(running ?? []), ...(building ?? [])].flatMap(({ names, major }) =>
      declared
        .filter(({ name, range }) => major !== undefined && names.includes(name) && !range.startsWith(`^${major}.`))
        .map(({ name, range }) => `${name} ${range}, not ${major}`),
    )
    none(wrong)
  })

  it('on packages of the distribution are those that the page names', () => {
    const asked = [...read('setup/packages.mjs').matchAll(/\bpackage: '([^']+)'/g)].map(match => match[1] ?? '')
    expect(asked).not.empty
    expect([...namesOf(distribution)].sort()).deep.equals([...new Set([...asked, 'libclang-rt-dev'])].sort())
  })
})
