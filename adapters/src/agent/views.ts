import { type Engine, WeirError } from '@weir/core'
import { addressViews } from './address-views.js'
import { egressViews } from './egress-views.js'
import type { SourceOf } from './event-source.js'
import { policyViews } from './policy-views.js'
import type { Kind, PodView } from './protocol.js'
import { backendViews, serviceViews } from './service-views.js'

/**
 * The objects of a kind as they are now, for people and for scripts; sorted by name.
 *
 * @param name Only this one: `namespace/name`, or the name where it stands alone.
 * @throws WeirError WEIR_NOT_FOUND when a name is given and nothing has it.
 */
export async function viewOf(
  engine: Engine,
  kind: Kind,
  name: string | undefined,
  sourceOf: SourceOf,
): Promise<readonly object[]> {
  const rows = await rowsOf(engine, kind, sourceOf)
  if (name === undefined) return rows
  const found = rows.filter(row => matchesName(row, name))
  if (found.length > 0) return found
  const near = rows
    .map(fullName)
    .filter(each => each.includes(name.slice(name.indexOf('/') + 1, name.indexOf('/') + 4)))
  throw new WeirError('WEIR_NOT_FOUND', `no ${kind} ${name}`, { kind, name, near: near.slice(0, 5) })
}

async function rowsOf(engine: Engine, kind: Kind, sourceOf: SourceOf): Promise<readonly NamedRow[]> {
  const { state } = engine
  switch (kind) {
    case 'pods':
      return sorted(podViews(engine))
    case 'policies':
      return sorted(await policyViews(engine, sourceOf))
    case 'identities':
      return [...engine.identities()].map(row => ({ ...row, name: String(row.id) })).sort((a, b) => a.id - b.id)
    case 'namespaces':
      return sorted([...state.namespaces.values()].map(({ fact, seq }) => ({ ...fact, seq })))
    case 'services':
      return sorted(serviceViews(engine))
    case 'backends':
      return backendViews(engine)
    case 'egress':
      return egressViews(engine)
    case 'nodes':
      return sorted(
        [...state.nodes.values()].map(({ fact, seq }) => ({
          ...fact,
          seq,
          local: fact.name === state.agent?.fact.node,
        })),
      )
    case 'endpoints':
      return sorted([...engine.tables.endpoints].map(([, row]) => ({ ...row, name: row.pod })))
    case 'addresses':
      return addressViews(state)
    case 'tables':
      return tableRows(engine)
  }
}

interface NamedRow {
  readonly name: string
  readonly namespace?: string
}

function podViews(engine: Engine): PodView[] {
  const { state, tables } = engine
  return [...state.pods.values()].map(({ fact: pod }) => ({
    namespace: pod.namespace,
    name: pod.name,
    node: pod.node,
    addresses: pod.addresses,
    identity: tables.addresses.get(pod.addresses[0] ?? '')?.identity ?? 0,
    attached: state.endpoints.has(`${pod.namespace}/${pod.name}`),
    ports: pod.ports.map(({ name, protocol, port }) => `${port}/${protocol}${name === '' ? '' : ` ${name}`}`),
    workload: pod.workload ?? '',
  }))
}

/** Every row of the datapath's tables, as the kernel gets them. */
function tableRows({ tables }: Engine): readonly NamedRow[] {
  const rows: NamedRow[] = []
  for (const [, row] of tables.addresses) rows.push({ table: 'addresses', name: row.address, ...row } as NamedRow)
  for (const [, row] of tables.prefixes) rows.push({ table: 'prefixes', name: row.prefix, ...row } as NamedRow)
  for (const [, row] of tables.endpoints)
    rows.push({ table: 'endpoints', name: String(row.endpoint), ...row } as NamedRow)
  for (const [key, row] of tables.cells) rows.push({ table: 'cells', name: key, ...row } as NamedRow)
  for (const [, row] of tables.rows) rows.push({ table: 'rows', name: String(row.id), ...row } as NamedRow)
  for (const [key, row] of tables.frontends)
    rows.push({ table: 'frontends', ...row, owner: row.name, name: key } as NamedRow)
  for (const [number, row] of tables.selections)
    rows.push({ table: 'selections', name: String(number), ...row } as NamedRow)
  for (const [number, row] of tables.backends)
    rows.push({ table: 'backends', name: String(number), ...row } as NamedRow)
  for (const [key, row] of tables.egressRules) rows.push({ table: 'egressRules', name: key, ...row } as NamedRow)
  for (const [prefix, row] of tables.nonMasquerade)
    rows.push({ table: 'nonMasquerade', name: prefix, ...row } as NamedRow)
  for (const [, row] of tables.masquerade) rows.push({ table: 'masquerade', name: row.ifname, ...row } as NamedRow)
  return rows
}

function matchesName(row: NamedRow, name: string): boolean {
  return row.name === name || fullName(row) === name
}

function fullName(row: NamedRow): string {
  return row.namespace === undefined || row.namespace === '' ? row.name : `${row.namespace}/${row.name}`
}

function sorted<Row extends NamedRow>(rows: Row[]): Row[] {
  return rows.sort((a, b) => (fullName(a) < fullName(b) ? -1 : 1))
}
