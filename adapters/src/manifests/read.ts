import { resolve, sep } from 'node:path'
import type { RememberedReading } from './assemble.js'
import { type Files, machineFiles } from './files.js'
import { type FileReading, isRefusal, readManifestText, refusedFile } from './file.js'
import { type ManifestLimits, manifestLimits } from './limits.js'
import { causeOf, type FileStamp, type Listing, listManifests, type Obstacle, stampOf } from './list.js'
import { ManifestMemory } from './memory.js'
import { keyText, type ManifestObject, type ManifestSet } from './set.js'

export interface ReadOptions {
  /** Where pods without a `nodeName` run; '' leaves them unscheduled. */
  readonly node?: string
  readonly limits?: Partial<ManifestLimits>
  /** Milliseconds since the epoch, by the clock that stamps files. */
  readonly nowMs?: () => number
  /** How long what a file no longer says stays in force, for those who replace files in steps. 0, not at all, when absent. */
  readonly settleMs?: number
  /** How often the file has been written to; undefined while somebody is at it: then it is left for a later reading. */
  readonly writes?: (file: string) => number | undefined
  /** Those of this machine when absent. */
  readonly files?: Files
}

/** A file changed more recently than this may change again without a new stamp: it is read again next time. */
const stampGrainMs = 100

interface Remembered extends RememberedReading {
  /** True for what stands for a path that can't be looked into. */
  readonly isObstacle?: true
}

/** The content of a file as text; what forbids it otherwise. */
const readText = async (files: Files, file: string, limits: ManifestLimits): Promise<string | FileReading> => {
  const found = await files.read(file, limits.fileSizeBytes)
  if (typeof found === 'number')
    return refusedFile(
      file,
      'WEIR_MANIFEST_TOO_LARGE',
      `the file has ${found} bytes`,
      `at most ${limits.fileSizeBytes} bytes`,
    )
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(found)
  } catch (error) {
    if (error instanceof TypeError)
      return refusedFile(file, 'WEIR_MANIFEST_NOT_UTF8', 'the file is not UTF-8 text', 'UTF-8 text')
    throw error
  }
}

type Content = string | FileReading

/** Undefined when the file has just gone. */
const readContent = async (files: Files, file: string, limits: ManifestLimits): Promise<Content | undefined> => {
  try {
    return await readText(files, file, limits)
  } catch (error) {
    if (codeOf(error) === 'ENOENT' && !(await files.isThere(file))) return undefined
    return refusedFile(file, 'WEIR_MANIFEST_UNREADABLE', causeOf(error))
  }
}

const readingOf = (file: string, content: Content, limits: ManifestLimits): FileReading =>
  typeof content === 'string' ? readManifestText(file, content, limits) : content

const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error ? String(error.code) : undefined

const refusedPath = ({ path, message, expected }: Obstacle): FileReading =>
  refusedFile(
    path,
    expected === undefined ? 'WEIR_MANIFEST_UNREADABLE' : 'WEIR_MANIFEST_TOO_COMPLEX',
    message,
    expected,
  )

/** A file as it was when its reading was made. */
interface Seen {
  /** Undefined while the file may change without a new one. */
  readonly stamp: string | undefined
  /** What it held; kept while there is no stamp. */
  readonly content: Content | undefined
}

/** Files that are read at once: the disk is asked for more while the first ones are understood. */
const filesAtOnce = 16

/**
 * Reads a folder again and again, files that haven't changed only once. It remembers what a file said, so that a file
 * that can't be read any more takes nothing back.
 */
export class ManifestReader {
  readonly root: string
  readonly #files: Files
  readonly #limits: ManifestLimits
  readonly #node: string
  readonly #nowMs: () => number
  readonly #settleMs: number
  readonly #writes: (file: string) => number | undefined
  readonly #memory: ManifestMemory<Remembered>
  readonly #seen = new Map<string, Seen>()
  /** Files with something that is in force for a while only, and until when: milliseconds since the epoch. */
  readonly #leaving = new Map<string, number>()
  #abandoned = false

  constructor(path: string, options: ReadOptions = {}) {
    this.root = resolve(path)
    this.#files = options.files ?? machineFiles
    this.#limits = { ...manifestLimits, ...options.limits }
    this.#node = options.node ?? ''
    this.#nowMs = options.nowMs ?? Date.now
    this.#settleMs = options.settleMs ?? 0
    this.#writes = options.writes ?? (() => 0)
    this.#memory = new ManifestMemory(this.root)
  }

