import type { Engine, FrontendRow } from '@weir/core'
import { defaultMaglevSize } from '@weir/core/service/maglev.js'
import { socketText } from '@weir/core/service/backend-text.js'
import { externalTable, tupleHash } from '@weir/datapath/services/external-table.js'
import type { TableOptions } from '@weir/datapath/services/table-builds.js'
import type { AnsweredTable } from './service-answer.js'

/** Of an agent that isn't told otherwise. */
export const defaultTables: TableOptions = { size: defaultMaglevSize, seed: 0 }

/** Most slots shown for one question: one for each address of the service. */
const entriesMost = 16

/**
 * The Maglev table that packets of clients outside go by; undefined for what is chosen by chance, and where there is
 * nothing to choose.
 *
 * @param addresses of the frontend
 * @param client address and port of one client; its slots are told when it is given
 */
export function tableAnswer(
  { tables: { selections, backends } }: Engine,
  row: FrontendRow,
  addresses: readonly string[],
  options: TableOptions,
  client: { readonly address: string; readonly port: number } | undefined,
): AnsweredTable | undefined {
  if (row.scope !== 'external') return undefined
  const selection = selections.get(row.selection)!
  const table = externalTable(selection, backends, options)
  if (table === undefined) return undefined
  const names = selection.backends.map(number => {
    const { address, port, protocol } = backends.get(number)!
    return socketText(address, port, protocol)
  })
  const counts = new Array<number>(names.length).fill(0)
  for (const index of table) counts[index]! += 1
  const entries = (client === undefined ? [] : addresses.slice(0, entriesMost)).map(address => {
    const ends = { source: client!.address, sourcePort: client!.port, destination: address, destinationPort: row.port }
    const slot = tupleHash({ ...ends, protocol: row.protocol }) % table.length
    return { address, slot, backend: names[table[slot]!]! }
  })
  const shares = names.map((backend, at) => ({ backend, slots: counts[at]! }))
  return { slots: table.length, seed: options.seed, shares, ...(client !== undefined && { client, entries }) }
}
