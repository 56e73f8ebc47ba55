import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { binary } from '../log/keys.js'
import { entriesOfBatch } from './batch.js'
import { openLevel } from './folder.js'
import { readableRecords } from './journal.js'
import type { LogDatabase } from './storage.js'
import type { StoredEntry } from './stored-entry.js'
import { readableEntries } from './table.js'

/**
 * Puts what can be read of the tables and journals of a folder into a database of its own, whatever the folder's list of
 * them says. LevelDB isn't asked to read any of it (see `table.ts`).
 *
 * @param path names the log in errors
 * @param to folder of the new database
 * @throws WeirError WEIR_LOG_UNREADABLE
 */
export async function rebuildLevel(path: string, folder: string, to: string): Promise<LogDatabase> {
  const database = await openLevel(path, to)
  // Which file is older, nothing tells but the numbers of its entries.
  const newest = new Map<string, number>()
  for (const name of (await readdir(folder)).filter(each => /^\d+\.(?:ldb|sst|log)$/.test(each)).sort()) {
    const operations: Operation[] = []
    const bytes = await readFile(join(folder, name))
    for (const entry of name.endsWith('.log') ? entriesOfJournal(bytes) : readableEntries(bytes)) {
      const key = entry.key.toString('latin1')
      if ((newest.get(key) ?? -1) > entry.seq) continue
      newest.set(key, entry.seq)
      operations.push(operationOf(entry))
    }
    await database.batch(operations, binary)
  }
  return database
}

type Operation =
  | { readonly type: 'put'; readonly key: Buffer; readonly value: Buffer }
  | { readonly type: 'del'; readonly key: Buffer }

const operationOf = ({ key, value }: StoredEntry): Operation =>
  value === undefined ? { type: 'del', key } : { type: 'put', key, value }

function* entriesOfJournal(bytes: Buffer): Generator<StoredEntry> {
  for (const record of readableRecords(bytes)) yield* entriesOfBatch(record)
}
