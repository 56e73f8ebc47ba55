import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { databaseStorage, folderStorage, type LogDatabase, type LogStorage } from '@weir/store'
import { MemoryLevel } from 'memory-level'
import type { LogPlace } from './conformance.js'

export const holder = { pid: process.pid, command: 'spec', since: 1_700_000_000_000 }

export const storageAt = (path: string): LogStorage => folderStorage({ path, holder })

export async function folderPlace(): Promise<LogPlace & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'weir-spec-log-'))
  return { path, storage: () => storageAt(path), remove: () => rm(path, { recursive: true, force: true }) }
}

/** Keeps its content between openings, as long as it is referred to. */
export function memoryPlace(
  database: LogDatabase = new MemoryLevel() as unknown as LogDatabase,
): LogPlace & { readonly database: LogDatabase } {
  return { database, storage: () => databaseStorage(database), remove: async () => undefined }
}
