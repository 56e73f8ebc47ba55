import { constants } from 'node:fs'
import { copyFile, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { WeirError } from '@weir/core/errors.js'
import { locked, openLevel } from './folder.js'
import { readHolder } from './holder.js'
import type { LogDatabase, LogStorage } from './storage.js'

/** A copy taken while the writer compacts may miss a file that it then has no more; the next one won't. */
const attempts = 5

/**
 * A log opened for reading: LevelDB writes to whatever it opens, so it gets a copy (a reflink where the file system can).
 *
 * The copy is removed when the log closes. A held log is refused unless `whileHeld`: the copy of one is what a crash at
 * that moment would have left, so it ends with some event and is whole up to there.
 */
export function privateCopyStorage(options: { readonly path: string; readonly whileHeld?: boolean }): LogStorage {
  const { path, whileHeld = false } = options
  const copies = new Map<LogDatabase, string>()
  return {
    location: path,
    readOnly: true,
    async open() {
      const holder = await readHolder(path)
      if (holder !== undefined && !whileHeld) throw locked(path, holder)
      for (let attempt = 1; ; attempt++) {
        const copy = await mkdtemp(join(tmpdir(), 'weir-log-'))
        try {
          await copyDatabase(path, join(path, 'db'), copy)
          const database = await openLevel(path, copy)
          copies.set(database, copy)
          return database
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

async function copyDatabase(path: string, from: string, to: string): Promise<void> {
  let names: string[]
  try {
    names = await readdir(from)
  } catch (cause) {
    const reason = `there is no log (${(cause as Error).message})`
    throw new WeirError(
      'WEIR_LOG_UNREADABLE',
      `the log at ${path} can't be opened: ${reason}`,
      { path, reason },
      { cause },
    )
  }
  if (!names.includes('CURRENT')) {
    const reason = 'there is no database in it'
    throw new WeirError('WEIR_LOG_UNREADABLE', `the log at ${path} can't be opened: ${reason}`, { path, reason })
  }
  // Old tables first and the newest files last: what a table was compacted into is then never older than the table.
  // LOCK must not even be opened: closing it would drop the lock of a writer in this very process.
  const wanted = names.filter(name => name !== 'LOCK' && !name.startsWith('LOG')).sort(byAge)
  for (const name of wanted) await copyFile(join(from, name), join(to, name), constants.COPYFILE_FICLONE)
}

function byAge(a: string, b: string): number {
  return rank(a) - rank(b) || (a < b ? -1 : 1)
}

function rank(name: string): number {
  if (name.endsWith('.ldb') || name.endsWith('.sst')) return 0
  if (name.startsWith('MANIFEST')) return 1
  return name === 'CURRENT' ? 2 : 3
}
