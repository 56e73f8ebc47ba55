import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { definitions, groupOf, listPath, type Resource, resources } from '@weir/adapters/kubernetes/resource.js'

/** An object as the API server has it, with the fields that this one looks at. */
export interface ApiObject {
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly resourceVersion?: string
    readonly [field: string]: unknown
  }
  readonly [field: string]: unknown
}

/** What goes wrong with one request. */
export type Fault =
  | { readonly kind: 'status'; readonly status: number; readonly retryAfter?: number }
  /** The connection is reset before there is an answer. */
  | { readonly kind: 'reset' }
  /** Half of the answer comes, then the connection ends. */
  | { readonly kind: 'cut' }
  /** What comes is no JSON. */
  | { readonly kind: 'garbage' }
  /** Nothing comes, and the connection stays open. */
  | { readonly kind: 'silence' }
  /** Everything is said twice, what was missed the second time from its end to its beginning. */
  | { readonly kind: 'twice' }
  /** The answer is a success without an end, or a list without a version. */
  | { readonly kind: 'empty' }

export interface Request {
  readonly verb: 'list' | 'watch' | 'get' | 'create' | 'patch'
  readonly group: string
  readonly resource: string
  readonly path: string
  readonly authorization: string | undefined
  readonly accept: string
  readonly body: unknown
}

interface Happened {
  readonly version: number
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  readonly path: string
  readonly object: ApiObject
}

interface Watcher {
  readonly path: string
  readonly answer: ServerResponse
  readonly fault: Fault | undefined
}

const nameOf = ({ metadata }: ApiObject): string => `${metadata.namespace ?? ''}/${metadata.name}`

/** Speaks as much of the API server's protocol as an agent needs, and gets it wrong when told to. */
export class ApiServer {
  readonly #server: Server
  readonly #objects = new Map<string, Map<string, ApiObject>>()
  readonly #history: Happened[] = []
  readonly #pages = new Map<string, { readonly items: readonly ApiObject[]; readonly version: number }>()
  readonly #watchers = new Set<Watcher>()
  #version = 10
  #compacted = 0
  #port = 0
  /** Every request in its order. */
  readonly requests: Request[] = []
  /** Asked about each request. */
  fault: (request: Request) => Fault | undefined = () => undefined

  constructor() {
    this.#server = createServer((request, answer) => void this.#answer(request, answer))
    this.#server.keepAliveTimeout = 1000
  }

  get url(): URL {
    return new URL(`http://127.0.0.1:${this.#port}`)
  }

