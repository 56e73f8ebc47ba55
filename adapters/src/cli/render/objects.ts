import type { Conflict } from '@weir/core'
import { socketText } from '@weir/core/service/backend-text.js'
import type { BackendView, EgressView, Kind, PolicyView, ServiceView } from '../../agent/protocol.js'
import type { WaitingVersion } from '../../agent/waiting-views.js'
import { type Column, tableLines } from '../table.js'
import type { Colour } from '../terminal.js'
import { problemLine } from './error.js'

type Row = Readonly<Record<string, unknown>>

const whatText: Readonly<Record<EgressView['action'], string>> = {
  steer: 'goes to the gateway',
  translate: 'leaves here',
  noGateway: 'dropped: no gateway',
  noAddress: 'dropped: no egress address',
  pass: 'as if there were no policy',
}

/** What a person wants to see of each kind; `-o json` has all of it. */
const columns: Readonly<Record<Kind, readonly (string | Column<Row>)[]>> = {
  pods: ['namespace', 'name', 'addresses', 'identity', 'attached', 'node', 'ports', 'workload'],
  policies: ['kind', 'namespace', 'name', 'state', 'directions', 'pods', 'source', 'seq'],
  identities: ['id', 'references', 'labels'],
  namespaces: ['name', 'labels', 'seq'],
  services: [
    'namespace',
    'name',
    'type',
    { heading: 'cluster-ip', cell: row => listText((row as unknown as ServiceView).clusterIps) },
    { heading: 'external-ip', cell: row => listText(externalsOf(row as unknown as ServiceView)) },
    { heading: 'port(s)', cell: row => listText((row as unknown as ServiceView).ports.map(portText)) },
    { heading: 'endpoints', cell: row => endpointsText(row as unknown as ServiceView) },
    'selector',
  ],
  backends: [
    'namespace',
    { heading: 'service', cell: row => String(row.name) },
    { heading: 'port', cell: row => String(row.portName || '-') },
    { heading: 'backend', cell: row => backendText(row as unknown as BackendView) },
    { heading: 'state', cell: row => String(row.state) },
    'weight',
    'pod',
    'node',
    'zone',
    'local',
  ],
  egress: [
    { heading: 'source', cell: row => String(row.source) },
    'destination',
    { heading: 'egress-ip', cell: row => String(row.egressIp || '-') },
    { heading: 'gateway-ip', cell: row => String(row.gatewayIp || '-') },
    'gateway',
    { heading: 'what', cell: row => whatText[(row as unknown as EgressView).action] },
    'policy',
    { heading: 'pod', cell: row => `${row.namespace}/${row.name}` },
  ],
  endpoints: ['endpoint', 'namespace', 'name', 'identity', 'subject', 'addresses', 'wiring'],
  nodes: ['name', 'addresses', 'podCidrs', 'local'],
  addresses: [
    { heading: 'address', cell: row => String(row.name) },
    'state',
    'pod',
    'container',
    'ifname',
    'device',
    { heading: 'reusable', cell: row => timeText(row.reusableAt) },
    'seq',
  ],
  tables: ['table', 'name', 'identity', 'peerClass', 'subject', 'endpoint', 'direction', 'row', 'steps'],
}

/**
 * A kind's objects as a table; below a policy's line, what is wrong with a version that was refused, and below any, which
 * version of it waits.
 */
export function objectLines(kind: Kind, rows: readonly Row[], colour: Colour): readonly string[] {
  if (rows.length === 0) return [`no ${kind}`]
  const shown = columns[kind].map(
    (column): Column<Row> =>
      typeof column === 'string' ? { heading: column, cell: row => cellText(column, row[column], colour) } : column,
  )
  const lines = tableLines(rows, shown)
  return lines.flatMap((line, at) => {
    const row = rows[at - 1]
    if (row === undefined) return [line]
    const conflicts = kind === 'services' ? conflictLines(row, colour) : []
    const problems = kind === 'policies' ? ((row as unknown as PolicyView).problems ?? []) : []
    return [
      line,
      ...conflicts,
      ...problems.map(problem => colour.bad(`   ${problemLine(problem)}`)),
      ...waitingLines(row.waiting as WaitingVersion | undefined),
    ]
  })
}

const waitingLines = (waiting: WaitingVersion | undefined): readonly string[] =>
  waiting === undefined ? [] : [`   ${waiting.source} has another version, which waits: ${waiting.by} counts`]

/** Below a service's line: who has an address and port that it claims too, or claims what it has. */
function conflictLines(row: Row, colour: Colour): readonly string[] {
  const { conflicts = [] } = row as Partial<ServiceView>
  return conflicts.map(conflict => colour.bad(`   ${conflictText(conflict)}`))
}

/** `10.0.0.1:80/TCP is claimed by shop/web (clusterIp) and shop/thief (externalIp); shop/web (clusterIp) has it` */
export function conflictText({ address, port, protocol, winner, losers }: Conflict): string {
  const title = ({ kind, namespace, name }: Conflict['winner']): string => `${namespace}/${name} (${kind})`
  const claimants = [winner, ...losers].map(title).join(' and ')
  return `${socketText(address, port, protocol)} is claimed by ${claimants}; ${title(winner)} has it`
}

const timeText = (given: unknown): string => (typeof given === 'number' ? new Date(given).toISOString() : '-')

const listText = (items: readonly string[]): string => (items.length === 0 ? '-' : items.join())

const externalsOf = ({ loadBalancerIps = [], externalIps = [] }: ServiceView): readonly string[] => [
  ...new Set([...loadBalancerIps, ...externalIps]),
]

/** As kubectl has it: `80:30080/TCP`. */
const portText = ({ port, nodePort, protocol }: ServiceView['ports'][number]): string =>
  `${port}${nodePort === undefined ? '' : `:${nodePort}`}/${protocol}`

/** Those that get new connections, of all. */
const endpointsText = ({ endpoints: { active, all } }: ServiceView): string => `${active}/${all}`

const backendText = ({ address, port, protocol }: BackendView): string => socketText(address, port, protocol)

function cellText(field: string, value: unknown, colour: Colour): string {
  if (value === undefined || value === null) return '-'
  if (field === 'state') return stateText(String(value), colour)
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

function stateText(state: string, colour: Colour): string {
  if (state === 'in force') return colour.good(state)
  return state === 'staged' ? colour.strong('STAGED') : colour.bad(state.replace('staged', 'STAGED'))
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
