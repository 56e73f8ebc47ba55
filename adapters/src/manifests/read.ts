import { open } from 'node:fs/promises'
import { resolve, sep } from 'node:path'
import { assembleManifests, type RememberedReading } from './assemble.js'
import { type FileReading, isRefusal, readManifestText, refusedFile } from './file.js'
import { type ManifestLimits, manifestLimits } from './limits.js'
import { causeOf, type FileStamp, listManifests, type Obstacle } from './list.js'
import { keyText, type ManifestObject, type ManifestSet } from './set.js'

export interface ReadOptions {
  /** Where pods without a `nodeName` run; '' leaves them unscheduled. */
  readonly node?: string
  readonly limits?: Partial<ManifestLimits>
  /** Milliseconds since the epoch, by the clock that stamps files. */
  readonly nowMs?: () => number
}

/** A file changed more recently than this may change again without a new stamp: it is read again next time. */
const stampGrainMs = 100

interface Remembered extends RememberedReading {
  readonly stamp: string | undefined
}

/** The content of a file as text; what forbids it otherwise. */
const readText = async (file: string, limits: ManifestLimits): Promise<string | FileReading> => {
  const handle = await open(file, 'r')
  try {
    const { size } = await handle.stat()
    if (size > limits.fileSizeBytes)
      return refusedFile(
        file,
        'WEIR_MANIFEST_TOO_LARGE',
        `the file has ${size} bytes`,
        `at most ${limits.fileSizeBytes} bytes`,
      )
    return decoded(file, await handle.readFile())
  } finally {
    await handle.close()
  }
}

const decoded = (file: string, bytes: Uint8Array): string | FileReading => {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return refusedFile(file, 'WEIR_MANIFEST_NOT_UTF8', 'the file is not UTF-8 text', 'UTF-8 text')
  }
}

const readFile = async (file: string, limits: ManifestLimits): Promise<FileReading> => {
  try {
    const text = await readText(file, limits)
    return typeof text === 'string' ? readManifestText(file, text, limits) : text
  } catch (error) {
    return refusedFile(file, 'WEIR_MANIFEST_UNREADABLE', causeOf(error))
  }
}

const refusedPath = ({ path, message, expected }: Obstacle): FileReading =>
  refusedFile(
    path,
    expected === undefined ? 'WEIR_MANIFEST_UNREADABLE' : 'WEIR_MANIFEST_TOO_COMPLEX',
    message,
    expected,
  )

/**
 * Reads a folder again and again, files that haven't changed only once. It remembers what a file said, so that a file
 * that can't be read any more takes nothing back.
 */
export class ManifestReader {
  readonly root: string
  readonly #limits: ManifestLimits
  readonly #node: string
  readonly #nowMs: () => number
  #memory = new Map<string, Remembered>()
  #last: ManifestSet | undefined
  #abandoned = false

  constructor(path: string, options: ReadOptions = {}) {
    this.root = resolve(path)
    this.#limits = { ...manifestLimits, ...options.limits }
    this.#node = options.node ?? ''
    this.#nowMs = options.nowMs ?? Date.now
  }

  /** Ends a reading under way after the file that it is at; it and any later one never resolve. */
  abandon(): void {
    this.#abandoned = true
  }

  /** All that the folder says now. The same object as last time when no file has changed. Never rejects. */
  async read(): Promise<ManifestSet> {
    const listing = await listManifests(this.root, this.#limits)
    const memory = new Map<string, Remembered>()
    for (const [file, stamp] of listing.files) {
      if (this.#abandoned) return new Promise(() => {})
      memory.set(file, await this.#readChanged(file, stamp))
    }
    for (const obstacle of listing.obstacles) this.#obstruct(memory, obstacle)
    const changed =
      memory.size !== this.#memory.size || [...memory].some(([file, now]) => this.#memory.get(file) !== now)
    this.#memory = memory
    if (!changed && this.#last !== undefined) return this.#last
    const files = [...memory].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, remembered]) => remembered)
    this.#last = assembleManifests(this.root, files)
    return this.#last
  }

  async #readChanged(file: string, { identity, changedMs }: FileStamp): Promise<Remembered> {
    const before = this.#memory.get(file)
    if (before?.stamp === identity) return before
    const settled = changedMs + stampGrainMs < this.#nowMs()
    return this.#remember(await readFile(file, this.#limits), before, settled ? identity : undefined)
  }

  #remember(read: FileReading, before: Remembered | undefined, stamp: string | undefined): Remembered {
    const reading = this.#scheduled(read)
    if (reading.refusal === undefined) return { reading, stamp, kept: [], unknown: false }
    const own = new Set(reading.entries.map(({ object }) => keyText(object)))
    const kept = before === undefined ? [] : [...objectsOf(before.reading), ...before.kept]
    // A file that was not there at the last look has said nothing yet; at the first look nobody can tell.
    const unknown = before === undefined ? this.#last?.incomplete !== false : before.unknown
    return { reading, stamp, kept: kept.filter(({ object }) => !own.has(keyText(object))), unknown }
  }

  /** Whatever lay behind the obstacle when it could last be read still counts. */
  #obstruct(memory: Map<string, Remembered>, obstacle: Obstacle): void {
    const before = this.#memory.get(obstacle.path)
    const reading = refusedPath(obstacle)
    if (!obstacle.hides) {
      const same = before !== undefined && before.reading.refusal?.problems[0]?.message === obstacle.message
      memory.set(obstacle.path, same ? before : { reading, stamp: undefined, kept: [], unknown: false })
      return
    }
    const below = [...this.#memory].filter(([file]) => file.startsWith(obstacle.path + sep) && !memory.has(file))
    for (const [file, remembered] of below) memory.set(file, remembered)
    const same = before !== undefined && before.reading.refusal?.problems[0]?.message === obstacle.message
    if (same) memory.set(obstacle.path, before)
    else {
      const { kept, unknown } = this.#remember(reading, before, undefined)
      memory.set(obstacle.path, { reading, stamp: undefined, kept, unknown: unknown && below.length === 0 })
    }
  }

  #scheduled(reading: FileReading): FileReading {
    if (this.#node === '') return reading
    const entries = reading.entries.map(entry => (isRefusal(entry) ? entry : onNode(entry, this.#node)))
    return { ...reading, entries }
  }
}

const objectsOf = (reading: FileReading): readonly ManifestObject[] =>
  reading.entries.flatMap(entry => (isRefusal(entry) ? [] : [entry]))

const onNode = (object: ManifestObject, node: string): ManifestObject => ({
  ...object,
  bodies: object.bodies.map(body =>
    body.kind === 'pod.upserted' && body.pod.node === '' ? { ...body, pod: { ...body.pod, node } } : body,
  ),
})

/** Reads a folder (with all below it) or a file once. What can't be read is among the refusals: this never rejects. */
export const readManifests = (path: string, options: ReadOptions = {}): Promise<ManifestSet> =>
  new ManifestReader(path, options).read()

/**
 * Manifests that come from no file.
 * @param name what stands for the file where problems and sources name one
 */
export const readManifestStream = (name: string, bytes: Uint8Array): ManifestSet => {
  const isTooLarge = bytes.length > manifestLimits.fileSizeBytes
  const text = isTooLarge
    ? refusedFile(
        name,
        'WEIR_MANIFEST_TOO_LARGE',
        `it has ${bytes.length} bytes`,
        `at most ${manifestLimits.fileSizeBytes} bytes`,
      )
    : decoded(name, bytes)
  const reading = typeof text === 'string' ? readManifestText(name, text, manifestLimits) : text
  return assembleManifests(name, [{ reading, kept: [], unknown: false }])
}
