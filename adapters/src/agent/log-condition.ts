import type { Damage, FileFault, LogFinding } from '@weir/store'

/** What a log is, in a word. */
export type LogCondition =
  /** As it was written, and its snapshots are what this build makes of its events. */
  | 'sound'
  /** A log without events. */
  | 'empty'
  /** No log is there. */
  | 'no-log'
  /** A database of something else. */
  | 'foreign'
  /** A layout, or events, of a version that this build doesn't know. */
  | 'wrong-version'
  /** Files of the database are missing. */
  | 'half-copied'
  /** It ends before it should. */
  | 'truncated'
  /** Events are gone from within. */
  | 'incomplete'
  /** Whole parts that don't follow from one another: of two logs, or of one whose history was written anew. */
  | 'mixed'
  /** Whole, and not the log that was signed: its history was written anew, hashes and all. */
  | 'rewritten'
  /** No checkpoint of a key that was named. */
  | 'unsigned'
  /** Bytes aren't what was written: by somebody's hand, or by a failing disk. */
  | 'tampered'
  /** Nothing of it can be read. */
  | 'unreadable'
  /** As it was written, but this build comes to something else than was recorded with it. */
  | 'diverged'

type Fault = Damage | FileFault['kind']

/** The first of these that is among the faults names the log: one cause often has several effects. */
const conditions: readonly (readonly [LogCondition, readonly Fault[]])[] = [
  ['half-copied', ['missing-file']],
  ['tampered', ['altered', 'misplaced', 'mark', 'altered-file', 'unreadable', 'snapshot']],
  ['rewritten', ['checkpoint']],
  ['mixed', ['chain']],
  ['wrong-version', ['undecodable']],
  ['truncated', ['truncated', 'cut-file']],
  ['incomplete', ['missing']],
  ['unsigned', ['unsigned']],
  ['diverged', ['replay']],
]

/** Names what the findings come to, and the first event that can't be relied on. */
export function conditionOf(
  findings: readonly LogFinding[],
  files: readonly FileFault[],
  head: number,
): { readonly condition: LogCondition; readonly firstBad?: number } {
  const kinds = new Set<Fault>([...findings, ...files].map(({ kind }) => kind))
  // A table that was cut takes what it held with it: the cause names the log.
  const cut = kinds.has('cut-file') && !kinds.has('altered-file') && !kinds.has('missing-file')
  const found = cut ? 'truncated' : conditions.find(([, causes]) => causes.some(cause => kinds.has(cause)))?.[0]
  if (found === undefined) return { condition: head === 0 ? 'empty' : 'sound' }
  const seqs = findings.map(({ seq }) => seq).filter(seq => seq > 0)
  return { condition: found, firstBad: seqs.length > 0 ? Math.min(...seqs) : head + 1 }
}
