/** What a table or a journal of LevelDB says of a key. */
export interface StoredEntry {
  readonly key: Buffer
  /** Of what several files say of a key, the one with the highest number holds. */
  readonly seq: number
  /** Undefined: the key is gone. */
  readonly value: Buffer | undefined
}

/** Kinds of entries, in tables and in journals. */
export const entryKinds = { deletion: 0, value: 1 } as const
