import type { WeirEvent } from '@weir/core'
import type { EventLog } from '@weir/store'

/** A log in memory, as far as it is read. */
export const listedLog = (events: readonly WeirEvent[]): EventLog =>
  ({
    head: { seq: events.length, hash: '' },
    base: { seq: 0, hash: '', time: 0 },
    location: '/nowhere',
    snapshots: { latest: async () => undefined, list: async () => [] },
    async *read({ from = 1, to = events.length, batchSize = 1000 } = {}) {
      for (let at = from - 1; at < Math.min(to, events.length); at += batchSize)
        yield events.slice(at, Math.min(to, at + batchSize))
    },
  }) as unknown as EventLog
