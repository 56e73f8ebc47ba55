import { constants } from 'node:fs'
import { copyFile, link, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { WeirError } from '@weir/core/errors.js'
import { openDatabase } from '../log/open.js'
import { locked, openLevel } from './folder.js'
import { readHolder } from './holder.js'
import { type FileFault, isTable, takeInventory } from './inventory.js'
import { rebuildLevel } from './rebuild.js'
import type { LogDatabase, LogStorage } from './storage.js'
import { unreadable } from './unreadable.js'

/** How a log is opened for reading only. */
export interface ReadOnlyOptions {
  /** Folder of the log. It is copied to a private place first and never touched. */
  readonly path: string
  /** Copy it even while a process writes it; the copy then ends a moment ago. Default false: `WEIR_LOG_LOCKED`. */
  readonly whileHeld?: boolean
  /**
   * Read what is left of a log whose files are damaged, too: where LevelDB can't open the copy, or would pass over a
   * fault in silence, its tables and journals are put together anew there. Default false: `WEIR_LOG_UNREADABLE`.
   */
  readonly salvage?: boolean
  /** When it aborts, reading events rejects with its reason: whoever reads has had enough. */
  readonly signal?: AbortSignal
  /** With `salvage`: told once what is wrong with the files, and whether the copy had to be put together anew. */
  readonly onInventory?: (faults: readonly FileFault[], rebuilt: boolean) => void
}

/** A copy taken while the writer compacts may miss a file that it then has no more; the next one won't. */
const attempts = 5

/**
 * A log opened for reading: LevelDB writes to whatever it opens, so it gets a copy (a reflink where the file system can).
 *
 * The copy is removed when the log closes. A held log is refused unless `whileHeld`: the copy of one is what a crash at
 * that moment would have left, so it ends with some event and is whole up to there.
 */
export function privateCopyStorage(options: ReadOnlyOptions): LogStorage {
  const { path, whileHeld = false } = options
  const copies = new Map<LogDatabase, string>()
  return {
    location: path,
    readOnly: true,
    ...(options.signal !== undefined && { signal: options.signal }),
    async open() {
      const holder = await readHolder(path)
      if (holder !== undefined && !whileHeld) throw locked(path, holder)
      for (let attempt = 1; ; attempt++) {
        const copy = await mkdtemp(join(tmpdir(), 'weir-log-'))
        try {
          const isLast = holder === undefined || attempt === attempts
          const database =
            options.salvage === true
              ? await openWhatIsLeft(options, copy, holder !== undefined, isLast)
              : await openCopy(path, copy)
          if (database !== undefined) {
            copies.set(database, copy)
            return database
          }
          await rm(copy, { recursive: true, force: true })
        } catch (error) {
          await rm(copy, { recursive: true, force: true })
          if (holder === undefined || attempt === attempts) throw error
        }
      }
    },
    async close(database) {
      await database.close()
      const copy = copies.get(database)
      copies.delete(database)
      if (copy !== undefined) await rm(copy, { recursive: true, force: true })
    },
  }
}

async function openCopy(path: string, copy: string): Promise<LogDatabase> {
  const names = await namesOf(path)
  if (!names.includes('CURRENT')) throw unreadable(path, 'files', 'there is no database in it')
  await copyFiles(join(path, 'db'), names, copy)
  return openLevel(path, copy)
}

/** Undefined where the copy caught the writer between two files and another one is to be tried. */
async function openWhatIsLeft(
  options: ReadOnlyOptions,
  copy: string,
  held: boolean,
  isLast: boolean,
): Promise<LogDatabase | undefined> {
  const { path } = options
  const names = await namesOf(path)
  if (!names.some(name => /^(?:\d+\.(?:ldb|sst|log)|MANIFEST-\d+|CURRENT)$/.test(name)))
    throw unreadable(path, 'no-log', 'there is no database in it')
  await copyFiles(join(path, 'db'), names, copy)
  const found = await takeInventory(copy)
  // A writer that goes on leaves a journal that ends anywhere.
  const faults = held ? found.filter(({ kind, file }) => kind !== 'cut-file' || !file.endsWith('.log')) : found
  if (held && faults.length > 0 && !isLast) return undefined
  if (faults.every(({ file }) => file.endsWith('.log'))) {
    const database = await openLevel(path, copy).catch(() => undefined)
    if (database !== undefined && (await canBegin(database))) {
      options.onInventory?.(faults, false)
      return database
    }
    await database?.close()
    // It may have changed what it couldn't open.
    for (const name of await readdir(copy)) await rm(join(copy, name), { recursive: true })
    await copyFiles(join(path, 'db'), names, copy)
  }
  const database = await rebuildLevel(path, copy, join(copy, 'anew'))
  options.onInventory?.(faults, true)
  return database
}

/** Whether what opening a log reads can be read: its end and its marks. */
async function canBegin(database: LogDatabase): Promise<boolean> {
  try {
    await openDatabase(database, { location: '', readOnly: true })
    return true
  } catch (error) {
    return error instanceof WeirError
  }
}

async function namesOf(path: string): Promise<string[]> {
  try {
    return await readdir(join(path, 'db'))
  } catch (cause) {
    throw unreadable(path, 'no-log', `there is no log (${(cause as Error).message})`, cause)
  }
}

/**
 * Old tables first and the newest files last: what a table was compacted into is then never older than the table. LOCK
 * must not even be opened: closing it would drop the lock of a writer in this very process.
 */
async function copyFiles(from: string, names: readonly string[], to: string): Promise<void> {
  const wanted = names.filter(name => name !== 'LOCK' && !name.startsWith('LOG') && name !== 'lost').sort(byAge)
  for (const name of wanted) {
    const [source, target] = [join(from, name), join(to, name)]
    // One that stays as it is may be shared, where the file system lets it.
    if (!(isTable(name) && (await link(source, target).then(succeeded, failed))))
      await copyFile(source, target, constants.COPYFILE_FICLONE)
  }
}

const succeeded = (): boolean => true
const failed = (): boolean => false

function byAge(a: string, b: string): number {
  return rank(a) - rank(b) || (a < b ? -1 : 1)
}

function rank(name: string): number {
  if (isTable(name)) return 0
  if (name.startsWith('MANIFEST')) return 1
  return name === 'CURRENT' ? 2 : 3
}