  /** Ends a reading under way after the file that it is at; it and any later one never resolve. */
  abandon(): void {
    this.#abandoned = true
  }

  /** When there is something to look at again without a notice, in milliseconds since the epoch. */
  get dueMs(): number | undefined {
    return this.#leaving.size === 0 ? undefined : Math.min(...this.#leaving.values())
  }

  /** All that the folder says now. The same object as last time when no file has changed. Never rejects. */
  async read(onListed: (listing: Listing) => void = () => {}): Promise<ManifestSet> {
    const listing = await listManifests(this.root, this.#limits, this.#files)
    onListed(listing)
    await this.#readChanged([...listing.files])
    const hiding = listing.obstacles.filter(({ hides }) => hides).map(({ path }) => path)
    const isHidden = (file: string): boolean => hiding.some(path => file === path || file.startsWith(path + sep))
    const obstructed = new Set(listing.obstacles.map(({ path }) => path))
    for (const file of [...this.#memory.names()])
      if (!listing.files.has(file) && !isHidden(file) && !obstructed.has(file)) this.#gone(file)
    for (const obstacle of listing.obstacles) this.#obstruct(obstacle, listing)
    await this.#expire()
    return this.#memory.set()
  }

  /**
   * The same, for those who know that nothing but these files has changed, each of them in a folder that was listed.
   * Undefined when that is not enough, and all has to be read.
   */
  async readFiles(files: Iterable<string>): Promise<ManifestSet | undefined> {
    const present: [string, FileStamp][] = []
    for (const file of files) {
      try {
        const stamp = await stampOf(file, this.#files)
        const isOneTooMany = this.#memory.get(file) === undefined && this.#memory.size >= this.#limits.filesMax
        if (stamp === undefined || isOneTooMany) return undefined
        present.push([file, stamp])
      } catch (error) {
        // A link to nothing is there, and an obstacle.
        if (codeOf(error) !== 'ENOENT' || (await this.#files.isThere(file))) return undefined
        this.#gone(file)
      }
    }
    await this.#readChanged(present)
    await this.#expire()
    return this.#memory.set()
  }

  async #readChanged(files: readonly (readonly [string, FileStamp])[]): Promise<void> {
    const changed = files.filter(([file, { identity }]) => this.#seen.get(file)?.stamp !== identity)
    for (let start = 0; start < changed.length; start += filesAtOnce) {
      if (this.#abandoned) return new Promise(() => {})
      const next = changed
        .slice(start, start + filesAtOnce)
        .map(([file, stamp]) => ({ file, stamp, writes: this.#writes(file) }))
      const some = next.filter(({ writes }) => writes !== undefined)
      for (const { file, writes } of next) if (writes === undefined) this.#leaveForLater(file)
      const contents = await Promise.all(some.map(({ file }) => readContent(this.#files, file, this.#limits)))
      for (const [index, { file, stamp, writes }] of some.entries()) {
        const { identity, changedMs } = stamp
        if (this.#abandoned) return new Promise(() => {})
        const settled = changedMs + stampGrainMs < this.#nowMs()
        const content = contents[index]
        if (content === undefined) {
          this.#leaveForLater(file)
          this.#gone(file)
          continue
        }
        const seen: Seen = settled ? { stamp: identity, content: undefined } : { stamp: undefined, content }
        if (typeof content === 'string' && this.#seen.get(file)?.content === content) {
          this.#seen.set(file, seen)
          continue
        }
        const reading = readingOf(file, content, this.#limits)
        // Somebody has written meanwhile: what was read may be half of it, and there will be a notice.
        if (this.#writes(file) !== writes) {
          this.#leaveForLater(file)
          continue
        }
        this.#memory.put(file, this.#remember(reading, this.#memory.get(file)))
        this.#seen.set(file, seen)
      }
    }
  }

  #remember(read: FileReading, before: Remembered | undefined): Remembered {
    const reading = this.#scheduled(read)
    const own = new Set(reading.entries.map(({ object }) => keyText(object)))
    const said = before === undefined ? [] : [...before.reading.entries, ...before.kept]
    const missing = said.filter(({ object }) => !own.has(keyText(object)))
    if (reading.refusal === undefined) {
      this.#leave(reading.file, missing.length > 0)
      return { reading, kept: this.#settleMs > 0 ? missing : [], unknown: false }
    }
    this.#leaving.delete(reading.file)
    const unknown = before?.unknown ?? this.#mayHaveSaidMore
    return { reading, kept: missing.filter(entry => !isRefusal(entry)), unknown }
  }

  /** A file that was not there at the last look has said nothing yet; at the first look nobody can tell. */
  get #mayHaveSaidMore(): boolean {
    return this.#memory.last?.incomplete !== false
  }

  /** What a file said before this reader was there may still be in force: until it can be read, nothing is taken back. */
  #leaveForLater(file: string): void {
    if (this.#memory.get(file) !== undefined || !this.#mayHaveSaidMore) return
    const reading: FileReading = { file, entries: [], refusal: undefined, skipped: [] }
    this.#memory.put(file, { reading, kept: [], unknown: true })
    this.#seen.set(file, { stamp: undefined, content: undefined })
  }

  /** Many a program replaces a file by taking it away first: what it said holds a while longer. */
  #gone(file: string): void {
    const before = this.#memory.get(file)
    const wasSeen = this.#seen.delete(file)
    if (before === undefined) return
    if (this.#settleMs === 0 || before.isObstacle === true) {
      this.#memory.put(file, undefined)
      return
    }
    // It is on its way already.
    if (!wasSeen) return
    this.#leave(file, true)
    const kept = [...before.reading.entries, ...before.kept]
    const reading: FileReading = { file, entries: [], refusal: undefined, skipped: [] }
    this.#memory.put(file, { reading, kept, unknown: before.unknown })
  }

  #leave(file: string, isLeaving: boolean): void {
    if (isLeaving && this.#settleMs > 0) this.#leaving.set(file, this.#nowMs() + this.#settleMs)
    else this.#leaving.delete(file)
  }

  /** Takes back what has been missing for long enough. */
  async #expire(): Promise<void> {
    if (this.#leaving.size === 0) return
    const now = this.#nowMs()
    for (const [file, due] of [...this.#leaving]) {
      if (due > now) continue
      // It may be back already while the word of that waits, or while others are read.
      if (this.#writes(file) === undefined || (!this.#seen.has(file) && (await this.#isFile(file)))) {
        this.#leave(file, true)
        continue
      }
      this.#leaving.delete(file)
      const remembered = this.#memory.get(file)
      if (remembered === undefined) continue
      this.#memory.put(file, this.#seen.has(file) ? { ...remembered, kept: [] } : undefined)
    }
  }

  /** Whatever lay behind the obstacle when it could last be read still counts. */
  #obstruct(obstacle: Obstacle, { files }: Listing): void {
    const before = this.#memory.get(obstacle.path)
    const reading = refusedPath(obstacle)
    if (before !== undefined && before.reading.refusal?.problems[0]?.message === obstacle.message) return
    this.#seen.delete(obstacle.path)
    if (!obstacle.hides) {
      this.#memory.put(obstacle.path, { reading, kept: [], unknown: false, isObstacle: true })
      return
    }
    const isBelow = (file: string): boolean => file.startsWith(obstacle.path + sep) && !files.has(file)
    const hasBelow = [...this.#memory.names()].some(isBelow)
    const { kept, unknown } = this.#remember(reading, before)
    this.#memory.put(obstacle.path, {
      reading,
      kept,
      unknown: unknown && !hasBelow,
      isObstacle: true,
    })
  }

  #isFile(path: string): Promise<boolean> {
    return stampOf(path, this.#files).then(
      stamp => stamp !== undefined,
      () => false,
    )
  }

  #scheduled(reading: FileReading): FileReading {
    if (this.#node === '') return reading
    const entries = reading.entries.map(entry => (isRefusal(entry) ? entry : onNode(entry, this.#node)))
    return { ...reading, entries }
  }
}

const onNode = (object: ManifestObject, node: string): ManifestObject => ({
  ...object,
  bodies: object.bodies.map(body =>
    body.kind === 'pod.upserted' && body.pod.node === '' ? { ...body, pod: { ...body.pod, node } } : body,
  ),
})

/** Reads a folder (with all below it) or a file once. What can't be read is among the refusals: this never rejects. */
export const readManifests = (path: string, options: ReadOptions = {}): Promise<ManifestSet> =>
  new ManifestReader(path, options).read()
