import type { ObjectKey } from '@weir/core/event/event.js'
import { assembleManifests, claimsOf, type RememberedReading } from './assemble.js'
import { keyText, type ManifestPart, type ManifestSet } from './set.js'

const inOrder = (files: Iterable<RememberedReading>): readonly RememberedReading[] =>
  [...files].sort((a, b) => (a.reading.file < b.reading.file ? -1 : 1))

/** A set that is put together only when somebody wants all of it, by properties that a copy has too. */
function lazySet(
  root: string,
  files: readonly RememberedReading[],
  incomplete: boolean,
  changed: ManifestPart | undefined,
): ManifestSet {
  let whole: ManifestSet | undefined
  const all = (): ManifestSet => {
    whole ??= assembleManifests(root, inOrder(files))
    return whole
  }
  return {
    root,
    incomplete,
    ...(changed !== undefined && { changed }),
    get objects() {
      return all().objects
    },
    get refusals() {
      return all().refusals
    },
    get skipped() {
      return all().skipped
    },
  }
}

interface Entry<Remembered> {
  readonly remembered: Remembered
  readonly keys: ReadonlyMap<string, ObjectKey>
}

const keysOf = ({ reading, kept }: RememberedReading): ReadonlyMap<string, ObjectKey> => {
  const claims = [...reading.entries, ...kept].flatMap(claimsOf)
  if (reading.refusal !== undefined) claims.push(reading.refusal.object)
  return new Map(claims.map(claim => [keyText(claim), claim]))
}

/**
 * What every file said last. Gives it as sets, each with what may differ from the one before: files that claim a key in
 * common are put together anew as one, all others stay as they were.
 */
export class ManifestMemory<Remembered extends RememberedReading> {
  readonly #root: string
  readonly #files = new Map<string, Entry<Remembered>>()
  /** Files by the keys that they claim. */
  readonly #claimants = new Map<string, Set<string>>()
  #touchedFiles = new Set<string>()
  #touchedKeys = new Map<string, ObjectKey>()
  #unknown = 0
  #last: ManifestSet | undefined

  constructor(root: string) {
    this.#root = root
  }

  get size(): number {
    return this.#files.size
  }

  /** The set that was given last. */
  get last(): ManifestSet | undefined {
    return this.#last
  }

  get(file: string): Remembered | undefined {
    return this.#files.get(file)?.remembered
  }

  names(): Iterable<string> {
    return this.#files.keys()
  }

  /** Replaces what a file said; undefined forgets the file. */
  put(file: string, remembered: Remembered | undefined): void {
    const before = this.#files.get(file)
    if (before?.remembered === remembered) return
    this.#touchedFiles.add(file)
    this.#unknown += Number(remembered?.unknown === true) - Number(before?.remembered.unknown === true)
    for (const [text, key] of before?.keys ?? []) {
      this.#touchedKeys.set(text, key)
      const claimants = this.#claimants.get(text)
      claimants?.delete(file)
      if (claimants?.size === 0) this.#claimants.delete(text)
    }
    if (remembered === undefined) {
      this.#files.delete(file)
      return
    }
    const keys = keysOf(remembered)
    this.#files.set(file, { remembered, keys })
    for (const [text, key] of keys) {
      this.#touchedKeys.set(text, key)
      const claimants = this.#claimants.get(text)
      if (claimants === undefined) this.#claimants.set(text, new Set([file]))
      else claimants.add(file)
    }
  }

  /** All that the files say now. The same object as last time when nothing was put since. */
  set(): ManifestSet {
    if (this.#last !== undefined && this.#touchedFiles.size === 0) return this.#last
    const incomplete = this.#unknown > 0
    // Whatever was not deleted while a set was incomplete is due when it no longer is.
    const part = this.#last === undefined || this.#last.incomplete || incomplete ? undefined : this.#part()
    const files = [...this.#files.values()].map(({ remembered }) => remembered)
    this.#last = lazySet(this.#root, files, incomplete, part)
    this.#touchedFiles = new Set()
    this.#touchedKeys = new Map()
    return this.#last
  }

  /** The touched files, those that share a key with them, those that share one with these, and so on. */
  #part(): ManifestPart {
    const keys = new Map(this.#touchedKeys)
    const files = new Set([...this.#touchedFiles].filter(file => this.#files.has(file)))
    const waiting = [...keys.keys()]
    for (let key = waiting.pop(); key !== undefined; key = waiting.pop()) {
      for (const file of this.#claimants.get(key) ?? []) {
        if (files.has(file)) continue
        files.add(file)
        for (const [text, own] of this.#files.get(file)!.keys) {
          if (keys.has(text)) continue
          keys.set(text, own)
          waiting.push(text)
        }
      }
    }
    const remembered = inOrder([...files].map(file => this.#files.get(file)!.remembered))
    const { objects, refusals, skipped } = assembleManifests(this.#root, remembered)
    return { keys, objects, refusals, skipped }
  }
}
