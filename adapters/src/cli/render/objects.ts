import type { Kind, PolicyView } from '../../agent/protocol.js'
import { type Column, tableLines } from '../table.js'
import type { Colour } from '../terminal.js'
import { problemLine } from './error.js'

type Row = Readonly<Record<string, unknown>>

/** What a person wants to see of each kind; `-o json` has all of it. */
const columns: Readonly<Record<Kind, readonly string[]>> = {
  pods: ['namespace', 'name', 'addresses', 'identity', 'attached', 'node', 'ports', 'workload'],
  policies: ['kind', 'namespace', 'name', 'state', 'directions', 'pods', 'source', 'seq'],
  identities: ['id', 'references', 'labels'],
  namespaces: ['name', 'labels', 'seq'],
  services: ['namespace', 'name', 'type', 'clusterIps', 'ports', 'selector'],
  endpoints: ['endpoint', 'namespace', 'name', 'identity', 'subject', 'addresses', 'wiring'],
  nodes: ['name', 'addresses', 'podCidrs', 'local'],
  tables: ['table', 'name', 'identity', 'peerClass', 'subject', 'endpoint', 'direction', 'row', 'steps'],
}

/** A kind's objects as a table; below a policy's line, what is wrong with a version that was refused. */
export function objectLines(kind: Kind, rows: readonly Row[], colour: Colour): readonly string[] {
  if (rows.length === 0) return [`no ${kind}`]
  const shown = columns[kind].map(
    (field): Column<Row> => ({ heading: field, cell: row => cellText(field, row[field], colour) }),
  )
  const lines = tableLines(rows, shown)
  if (kind !== 'policies') return lines
  return lines.flatMap((line, at) => {
    const problems = at === 0 ? [] : ((rows[at - 1] as unknown as PolicyView).problems ?? [])
    return [line, ...problems.map(problem => colour.bad(`   ${problemLine(problem)}`))]
  })
}

function cellText(field: string, value: unknown, colour: Colour): string {
  if (value === undefined || value === null) return '-'
  if (field === 'state') return String(value) === 'in force' ? colour.good('in force') : colour.bad(String(value))
  if (field === 'wiring') return String((value as { ifname?: string }).ifname ?? '-')
  if (Array.isArray(value)) return value.length === 0 ? '-' : value.map(itemText).join(',')
  if (typeof value === 'object')
    return (
      Object.entries(value)
        .map(([key, each]) => `${key}=${String(each)}`)
        .join(',') || '-'
    )
  return String(value) === '' ? '-' : String(value)
}

/** A service's port, a row's step, or a plain word. */
function itemText(item: unknown): string {
  if (typeof item !== 'object' || item === null) return String(item)
  const fields = item as {
    port?: number
    protocol?: string
    targetPort?: number | string
    key?: number
    verdict?: number
  }
  if (fields.port !== undefined)
    return `${fields.port}/${fields.protocol}${fields.targetPort === undefined ? '' : `→${fields.targetPort}`}`
  if (fields.key !== undefined) return `${fields.key >>> 16}:${fields.key & 0xffff}${fields.verdict === 1 ? '+' : '-'}`
  return JSON.stringify(item)
}
