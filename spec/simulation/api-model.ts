import { type Api, refusedAnswer, unreachable } from '@weir/adapters/kubernetes/api.js'
import { definitions, listPath, resources } from '@weir/adapters/kubernetes/resource.js'
import type { Life } from './life.js'
import type { Random } from './random.js'

/** An object as the server has it. */
export interface ApiObject {
  readonly kind: string
  readonly metadata: { readonly namespace?: string; readonly name: string }
}

interface Happened {
  readonly path: string
  readonly version: number
  readonly line: string
}

interface Watcher {
  readonly path: string
  lines: string[]
  end: 'none' | 'clean' | 'torn'
  wake: () => void
}

/** Objects on a page: few, so that lists of a few have several, between which things happen. */
const pageMost = 2

/** `v1/pods namespace/name` */
export const placeOf = ({ kind, metadata: { namespace = '', name } }: ApiObject): string =>
  `${pathOf(kind)} ${namespace}/${name}`

function pathOf(kind: string): string {
  const found = resources.find(each => each.kind === kind)
  if (found === undefined) throw new RangeError(`no resource is called ${kind}`)
  return listPath(found.versions[0], found)
}

/**
 * An API server that outlives every process. Watches tell late, twice, and each kind in a time of its own; they break, in
 * the middle of a line too; what happened long ago is forgotten; requests fail.
 */
export class ApiModel {
  readonly #random: Random
  readonly #note: (what: string) => void
  readonly #isCalm: () => boolean
  readonly #objects = new Map<string, Map<string, object>>()
  readonly #history: Happened[] = []
  readonly #pages = new Map<string, { readonly items: readonly object[]; readonly version: number }>()
  readonly #watchers = new Set<Watcher>()
  #version = 10
  #forgotten = 0
  #isAway = false

  /** @param isCalm whether nothing is to fail any more. */
  constructor(random: Random, note: (what: string) => void, isCalm: () => boolean) {
    this.#random = random
    this.#note = note
    this.#isCalm = isCalm
  }

  put(object: ApiObject): void {
    const [path = '', name = ''] = placeOf(object).split(' ')
    const kept = this.#objects.get(path) ?? new Map<string, object>()
    this.#objects.set(path, kept)
    this.#happen(kept.has(name) ? 'MODIFIED' : 'ADDED', path, name, object)
  }

  /** @param place as placeOf tells */
  delete(place: string): void {
    const [path = '', name = ''] = place.split(' ')
    const object = this.#objects.get(path)?.get(name)
    if (object !== undefined) this.#happen('DELETED', path, name, object)
  }

  /** Neither watches nor pages from before can go on. */
  forget(): void {
    this.#note('the server forgets what has happened')
    this.#forgotten = this.#version
    this.#pages.clear()
  }

