import { readdir, readlink } from 'node:fs/promises'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { netnsCookie } from 'netns-napi'
import { netnsFolder } from './node-network.js'

/** Namespaces looked at in one turn: each takes a thread. */
const perTurn = 8

/** Finds network namespaces of this machine by the number that BPF programs know them by. */
export class Namespaces {
  readonly #more: readonly string[]
  /** Of the last search: files by number. They may be another namespace's by now. */
  #known = new Map<bigint, string>()

  /** @param more files of namespaces, besides those of processes and those that have names */
  constructor(more: readonly string[] = []) {
    this.#more = more
  }

  /**
   * A file for each namespace that has one; of those that are gone, none.
   * @throws NetnsError ENOPROTOOPT before Linux 5.14
   */
  async find(cookies: ReadonlySet<bigint>): Promise<ReadonlyMap<bigint, string>> {
    const found = new Map<bigint, string>()
    for (const cookie of cookies) {
      const path = this.#known.get(cookie)
      if (path !== undefined && cookieOf(path) === cookie) found.set(cookie, path)
    }
    if (found.size === cookies.size) return found
    this.#known = await this.#search()
    for (const cookie of cookies) {
      const path = this.#known.get(cookie)
      if (path !== undefined) found.set(cookie, path)
    }
    return found
  }

  async #search(): Promise<Map<bigint, string>> {
    const found = new Map<bigint, string>()
    let looked = 0
    for (const path of await this.#files()) {
      const cookie = cookieOf(path)
      if (cookie !== undefined && !found.has(cookie)) found.set(cookie, path)
      looked += 1
      if (looked % perTurn === 0) await nextTurn()
    }
    return found
  }

  /** One file for each namespace that has a process, and those that have names. */
  async #files(): Promise<readonly string[]> {
    const named = await readdir(netnsFolder).catch(() => [])
    const files = ['/proc/self/ns/net', ...this.#more, ...named.map(name => `${netnsFolder}/${name}`)]
    const seen = new Set<string>()
    for (const pid of await readdir('/proc')) {
      if (!/^\d+$/.test(pid)) continue
      const path = `/proc/${pid}/ns/net`
      const namespace = await readlink(path).catch(() => undefined)
      if (namespace === undefined || seen.has(namespace)) continue
      seen.add(namespace)
      files.push(path)
    }
    return files
  }
}

/** Undefined where the namespace went meanwhile. */
function cookieOf(path: string): bigint | undefined {
  try {
    return netnsCookie(path)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOPROTOOPT') throw error
    return undefined
  }
}
