import { join } from 'node:path'
import { FlowAggregator } from '@weir/adapters/flows/aggregator.js'
import { Engine, type EventBody, type EventDraft, type FlowQuery, verdicts, type WeirEvent } from '@weir/core'
import { eventKinds } from '@weir/datapath/codec/maps.js'
import { databaseStorage, EventLog, FlowStore, folderStorage, type LogDatabase, type LogStorage } from '@weir/store'
import { MemoryLevel } from 'memory-level'
import { batchOf, packet } from './records.js'

/** A flow that was seen after an event. */
export interface SeenFlow extends FlowQuery {
  readonly seq: number
  /** Packets of it; 1 when absent. */
  readonly packets?: number
  /** The event that the datapath had got to, where that is an earlier one. */
  readonly judgedAt?: number
}

/** When the flows after event 0 would have been. */
export const recordedMs = 1_700_000_000_000

export const draft = (body: EventBody): EventDraft => ({ ...body, time: 0, source: 'spec' })

export const inMemory = (): LogStorage => databaseStorage(new MemoryLevel() as unknown as LogDatabase)

/** A log and the flows beside it, where an agent has them in its state folder. */
export function inFolder(folder: string): { readonly log: LogStorage; readonly flows: LogStorage } {
  const holder = { pid: process.pid, command: 'spec', since: 0 }
  const at = (name: string): LogStorage => folderStorage({ path: join(folder, name), holder })
  return { log: at('log'), flows: at('flows') }
}

/** The datapath's verdict after these events. */
export function isAllowed(events: readonly EventBody[], flow: FlowQuery): boolean {
  const engine = new Engine()
  engine.apply(events.map((body, at): WeirEvent => ({ ...draft(body), seq: at + 1 })))
  return engine.verdict(flow) === verdicts.allow
}

/** A log with the events and history with the flows, as the datapath judged them. */
export async function record(
  storages: { readonly log: LogStorage; readonly flows: LogStorage },
  events: readonly EventBody[],
  seen: readonly SeenFlow[],
): Promise<{ readonly log: EventLog; readonly store: FlowStore }> {
  const log = await EventLog.open({ storage: storages.log })
  await log.append(events.map(draft))
  const store = await FlowStore.open(storages.flows)
  for (const { from, to, protocol, port, seq, packets = 1, judgedAt = seq } of seen) {
    const aggregator = new FlowAggregator(16)
    const query = { from, to, protocol, port }
    const kind = isAllowed(events.slice(0, judgedAt), query) ? {} : { kind: eventKinds.WEIR_EVENT_DROP!, reason: 133 }
    const isIcmp = protocol === 1 || protocol === 58
    const one = packet({
      ...{ source: from, destination: to, protocol, ...kind },
      ...(isIcmp ? { icmpType: port >> 8 } : { destinationPort: port }),
    })
    const batch = batchOf(Array.from({ length: packets }, () => one))
    aggregator.add(batch.data, 0, packets, seq, recordedMs + seq)
    await store.append(aggregator.columns)
  }
  return { log, store }
}
