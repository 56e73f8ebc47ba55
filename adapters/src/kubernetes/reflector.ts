import { WeirError } from '@weir/core/errors.js'
import type { Clock } from '../agent/clock.js'
import { pause } from '../agent/pause.js'
import type { ResourceStatus } from '../agent/protocol.js'
import { reached } from '../stages.js'
import { type Api, refusedAnswer, retryAfterOf, statusOf } from './api.js'
import { BackOff } from './back-off.js'
import { listPath, type Resource } from './resource.js'
import { isSeen, readList, readNotice } from './wire.js'

/** An object as it now is, or that is no more. */
export interface Change<Entry> {
  readonly entry: Entry
  readonly isGone: boolean
}

export interface ReflectorOptions<Entry> {
  readonly api: Api
  readonly clock: Clock
  /** From 0 up to 1. */
  readonly random: () => number
  readonly resource: Resource
  /** Media types to ask for in watches and lists; JSON when absent. */
  readonly accept?: string
  readonly acceptList?: string
  /** What is kept of an object; the rest is forgotten at once. */
  readonly read: (raw: unknown, apiVersion: string) => Entry
  /** `namespace/name` */
  readonly nameOf: (entry: Entry) => string
  /** Takes changes in, in their order; resolves when nothing of them can be lost. */
  readonly take: (changes: readonly Change<Entry>[]) => Promise<void>
  /** All of it was read: whatever isn't among these names is no more. */
  readonly listed: (names: ReadonlySet<string>, resourceVersion: string) => Promise<void>
  /** Told whenever its status may be another. */
  readonly onStatus: () => void
}

const pageMost = 500

/** How long a watch may be silent: the server sends a bookmark about every minute. */
const silenceMs = 150_000

/** A watch that ends sooner without a word is taken for a failure. */
const longWatchMs = 5000

/** After as many in a row that broke without a word, all is read anew. */
const brokenWatchesMost = 3

/** How long the server is to keep a watch, in seconds: each another time, so that not all come back at once. */
const watchLeastSeconds = 300

/** How often a kind is looked for that the server doesn't serve. */
const absentMs = 60_000

/**
 * Keeps up with all objects of one kind: reads them page by page, then watches from there. A watch that breaks goes on
 * where it was; one whose place the server has forgotten begins with all of it again. What can't be read is tried again
 * after a while, for ever.
 */
export class Reflector<Entry> {
  readonly #options: ReflectorOptions<Entry>
  readonly #backOff: BackOff
  #names = new Set<string>()
  #needsList = true
  #isDefined = false
  #attempt = new AbortController()
  #brokenWatches = 0
  #apiVersion: string
  #resourceVersion: string | undefined
  #lists = 0
  #pageSize = pageMost
  #state: ResourceStatus['state'] = 'waiting'
  #since: number
  #error: string | undefined
  #settle: () => void = () => {}
  /** Resolves when all of it was read once, or the server doesn't have such a thing. */
  readonly known = new Promise<void>(resolve => {
    this.#settle = resolve
  })

  constructor(options: ReflectorOptions<Entry>) {
    this.#options = options
    this.#backOff = new BackOff(options.random)
    this.#apiVersion = options.resource.versions[0]
    this.#since = options.clock.nowMs()
  }

