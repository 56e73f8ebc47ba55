import type { LogDatabase } from '../storage/storage.js'
import type { LogBase } from './base.js'
import { finding, type LogFinding } from './finding.js'
import { decodeGroup, groupIntact } from './group.js'
import type { LogHead } from './head.js'
import { storedGroups } from './reader.js'

/** The part of a log that is as it was written, from its first event on. */
export interface SoundPrefix {
  /** Where it ends. */
  readonly head: LogHead
  /** What it ends at; absent where it is the whole log. */
  readonly damage?: LogFinding
}

/** Walks the groups up to the first one that is gone, isn't what was written, or doesn't follow. */
export async function findSoundPrefix(database: LogDatabase, base: LogBase, until: LogHead): Promise<SoundPrefix> {
  let head: LogHead = { seq: base.seq, hash: base.hash }
  const ends = (kind: LogFinding['kind'], last: number, message: string): SoundPrefix => ({
    head,
    damage: finding(kind, head.seq + 1, Math.max(last, head.seq + 1), message),
  })
  if (until.seq === 0) return { head }
  try {
    for await (const stored of storedGroups(database, base.seq + 1, until.seq)) {
      for (const { last, value } of stored) {
        const group = decodeGroup(value)
        if (group === undefined || group.last !== last || !groupIntact(value))
          return ends('altered', last, `events ${head.seq + 1} to ${last} aren't what was written`)
        if (group.first > head.seq + 1)
          return ends('missing', group.first - 1, `events ${head.seq + 1} to ${group.first - 1} are gone`)
        if (group.first !== head.seq + 1 || group.previous !== head.hash)
          return ends('chain', last, `event ${group.first} doesn't follow from the one before`)
        head = { seq: last, hash: group.hash }
      }
    }
  } catch (error) {
    return ends('unreadable', until.seq, `the storage can't be read: ${(error as Error).message}`)
  }
  return head.seq < until.seq
    ? ends('truncated', until.seq, `events ${head.seq + 1} to ${until.seq} are gone`)
    : { head }
}
