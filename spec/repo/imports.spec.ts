import { builtinModules } from 'node:module'
import { expect } from 'chai'
import { none } from './none.js'
import { exists, packages, type Reference, read, references, resolveReference, roomOf, scripts } from './tree.js'

/** Which workspaces each may import from. Spec may see everything. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  core: [],
  store: ['core'],
  'datapath/ebpf-napi': [],
  'datapath/netns-napi': [],
  'adapters/inotify-napi': [],
  datapath: ['core', 'datapath/ebpf-napi', 'datapath/netns-napi'],
  adapters: ['core', 'store', 'datapath', 'datapath/ebpf-napi', 'datapath/netns-napi', 'adapters/inotify-napi'],
}

/** Only what the spec rooms export may be imported from outside of them: the oracle, which the demo compares with. */
const publicSpec = '@weir/spec/oracle'

const all: readonly Reference[] = scripts().flatMap(references)
const show = ({ from, specifier }: Reference) => `${from} → ${specifier}`
const isBuiltin = (specifier: string) => specifier.startsWith('node:') || builtinModules.includes(specifier)

describe('repo: imports', () => {
  it('finds imports at all', () => expect(all.length).above(50))

  it('go from adapters to datapath and store, and from those to core, never back', () => {
    const wrong = all.filter(reference => {
      const room = roomOf(reference.from)
      const target = resolveReference(reference)
      const targetRoom = target === undefined ? undefined : roomOf(target)
      if (room === undefined || room === 'spec' || targetRoom === undefined || targetRoom === room) return false
      if (targetRoom === 'spec') return room !== 'adapters' || reference.specifier !== publicSpec
      return !allowed[room]?.includes(targetRoom)
    })
    none(wrong.map(show))
  })

  it('name other rooms by their package, not by a path', () => {
    const wrong = all.filter(reference => {
      if (!reference.specifier.startsWith('.') || roomOf(reference.from) === 'spec') return false
      const target = resolveReference(reference)
      return target !== undefined && roomOf(target) !== undefined && roomOf(target) !== roomOf(reference.from)
    })
    none(wrong.map(show))
  })

  it('lead to files that exist', () => {
    const lost = all.filter(
      reference =>
        /^\.{1,2}\/.*\.(?:js|ts|mjs)$/.test(reference.specifier) &&
        resolveReference(reference) === undefined &&
        !reference.specifier.includes('/dist/') &&
        !reference.specifier.includes('/build/') &&
        !reference.specifier.includes('.generated.'),
    )
    none(lost.map(show))
  })

  it('of core are of no platform: neither Node modules nor Node globals', () => {
    const wrong = all.filter(({ from, specifier }) => from.startsWith('core/src/') && isBuiltin(specifier))
    none(wrong.map(show))
    const globals = /\b(?:process\.|Buffer\.|__dirname|Date\.now|Math\.random|performance\.now|new Date\(\))/
    const impure = scripts().filter(({ path, text }) => path.startsWith('core/src/') && globals.test(text))
    none(impure.map(({ path }) => path))
  })

  it('of third parties are declared by the workspace that uses them', () => {
    const undeclared = all.filter(({ from, specifier }) => {
      const room = roomOf(from)
      if (room === undefined || specifier.startsWith('.') || isBuiltin(specifier) || exists(specifier)) return false
      const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
      const own = [...packages].find(([, folder]) => folder === room)?.[0]
      const manifest = JSON.parse(read(`${room}/package.json`)) as Record<string, Record<string, string> | undefined>
      const declared = { ...manifest.dependencies, ...manifest.devDependencies, ...manifest.peerDependencies }
      return name !== own && !Object.hasOwn(declared, name)
    })
    none(undeclared.map(show))
  })

  it('leave the oracle free of the code that it checks: types of core, nothing else', () => {
    const wrong = all.filter(
      ({ from, specifier, typeOnly }) =>
        from.startsWith('spec/oracle/') && !typeOnly && /^(?:@weir\/|ebpf-napi|\.\.\/\.\.\/)/.test(specifier),
    )
    none(wrong.map(show))
  })

  it('make no circles', () => {
    const next = new Map<string, string[]>()
    for (const reference of all.filter(({ typeOnly }) => !typeOnly)) {
      const target = resolveReference(reference)
      if (target !== undefined && target !== reference.from)
        next.set(reference.from, [...(next.get(reference.from) ?? []), target])
    }
    none(circles(next))
  })

  it('leave no module behind that nothing refers to', () => {
    const reached = new Set(all.flatMap(reference => resolveReference(reference) ?? []))
    const named = [...packages.values(), '.'].map(folder => read(`${folder}/package.json`)).join('\n')
    const dead = scripts()
      .map(({ path }) => path)
      .filter(path => !reached.has(path) && !/\.(?:spec|d)\.ts$/.test(path))
      .filter(path => !named.includes(path.replace(/^.*?src\//, '').replace(/\.ts$/, '.js')))
      .filter(path => !named.includes(path.slice(path.lastIndexOf('/') + 1)))
      .filter(path => !isEntry(path))
    none(dead)
  })
})

/** Started by name, not imported: child processes, workers and benchmarks name their file in a string. */
function isEntry(path: string): boolean {
  const stem = path.slice(path.lastIndexOf('/') + 1).replace(/\.(?:ts|mjs)$/, '')
  if (path.endsWith('/src/index.ts') || path.startsWith('spec/bench/')) return true
  const mention = new RegExp(`['"/]${stem.replaceAll('.', '\\.')}\\.(?:js|mjs)['"\`]`)
  return (
    scripts().some(other => other.path !== path && mention.test(other.text)) ||
    (exists('.ci/run') && mention.test(read('.ci/run')))
  )
}

function circles(next: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const found: string[] = []
  const done = new Set<string>()
  const visit = (path: string, trail: readonly string[]): void => {
    const at = trail.indexOf(path)
    if (at >= 0) found.push([...trail.slice(at), path].join(' → '))
    if (at >= 0 || done.has(path)) return
    for (const target of next.get(path) ?? []) visit(target, [...trail, path])
    done.add(path)
  }
  for (const path of next.keys()) visit(path, [])
  return found
}
