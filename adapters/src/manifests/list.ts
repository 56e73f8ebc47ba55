import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { ManifestLimits } from './limits.js'

/** A file as the file system describes it: equal stamps, equal content, but for changes within the clock's grain. */
export interface FileStamp {
  readonly identity: string
  /** Milliseconds since the epoch of the last change of content or inode. */
  readonly changedMs: number
}

/** A path that can't be looked into. */
export interface Obstacle {
  readonly path: string
  readonly message: string
  readonly expected?: string
  /** False when all that lies behind the path is known by another one. */
  readonly hides: boolean
}

export interface Listing {
  /** By path. */
  readonly files: ReadonlyMap<string, FileStamp>
  readonly obstacles: readonly Obstacle[]
}

const isManifest = (name: string): boolean => /\.(ya?ml|json)$/i.test(name)

const causes: Readonly<Record<string, string>> = {
  ENOENT: 'there is nothing at this path',
  ELOOP: 'this symbolic link leads back to itself',
  EACCES: 'the permission to read this is missing',
  EPERM: 'the permission to read this is missing',
  ENOTDIR: 'a part of this path is not a folder',
}

/** A file system error as a sentence. */
export const causeOf = (error: unknown): string => {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return causes[code] ?? `this can't be read: ${error instanceof Error ? error.message : String(error)}`
}

class Lister {
  readonly files = new Map<string, FileStamp>()
  readonly obstacles: Obstacle[] = []
  readonly #limits: ManifestLimits

  constructor(limits: ManifestLimits) {
    this.#limits = limits
  }

  /** `above` holds the folders on the way here, by device and inode: a link to one of them is a loop. */
  async visit(path: string, above: readonly string[], named: boolean): Promise<void> {
    try {
      const found = await stat(path, { bigint: true })
      const place = `${found.dev}:${found.ino}`
      if (found.isDirectory()) {
        if (above.includes(place)) this.#obstruct(path, 'this symbolic link leads back to a folder above it', false)
        else await this.#folder(path, [...above, place])
      } else if (!named && !isManifest(path)) return
      else if (!found.isFile()) this.#obstruct(path, 'this is neither a file nor a folder', true)
      else if (this.files.size >= this.#limits.filesMax) this.#tooMany(path)
      else {
        const identity = `${place}:${found.size}:${found.mtimeNs}:${found.ctimeNs}`
        this.files.set(path, { identity, changedMs: Number(found.ctimeNs / 1_000_000n) })
      }
    } catch (error) {
      this.#obstruct(path, causeOf(error), true)
    }
  }

  /** Names that begin with a dot are left out: editors' files, `.git`, and the folders behind mounted ConfigMaps. */
  async #folder(path: string, above: readonly string[]): Promise<void> {
    const entries = await readdir(path, { withFileTypes: true })
    entries.sort((a, b) => (a.name < b.name ? -1 : 1))
    for (const entry of entries) {
      if (entry.name.startsWith('.')) continue
      const dangling = entry.isSymbolicLink() && !isManifest(entry.name)
      if (entry.isDirectory() || entry.isSymbolicLink() || isManifest(entry.name)) {
        const before = this.obstacles.length
        await this.visit(join(path, entry.name), above, false)
        const vanished = this.obstacles.length > before && this.obstacles.at(-1)?.message === causes.ENOENT
        if (vanished && (dangling || !entry.isSymbolicLink())) this.obstacles.pop()
      }
    }
  }

  #tooMany(path: string): void {
    const last = this.obstacles.at(-1)
    if (last?.expected !== undefined) return
    const expected = `at most ${this.#limits.filesMax} files`
    this.obstacles.push({ path, message: 'there are too many files', expected, hides: true })
  }

  #obstruct(path: string, message: string, hides: boolean): void {
    this.obstacles.push({ path, message, hides })
  }
}

/** Every manifest file below a folder (or the file itself), symbolic links followed. */
export const listManifests = async (root: string, limits: ManifestLimits): Promise<Listing> => {
  const lister = new Lister(limits)
  await lister.visit(root, [], true)
  return lister
}