  /** @param end in the middle of a line when torn */
  breakWatches(end: 'clean' | 'torn'): void {
    this.#note(`watches end, ${end}`)
    for (const watcher of this.#watchers) this.#end(watcher, end)
  }

  setAway(isAway: boolean): void {
    this.#note(isAway ? 'the server is away' : 'the server is back')
    this.#isAway = isAway
    if (isAway) this.breakWatches('torn')
  }

  /** As a process has it. */
  async connect(life: Life): Promise<Api> {
    await life.io()
    return {
      get: async (path, signal) => {
        await this.#reach(life, path, signal)
        return this.#list(new URL(path, 'http://server'))
      },
      lines: (path, signal) => this.#watch(life, new URL(path, 'http://server'), signal),
      send: async ({ path }) => {
        throw refusedAnswer(path, 403, 'nobody may write here')
      },
    }
  }

  #happen(type: 'ADDED' | 'MODIFIED' | 'DELETED', path: string, name: string, given: object): void {
    this.#version += 1
    const { metadata, kind: _, ...rest } = given as ApiObject
    const object = { ...rest, metadata: { ...metadata, resourceVersion: `${this.#version}` } }
    if (type === 'DELETED') this.#objects.get(path)?.delete(name)
    else this.#objects.get(path)?.set(name, object)
    const happened = { path, version: this.#version, line: JSON.stringify({ type, object }) }
    this.#note(`${type} ${path} ${name} as ${this.#version}`)
    this.#history.push(happened)
    for (const watcher of this.#watchers) if (watcher.path === path) this.#tell(watcher, happened)
  }

  #tell(watcher: Watcher, { line, version }: Happened): void {
    watcher.lines.push(line)
    if (this.#random.chance(0.1)) watcher.lines.push(line)
    if (this.#random.chance(0.1))
      watcher.lines.push(`{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"${version}"}}}`)
    watcher.wake()
  }

  #end(watcher: Watcher, end: 'clean' | 'torn'): void {
    // What was on its way is lost with the connection, or some of it.
    if (end === 'torn') watcher.lines.splice(this.#random.below(watcher.lines.length + 1))
    watcher.end = end
    watcher.wake()
    this.#watchers.delete(watcher)
  }

  /** A request on its way, and what may become of it. */
  async #reach(life: Life, path: string, signal: AbortSignal): Promise<void> {
    await life.io()
    signal.throwIfAborted()
    if (this.#isAway) throw unreachable('server', 'ECONNREFUSED')
    if (this.#isCalm() || !this.#random.chance(0.04)) return
    const kind = this.#random.below(4)
    if (kind === 0) throw unreachable('server', 'ECONNRESET')
    if (kind === 1) throw refusedAnswer(path, 429, 'too many requests', 1000)
    if (kind === 2) throw refusedAnswer(path, 410, 'the place is forgotten')
    throw refusedAnswer(path, 500, 'something is wrong')
  }

  #list({ pathname, searchParams }: URL): object {
    if (!isServed(pathname)) throw refusedAnswer(pathname, 404, 'no such kind')
    const token = searchParams.get('continue')
    const all = { items: [...(this.#objects.get(pathname)?.values() ?? [])], version: this.#version }
    const from = token === null ? all : this.#pages.get(token)
    if (from === undefined) throw refusedAnswer(pathname, 410, 'the page is forgotten')
    const size = Math.min(pageMost, Number(searchParams.get('limit')))
    const rest = from.items.slice(size)
    const next = rest.length === 0 ? '' : `${pathname} ${this.#pages.size} ${from.version}`
    if (next !== '') this.#pages.set(next, { items: rest, version: from.version })
    const metadata = { resourceVersion: `${from.version}`, ...(next !== '' && { continue: next }) }
    return structuredClone({ metadata, items: from.items.slice(0, size) })
  }

  async *#watch(life: Life, { pathname, searchParams }: URL, signal: AbortSignal): AsyncGenerator<readonly string[]> {
    await this.#reach(life, pathname, signal)
    yield []
    const since = Number(searchParams.get('resourceVersion'))
    if (since < this.#forgotten) {
      yield ['{"type":"ERROR","object":{"kind":"Status","code":410,"message":"too old resource version"}}']
      return
    }
    const watcher: Watcher = { path: pathname, lines: [], end: 'none', wake: () => {} }
    for (const happened of this.#history)
      if (happened.path === pathname && happened.version > since) this.#tell(watcher, happened)
    this.#watchers.add(watcher)
    try {
      while (true) {
        await life.io()
        if (signal.aborted) return
        const lines = watcher.lines.splice(0, this.#random.between(1, 3))
        if (lines.length > 0) yield lines
        else if (watcher.end === 'torn') throw unreachable('server', 'ECONNRESET')
        else if (watcher.end === 'clean') return
        else await woken(watcher, signal)
      }
    } finally {
      this.#watchers.delete(watcher)
    }
  }
}

const isServed = (path: string): boolean =>
  [...resources, definitions].some(each => !each.isCustom && listPath(each.versions[0], each) === path)

/** Resolves when there is something to tell, or nobody listens any more. */
const woken = (watcher: Watcher, signal: AbortSignal): Promise<void> =>
  new Promise(resolve => {
    const wake = (): void => {
      signal.removeEventListener('abort', wake)
      watcher.wake = () => {}
      resolve()
    }
    watcher.wake = wake
    signal.addEventListener('abort', wake)
  })
