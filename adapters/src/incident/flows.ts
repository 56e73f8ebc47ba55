import {
  type ExportedFlow,
  exportedFlow,
  type FlowStore,
  flowRow,
  type LogOrigin,
  selectRows,
  seqWithin,
} from '@weir/store'
import type { Surveyed } from './cut.js'
import type { Disguised } from './disguise.js'

/** The recorded flows between an incident's ends, of its time, by the numbers that events have in the cut log. */
export async function flowsOf(
  store: FlowStore,
  { ends: { addresses }, window: { first, last } }: Pick<Surveyed, 'ends' | 'window'>,
  origin: LogOrigin,
): Promise<readonly ExportedFlow[]> {
  const query = { addresses: [...addresses] }
  const flows: ExportedFlow[] = []
  for await (const block of store.read(query))
    for (const at of selectRows(block, query)) {
      const row = flowRow(block, at)
      const isBetween = addresses.has(row.source.address) && addresses.has(row.destination.address)
      if (!isBetween || row.seq < first - 1 || row.seq > last) continue
      flows.push({ ...exportedFlow(row), seq: seqWithin(origin, row.seq) })
    }
  return flows
}

/** The same in a file's other words. */
export const otherFlows = (
  flows: readonly ExportedFlow[],
  { pseudonyms: { addresses }, shiftMs }: Pick<Disguised, 'pseudonyms' | 'shiftMs'>,
): readonly ExportedFlow[] =>
  flows.map(flow => ({
    ...flow,
    ...{ source: addresses.of(flow.source), destination: addresses.of(flow.destination) },
    ...{ firstMs: flow.firstMs + shiftMs, lastMs: flow.lastMs + shiftMs },
  }))
