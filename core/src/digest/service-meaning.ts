import { socketText } from '../service/backend-text.js'
import type { BackendRow, FrontendRow, SelectionRow } from '../tables/service-rows.js'
import type { Table } from '../tables/tables.js'
import { hash, sumHex, type Sum } from './sum.js'

type Selections = Table<number, SelectionRow>
type Backends = Table<number, BackendRow>

const selectionMeanings = new WeakMap<SelectionRow, string>()

/** What a selection means: its members by what they are, and their weights. A number that stands for nothing is ''. */
function selectionMeaning(number: number, selections: Selections, backends: Backends): string {
  const row = selections.get(number)
  if (row === undefined) return ''
  let known = selectionMeanings.get(row)
  if (known === undefined) {
    const members = row.backends.map((backend, at) => `${textOf(backends.get(backend)!)}*${row.weights?.[at] ?? 1}`)
    known = sumHex(hash('selection', ...members.sort()))
    selectionMeanings.set(row, known)
  }
  return known
}

const textOf = ({ address, port, protocol }: BackendRow): string => socketText(address, port, protocol)

export function frontendMeaning(row: FrontendRow, selections: Selections, backends: Backends): Sum {
  const { address, port, protocol, scope, kind, namespace, name, portName, affinitySeconds, local } = row
  const { sourceRanges, fromBackends } = row
  return hash(
    'frontend',
    socketText(address, port, protocol),
    scope,
    kind,
    namespace,
    name,
    portName,
    selectionMeaning(row.selection, selections, backends),
    `${affinitySeconds}`,
    `${local}`,
    sourceRanges === undefined ? 'anywhere' : `from ${sourceRanges.join()}`,
    fromBackends === undefined ? 'all' : `but ${selectionMeaning(fromBackends, selections, backends)}`,
  )
}

export const backendMeaning = (row: BackendRow): Sum =>
  hash('backend', textOf(row), `${row.local}`, row.state, row.zone)
