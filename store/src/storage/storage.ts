import type { AbstractLevel } from 'abstract-level'

/** Any abstract-level database; the log names its encodings itself at every operation. */
export type LogDatabase = AbstractLevel<string | Buffer | Uint8Array, string, string>

/**
 * Where a log lives. The composition root hands one in: a folder (`folderStorage`), a database in memory, or one that
 * breaks on purpose.
 */
export interface LogStorage {
  /** Names the place in messages: a path, or a word such as `memory`. */
  readonly location: string
  /** Nothing can be appended, and whatever is done leaves the original untouched. */
  readonly readOnly: boolean
  /** When it aborts, reading events rejects with its reason. */
  readonly signal?: AbortSignal
  /** Opens the database. Throws `WEIR_LOG_LOCKED` when another process writes it, `WEIR_LOG_UNREADABLE` otherwise. */
  open(): Promise<LogDatabase>
  /** Closes what `open` returned and lets the next writer in. */
  close(database: LogDatabase): Promise<void>
}

/** Wraps a database that the caller made and owns; it is opened and closed with the log. */
export function databaseStorage(database: LogDatabase, location = 'memory'): LogStorage {
  return {
    location,
    readOnly: false,
    open: async () => {
      await database.open()
      return database
    },
    close: () => database.close(),
  }
}