  get status(): ResourceStatus {
    const [error, resourceVersion] = [this.#error, this.#resourceVersion]
    return {
      kind: this.#options.resource.kind,
      apiVersion: this.#apiVersion,
      state: this.#state,
      since: this.#since,
      objects: this.#names.size,
      relists: Math.max(0, this.#lists - 1),
      ...(resourceVersion !== undefined && { resourceVersion }),
      ...(error !== undefined && { error }),
    }
  }

  /** Runs until `signal` aborts. Rejects only with what `take` and `listed` reject with when no more is taken. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#attempt = new AbortController()
      const either = AbortSignal.any([signal, this.#attempt.signal])
      try {
        if (this.#needsList) await this.#list(either)
        await this.#watch(either)
      } catch (error) {
        if (signal.aborted) return
        if (error instanceof WeirError && error.code === 'WEIR_INTAKE_STOPPED') throw error
        if (!either.aborted) await this.#recover(error, either)
      }
    }
  }

  /** Of a custom kind: the cluster has a definition of it, or has none (any more). All of it is read anew. */
  define(isDefined: boolean): void {
    this.#isDefined = isDefined
    this.#needsList = true
    this.#attempt.abort()
  }

  async #recover(error: unknown, signal: AbortSignal): Promise<void> {
    const status = statusOf(error)
    if (status !== undefined) this.#brokenWatches++
    const wasListing = this.#needsList
    // A watch that never gets past some place doesn't get past it by being tried again.
    if (status === 410 || status === 404 || this.#brokenWatches >= brokenWatchesMost) this.#needsList = true
    if (status === 404 && wasListing && !this.#isDefined) return this.#beAbsent(signal)
    // That the server ends a watch, or forgets its place, is no trouble unless it happens again at once.
    const isTrouble = this.#state !== 'watching' || this.#backOff.failures > 0
    const waitMs = this.#backOff.nextMs(retryAfterOf(error))
    if (isTrouble && status !== 410) this.#become('away', error instanceof Error ? error.message : String(error))
    return pause(this.#options.clock, waitMs, signal)
  }

  /**
   * Waits for there to be such a kind. That one is gone is believed when it is neither served nor defined; nothing
   * defines the built-in ones, so of these nothing is taken back.
   */
  async #beAbsent(signal: AbortSignal): Promise<void> {
    const { resource, clock, random, listed } = this.#options
    if (resource.isCustom) {
      await listed(new Set(), this.#resourceVersion ?? '')
      this.#names = new Set()
    }
    this.#become('absent')
    this.#settle()
    await pause(clock, absentMs * (resource.isCustom ? 60 : 1) * (0.5 + random()), signal)
  }

  /** Reads all of it, in the first version that the server serves. */
  async #list(signal: AbortSignal): Promise<void> {
    const { versions } = this.#options.resource
    for (const [at, apiVersion] of versions.entries()) {
      try {
        await this.#listVersion(apiVersion, signal)
        return
      } catch (error) {
        if (statusOf(error) !== 404 || at === versions.length - 1) throw error
      }
    }
  }

  async #listVersion(apiVersion: string, signal: AbortSignal): Promise<void> {
    const { api, resource, acceptList, read, nameOf, take, listed } = this.#options
    if (this.#state !== 'away') this.#become('listing')
    const path = listPath(apiVersion, resource)
    const names = new Set<string>()
    let next = ''
    let version: string
    do {
      const query = new URLSearchParams({ limit: String(this.#pageSize), ...(next !== '' && { continue: next }) })
      const answer = await api.get(`${path}?${query}`, signal, acceptList).catch((error: unknown) => {
        this.#adapt(error, next !== '')
        throw error
      })
      const page = readList(answer, path)
      const entries = page.items.map(raw => read(raw, apiVersion))
      for (const entry of entries) names.add(nameOf(entry))
      if (entries.length > 0) await take(entries.map(entry => ({ entry, isGone: false })))
      ;({ next, version } = page)
    } while (next !== '')
    await listed(names, version)
    this.#apiVersion = apiVersion
    this.#names = names
    this.#resourceVersion = version
    this.#needsList = false
    this.#lists++
    this.#brokenWatches = 0
    this.#become('watching')
    this.#settle()
  }

  /** Smaller pages where they are too large, larger ones where the server forgets their place before the last. */
  #adapt(error: unknown, isLater: boolean): void {
    const status = statusOf(error)
    if (status === 413) this.#pageSize = Math.max(1, this.#pageSize >> 2)
    if (status === 410 && isLater) this.#pageSize = Math.min(this.#pageSize * 4, 16 * pageMost)
  }

  /** Takes in what happens until the server ends the watch. */
  async #watch(signal: AbortSignal): Promise<void> {
    const { api, clock, random, resource, accept } = this.#options
    const seconds = Math.round(watchLeastSeconds * (1 + random()))
    const query = new URLSearchParams({
      watch: '1',
      allowWatchBookmarks: 'true',
      resourceVersion: this.#resourceVersion ?? '',
      timeoutSeconds: String(seconds),
    })
    const began = clock.nowMs()
    let heardAt = began
    const silence = new AbortController()
    const dog = clock.every(silenceMs / 5, () => {
      if (clock.nowMs() - heardAt > silenceMs) silence.abort()
    })
    let heard = false
    try {
      const path = `${listPath(this.#apiVersion, resource)}?${query}`
      for await (const lines of api.lines(path, AbortSignal.any([signal, silence.signal]), accept)) {
        if (this.#state !== 'watching') this.#become('watching')
        if (lines.length > 0) {
          reached('noticed')
          await this.#takeLines(lines)
          heard = true
          this.#brokenWatches = 0
          this.#backOff.reset()
        }
        heardAt = clock.nowMs()
      }
    } catch (error) {
      // A connection that says nothing may be one whose other end is gone: nothing is lost by asking anew.
      if (!silence.signal.aborted) throw error
    } finally {
      dog.stop()
    }
    if (signal.aborted) return
    if (clock.nowMs() - began >= longWatchMs) this.#backOff.reset()
    else if (!heard)
      throw refusedAnswer(listPath(this.#apiVersion, resource), 200, 'the watch ends as soon as it begins')
  }

  async #takeLines(lines: readonly string[]): Promise<void> {
    const { read, nameOf, take, resource } = this.#options
    const path = listPath(this.#apiVersion, resource)
    const changes: Change<Entry>[] = []
    let version = this.#resourceVersion ?? ''
    let broken: unknown
    for (const line of lines) {
      try {
        const notice = readNotice(line, path)
        // Said before, by a server that says things twice.
        if (notice.version !== '' && isSeen(notice.version, version)) continue
        if (notice.object !== undefined)
          changes.push({ entry: read(notice.object, this.#apiVersion), isGone: notice.isGone })
        if (notice.version !== '') version = notice.version
      } catch (error) {
        broken = error
        break
      }
    }
    reached('read')
    if (changes.length > 0) await take(changes)
    for (const { entry, isGone } of changes) {
      if (isGone) this.#names.delete(nameOf(entry))
      else this.#names.add(nameOf(entry))
    }
    this.#resourceVersion = version
    if (broken !== undefined) throw broken
  }

  #become(state: ResourceStatus['state'], error?: string): void {
    this.#error = error
    if (this.#state !== state) {
      this.#state = state
      this.#since = this.#options.clock.nowMs()
    }
    this.#options.onStatus()
  }
}
