import { Observable } from 'rxjs'
import { reached } from '../stages.js'
import type { Files } from './files.js'
import type { Listing } from './list.js'
import { gatheredNotices, type NoticeListener, type Notices } from './notices.js'
import { ManifestReader, type ReadOptions } from './read.js'
import type { ManifestSet } from './set.js'

/** What following manifests has of the outside, besides the time: this machine, or a simulated one. */
export interface ManifestMachine {
  readonly files: Files
  notices(root: string, listener: NoticeListener, nowMs: () => number): Notices
  /** Calls once; the function returned prevents it. */
  after(delayMs: number, callback: () => void): () => void
}

export interface WatchOptions extends Omit<ReadOptions, 'writes' | 'files'> {
  /**
   * How long what a file no longer says stays in force, as many programs replace a file by removing it first. Where the
   * kernel can't tell when a file is complete, also how long all must have been quiet before it is read.
   */
  readonly settleMs?: number
  /** How often the folder is looked at unasked, for changes that the kernel doesn't tell of (other hosts, lost notices). */
  readonly rescanMs?: number
  /** `gathered` does without inotify at first hand, as where its addon isn't built. */
  readonly notices?: 'auto' | 'gathered'
  /** This one when absent. */
  readonly machine?: ManifestMachine | undefined
}

const defaultSettleMs = 50
/** Where nothing tells when a file is complete. */
const defaultQuietMs = 100

const timeout: ManifestMachine['after'] = (delayMs, callback) => {
  const timer = setTimeout(callback, delayMs)
  return () => clearTimeout(timer)
}

/** What has been said since the last look. */
class Said implements NoticeListener {
  readonly #after: ManifestMachine['after']
  readonly files = new Set<string>()
  all = true
  #wake: () => void = () => {}

  constructor(after: ManifestMachine['after']) {
    this.#after = after
  }

  changed(file: string): void {
    this.#notice()
    this.files.add(file)
    this.#wake()
  }

  unsure(): void {
    this.#notice()
    this.all = true
    this.#wake()
  }

  wake(): void {
    this.#wake()
  }

  #notice(): void {
    if (!this.all && this.files.size === 0) reached('noticed')
  }

  /** Resolves when something was said, or after a while. */
  async wait(mostMs: number): Promise<void> {
    if (this.all || this.files.size > 0) return
    await new Promise<void>(resolve => {
      const cancel = this.#after(Math.max(0, mostMs), resolve)
      this.#wake = () => {
        cancel()
        resolve()
      }
    })
    this.#wake = () => {}
  }
}

async function noticesOf(
  root: string,
  said: Said,
  { machine, notices, settleMs, nowMs = Date.now }: WatchOptions,
): Promise<Notices> {
  if (machine !== undefined) return machine.notices(root, said, nowMs)
  if (notices !== 'gathered')
    try {
      const { KernelNotices } = await import('./kernel-notices.js')
      return new KernelNotices(root, said, nowMs)
    } catch {
      // The addon isn't built, or there are too many instances: a slower way is still a way.
    }
  return gatheredNotices(root, settleMs ?? defaultQuietMs, said)
}

/**
 * The folder's set now, and again whenever it has changed: files saved in place or by rename, deleted, moved; the
 * folder itself made, removed or replaced. What changes while a set is dealt with makes one set. A file is read when
 * its writer has closed it, never before. While the folder is missing, what it said last stays, and the set says so by
 * a refusal. Never fails; ends when aborted.
 */
export async function* followManifests(
  path: string,
  options: WatchOptions,
  signal: AbortSignal,
): AsyncGenerator<ManifestSet> {
  const { settleMs = defaultSettleMs, rescanMs = 10_000, nowMs = Date.now } = options
  const said = new Said(options.machine?.after ?? timeout)
  let notices: Notices | undefined
  const reader = new ManifestReader(path, {
    ...options,
    ...(options.machine !== undefined && { files: options.machine.files }),
    settleMs,
    writes: file => (notices === undefined ? 0 : notices.writes(file)),
  })
  const aborted = new Promise<undefined>(resolve => {
    const onAbort = (): void => {
      reader.abandon()
      said.wake()
      resolve(undefined)
    }
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
  })
  try {
    notices = await noticesOf(reader.root, said, options)
    const onListed = (listing: Listing): void => {
      if (notices?.follow(listing) === true) said.all = true
    }
    let last: ManifestSet | undefined
    let rescanAtMs = nowMs() + rescanMs
    while (!signal.aborted) {
      const all = said.all || nowMs() >= rescanAtMs
      const files = [...said.files]
      said.all = false
      said.files.clear()
      if (all) rescanAtMs = nowMs() + rescanMs
      const set = await Promise.race([all ? reader.read(onListed) : reader.readFiles(files), aborted])
      if (signal.aborted) return
      if (set === undefined) {
        said.all = true
        continue
      }
      reached('read')
      if (set !== last) yield set
      last = set
      await said.wait(Math.min(rescanAtMs, reader.dueMs ?? Infinity) - nowMs())
    }
  } finally {
    notices?.close()
  }
}

/** The sets of `followManifests`, until unsubscribed. */
export const watchManifests = (path: string, options: WatchOptions = {}): Observable<ManifestSet> =>
  new Observable(subscriber => {
    const stop = new AbortController()
    const tell = async (): Promise<void> => {
      for await (const set of followManifests(path, options, stop.signal)) subscriber.next(set)
    }
    tell().catch(error => subscriber.error(error))
    return () => stop.abort()
  })
