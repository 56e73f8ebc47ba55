import { join } from 'node:path'
import { type Files, type FileStat, machineFiles } from './files.js'
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
  /** Folders that were looked into, the root with them; those behind links are not among them. */
  readonly folders: ReadonlySet<string>
  /** Links that lead to folders. */
  readonly links: ReadonlySet<string>
}

export const isManifest = (name: string): boolean => /\.(ya?ml|json)$/i.test(name)

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

/** What is at a path; never rejects. */
type Look = Promise<{ readonly found: FileStat } | { readonly error: unknown }>

const lookAt = (files: Files, path: string): Look =>
  files.stat(path).then(
    found => ({ found }),
    (error: unknown) => ({ error }),
  )

/** Paths that are looked at together: the thread pool is handed more while the first ones are taken in. */
const looksAtOnce = 64

class Lister {
  readonly files = new Map<string, FileStamp>()
  readonly obstacles: Obstacle[] = []
  readonly folders = new Set<string>()
  readonly links = new Set<string>()
  readonly #root: string
  readonly #on: Files
  readonly #limits: ManifestLimits
  #folders = 0
  #full = false

  constructor(root: string, limits: ManifestLimits, on: Files) {
    this.#root = root
    this.#on = on
    this.#limits = limits
  }

  /** `above` holds the folders on the way here, by device and inode: a link to one of them is a loop. */
  async visit(path: string, above: readonly string[], named: boolean, behindLink: boolean, look: Look): Promise<void> {
    try {
      const looked = await look
      if ('error' in looked) throw looked.error
      const { found } = looked
      const place = `${found.dev}:${found.ino}`
      if (found.isDirectory()) {
        if (above.includes(place)) this.#obstruct(path, 'this symbolic link leads back to a folder above it', false)
        else await this.#folder(path, [...above, place], behindLink)
      } else if (!named && !isManifest(path)) return
      else if (!found.isFile()) this.#obstruct(path, 'this is neither a file nor a folder', true)
      else if (this.files.size >= this.#limits.filesMax) this.#tooMany(path, 'files', this.#limits.filesMax)
      else this.files.set(path, stampFrom(found))
    } catch (error) {
      this.#obstruct(path, causeOf(error), true)
    }
  }

  /** Names that begin with a dot are left out: editors' files, `.git`, and the folders behind mounted ConfigMaps. */
  async #folder(path: string, above: readonly string[], behindLink: boolean): Promise<void> {
    if (++this.#folders > this.#limits.foldersMax) return this.#tooMany(path, 'folders', this.#limits.foldersMax)
    if (!behindLink) this.folders.add(path)
    const entries = await this.#on.entries(path)
    const wanted = entries.filter(
      entry => !entry.name.startsWith('.') && (entry.isDirectory() || entry.isSymbolicLink() || isManifest(entry.name)),
    )
    wanted.sort((a, b) => (a.name < b.name ? -1 : 1))
    for (let start = 0; start < wanted.length && !this.#full; start += looksAtOnce) {
      const some = wanted.slice(start, start + looksAtOnce).map(entry => {
        const inside = join(path, entry.name)
        return { entry, inside, look: lookAt(this.#on, inside) }
      })
      for (const { entry, inside, look } of some) {
        if (this.#full) return
        const dangling = entry.isSymbolicLink() && !isManifest(entry.name)
        const before = this.obstacles.length
        if (dangling) this.links.add(inside)
        await this.visit(inside, above, false, behindLink || entry.isSymbolicLink(), look)
        const vanished = this.obstacles.length > before && this.obstacles.at(-1)?.message === causes.ENOENT
        if (vanished && (dangling || !entry.isSymbolicLink())) this.obstacles.pop()
      }
    }
  }

  /** Told of the root, as nobody knows what else there is: all that was known of files not seen now still counts. */
  #tooMany(path: string, what: 'files' | 'folders', most: number): void {
    if (this.#full) return
    this.#full = true
    const message = `there are too many ${what}: ${path} is left out, and what follows it`
    this.obstacles.push({ path: this.#root, message, expected: `at most ${most} ${what}`, hides: true })
  }

  #obstruct(path: string, message: string, hides: boolean): void {
    this.obstacles.push({ path, message, hides })
  }
}

/** A file's stamp; undefined when there is none, or none of a plain file's: a listing tells what it is then. */
export const stampOf = async (path: string, files: Files): Promise<FileStamp | undefined> => {
  const found = await files.stat(path)
  return found.isFile() ? stampFrom(found) : undefined
}

const stampFrom = ({ dev, ino, size, mtimeNs, ctimeNs }: FileStat): FileStamp => ({
  identity: `${dev}:${ino}:${size}:${mtimeNs}:${ctimeNs}`,
  changedMs: Number(ctimeNs / 1_000_000n),
})

/** Every manifest file below a folder (or the file itself), symbolic links followed. */
export const listManifests = async (
  root: string,
  limits: ManifestLimits,
  files: Files = machineFiles,
): Promise<Listing> => {
  const lister = new Lister(root, limits, files)
  await lister.visit(root, [], true, false, lookAt(files, root))
  return lister
}
