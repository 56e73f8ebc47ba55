/** What can be wrong with a log. */
export type Damage =
  /** The record isn't the one that was written. */
  | 'altered'
  /** Events are gone from the middle. */
  | 'missing'
  /** A group lies under a key that isn't its own. */
  | 'misplaced'
  /** A whole group doesn't follow from the one before it: one of the two is of another log, or history was rewritten. */
  | 'chain'
  /** What names the database as a log, or the record of its head, is gone or isn't what was written. */
  | 'mark'
  /** The record is as written, but can't be decoded by this build. */
  | 'undecodable'
  /** The storage can't read it. */
  | 'unreadable'
  /** The log ends before the head that was recorded. */
  | 'truncated'
  /** A snapshot's bytes aren't what was written, or it doesn't belong to this log. */
  | 'snapshot'
  /** A checkpoint isn't as it was signed, or the log isn't the one that it speaks of. */
  | 'checkpoint'
  /** No checkpoint of a key that was named speaks of the log. */
  | 'unsigned'
  /** What was recorded with the log isn't what a replay of its events comes to. */
  | 'replay'

/** One thing wrong with a log, and where. */
export interface LogFinding {
  readonly kind: Damage
  /** First event that is touched. For a snapshot, the one it was taken at. */
  readonly seq: number
  /** Last event that is touched. */
  readonly lastSeq: number
  /** A sentence without full stop. */
  readonly message: string
}

export function finding(kind: Damage, seq: number, lastSeq: number, message: string): LogFinding {
  return { kind, seq, lastSeq, message }
}