  get version(): string {
    return String(this.#version)
  }

  async start(): Promise<void> {
    await new Promise<void>(resolve => this.#server.listen(this.#port, '127.0.0.1', resolve))
    this.#port = (this.#server.address() as AddressInfo).port
  }

  /** Nobody answers until it is started again; what it has it keeps. */
  async stop(): Promise<void> {
    const closed = new Promise(resolve => this.#server.close(resolve))
    this.#server.closeAllConnections()
    await closed
    this.#watchers.clear()
  }

  /** Makes or replaces an object. */
  put(resource: Resource, object: ApiObject, apiVersion = resource.versions[0]): void {
    const path = listPath(apiVersion, resource)
    const kept = this.#objects.get(path) ?? new Map<string, ApiObject>()
    this.#objects.set(path, kept)
    const type = kept.has(nameOf(object)) ? 'MODIFIED' : 'ADDED'
    this.#happen(path, type, object, kept)
  }

  delete(resource: Resource, name: string, apiVersion = resource.versions[0]): void {
    const path = listPath(apiVersion, resource)
    const kept = this.#objects.get(path)
    const object = kept?.get(name)
    if (kept !== undefined && object !== undefined) this.#happen(path, 'DELETED', object, kept)
  }

  /** Defines a custom resource, which is served from now on. */
  define(resource: Resource): void {
    const name = `${resource.plural}.${groupOf(resource.versions[0])}`
    this.put(definitions, { metadata: { name }, spec: { large: 'x'.repeat(1000) } })
  }

  undefine(resource: Resource): void {
    const name = `${resource.plural}.${groupOf(resource.versions[0])}`
    for (const version of resource.versions) {
      for (const object of [...this.all(resource, version)]) this.delete(resource, nameOf(object), version)
      this.#objects.delete(listPath(version, resource))
    }
    this.delete(definitions, `/${name}`)
  }

  all(resource: Resource, apiVersion = resource.versions[0]): readonly ApiObject[] {
    return [...(this.#objects.get(listPath(apiVersion, resource))?.values() ?? [])]
  }

  /** Forgets what has happened, so that neither watches nor pages from before can go on. */
  compact(): void {
    this.#compacted = this.#version
    this.#pages.clear()
  }

  bookmark(): void {
    for (const { answer } of this.#watchers)
      this.#write(answer, { type: 'BOOKMARK', object: { metadata: { resourceVersion: this.version } } })
  }

  /** Ends all watches, in the middle of a line when `torn`. */
  endWatches(torn = false): void {
    for (const { answer } of this.#watchers) {
      if (torn) {
        answer.write('{"type":"ADD')
        answer.socket?.destroy()
      } else answer.end()
    }
    this.#watchers.clear()
  }

  #happen(path: string, type: Happened['type'], given: ApiObject, kept: Map<string, ApiObject>): void {
    this.#version += 1
    const object = { ...given, metadata: { ...given.metadata, resourceVersion: this.version } }
    if (type === 'DELETED') kept.delete(nameOf(object))
    else kept.set(nameOf(object), object)
    const happened = { version: this.#version, type, path, object }
    this.#history.push(happened)
    for (const watcher of this.#watchers) if (watcher.path === path) this.#notice(watcher, happened)
  }

  #notice({ answer, fault }: Watcher, { type, object }: Happened): void {
    this.#write(answer, { type, object })
    if (fault?.kind === 'twice') this.#write(answer, { type, object })
  }

  #write(answer: ServerResponse, line: unknown): void {
    answer.write(`${JSON.stringify(line)}\n`)
  }

  async #answer(request: IncomingMessage, answer: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.url)
    let text = ''
    for await (const chunk of request) text += String(chunk)
    const isWatch = url.searchParams.get('watch') !== null
    const asked = asRequest(request, url, isWatch, text)
    this.requests.push(asked)
    const fault = this.fault(asked)
    switch (fault?.kind) {
      case 'status':
        if (fault.retryAfter !== undefined) answer.setHeader('retry-after', fault.retryAfter)
        refuse(answer, fault.status)
        return
      case 'reset':
        request.socket.destroy()
        return
      case 'silence':
        if (isWatch) answer.writeHead(200).flushHeaders()
        return
      case 'garbage':
        answer.writeHead(200).end(isWatch ? '{"type":\n\u0000not json\n' : '<html>')
        return
      case 'empty':
        answer.writeHead(200).end(isWatch ? '' : '{"kind":"List","items":[]}')
        return
      default:
    }
    if (asked.verb === 'create' || asked.verb === 'patch') {
      answer.writeHead(asked.verb === 'create' ? 201 : 200).end(JSON.stringify(asked.body ?? {}))
      return
    }
    if (!this.#isServed(url.pathname)) refuse(answer, 404)
    else if (isWatch) this.#watch(url, answer, fault)
    else this.#list(url, answer, fault)
  }

  #isServed(path: string): boolean {
    if (this.#objects.has(path)) return true
    const found = [...resources, definitions].find(each => listPath(each.versions[0], each) === path)
    if (found === undefined) return false
    if (!found.isCustom) return true
    return this.all(definitions).some(({ metadata: { name } }) => name.startsWith(`${found.plural}.`))
  }

  #list(url: URL, answer: ServerResponse, fault: Fault | undefined): void {
    const token = url.searchParams.get('continue')
    const limit = Number(url.searchParams.get('limit') ?? Number.POSITIVE_INFINITY)
    const from =
      token === null
        ? { items: [...(this.#objects.get(url.pathname)?.values() ?? [])], version: this.#version }
        : this.#pages.get(token)
    if (from === undefined) {
      refuse(answer, 410)
      return
    }
    const rest = from.items.slice(limit)
    const next = rest.length === 0 ? '' : `after-${this.#pages.size}-${from.version}`
    if (next !== '') this.#pages.set(next, { items: rest, version: from.version })
    const metadata = { resourceVersion: String(from.version), ...(next !== '' && { continue: next }) }
    const text = JSON.stringify({ kind: 'List', metadata, items: from.items.slice(0, limit) })
    answer.writeHead(200, { 'content-length': Buffer.byteLength(text) })
    if (fault?.kind !== 'cut') answer.end(text)
    else answer.write(text.slice(0, text.length / 2), () => answer.socket?.destroy())
  }

  #watch(url: URL, answer: ServerResponse, fault: Fault | undefined): void {
    const since = Number(url.searchParams.get('resourceVersion'))
    answer.writeHead(200).flushHeaders()
    if (since < this.#compacted) {
      this.#write(answer, { type: 'ERROR', object: { kind: 'Status', code: 410, message: 'too old resource version' } })
      answer.end()
      return
    }
    const watcher: Watcher = { path: url.pathname, answer, fault }
    const missed = this.#history.filter(({ path, version }) => path === url.pathname && version > since)
    for (const happened of missed) this.#notice(watcher, happened)
    if (fault?.kind === 'twice') for (const happened of missed.toReversed()) this.#notice(watcher, happened)
    if (fault?.kind === 'cut') {
      answer.write('{"type":"MODIF', () => answer.socket?.destroy())
      return
    }
    this.#watchers.add(watcher)
    answer.on('close', () => this.#watchers.delete(watcher))
  }
}

function refuse(answer: ServerResponse, code: number): void {
  answer.writeHead(code).end(JSON.stringify({ kind: 'Status', code, message: `refused with ${code}` }))
}

function asRequest({ method, headers }: IncomingMessage, url: URL, isWatch: boolean, text: string): Request {
  const [, root, ...rest] = url.pathname.split('/')
  const [group, , ...parts] = root === 'api' ? ['', ...rest] : rest
  const within = parts[0] === 'namespaces' && parts.length > 2 ? parts.slice(2) : parts
  const [resource = '', name, subresource] = within
  const isOne = name !== undefined
  const verb = method === 'POST' ? 'create' : method === 'PATCH' ? 'patch' : isWatch ? 'watch' : isOne ? 'get' : 'list'
  return {
    verb,
    group: group ?? '',
    resource: subresource === undefined ? resource : `${resource}/${subresource}`,
    path: url.pathname,
    authorization: headers.authorization,
    accept: headers.accept ?? '',
    body: text === '' ? undefined : JSON.parse(text),
  }
}
