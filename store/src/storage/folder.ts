import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type LogHolder, WeirError } from '@weir/core/errors.js'
import { Level } from 'level'
import { writeFailed } from '../log/failure.js'
import { brokenTable } from './inventory.js'
import { readHolder, removeHolder, writeHolder } from './holder.js'
import type { LogDatabase, LogStorage } from './storage.js'
import { unreadable } from './unreadable.js'

export interface FolderOptions {
  /** Folder of the log; made when missing. LevelDB's files go to `db/` in it. */
  readonly path: string
  /** Who we are, for the error that a second writer gets. */
  readonly holder: LogHolder
}

/** A log in a folder, open for writing: one process at a time. */
export function folderStorage(options: FolderOptions): LogStorage {
  const { path, holder } = options
  return {
    location: path,
    readOnly: false,
    async open() {
      await mkdir(path, { recursive: true })
      await refuseHeadless(path, join(path, 'db'))
      const database = await openLevel(path, join(path, 'db'))
      try {
        await writeHolder(path, holder)
      } catch (error) {
        await database.close()
        throw writeFailed(path, 0, 'name of its holder', error)
      }
      return database
    },
    async close(database) {
      await removeHolder(path)
      await database.close()
    },
  }
}

/**
 * LevelDB takes a folder without CURRENT for a new database and deletes what else is in it: a log that lost that one
 * file would be gone. Before the first CURRENT LevelDB writes neither tables nor journals.
 */
async function refuseHeadless(path: string, folder: string): Promise<void> {
  const names = await readdir(folder).catch((): string[] => [])
  if (names.includes('CURRENT') || !names.some(name => /^\d+\.(ldb|sst|log)$/.test(name))) return
  throw unreadable(path, 'files', 'CURRENT is missing beside the files of a database')
}

/** LevelDB ends the process over what it finds in some altered tables: an agent would die again at each start. */
async function refuseBroken(path: string, folder: string): Promise<void> {
  const broken = await brokenTable(folder)
  if (broken !== undefined)
    throw unreadable(path, 'files', `${broken} isn't what was written: \`weir log verify\` tells what is left`)
}

/** Opens LevelDB at `folder`; errors name `path`, the log it belongs to. */
export async function openLevel(path: string, folder: string): Promise<LogDatabase> {
  await refuseBroken(path, folder)
  const database = new Level<string, string>(folder, { writeBufferSize: 16 << 20 }) as unknown as LogDatabase
  try {
    await database.open()
    return database
  } catch (error) {
    const cause = (error as { cause?: { code?: string; message?: string } }).cause
    if (cause?.code === 'LEVEL_LOCKED') throw locked(path, await readHolder(path), error)
    throw unreadable(path, 'files', cause?.message ?? String(error), error)
  }
}

/** The error for a log that another process holds, and what to do instead. */
export function locked(path: string, holder: LogHolder | undefined, cause?: unknown): WeirError {
  const who = holder === undefined ? 'another process' : `process ${holder.pid} (${holder.command})`
  const payload = holder === undefined ? { path } : { path, holder }
  return new WeirError(
    'WEIR_LOG_LOCKED',
    `the log at ${path} is held by ${who}: ask it over its socket, or read a copy of the folder`,
    payload,
    { cause },
  )
}
