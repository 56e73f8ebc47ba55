import { parseAddress } from '../address/address.js'
import type { Direction } from '../policy/rule.js'
import { verdicts, type AddressRow, type PrefixRow, type VerdictTables, type Verdict } from '../tables/tables.js'
import { packetKey } from '../verdict/intervals.js'
import type { Verdicts } from '../verdict/projection.js'
import { stepAt } from '../verdict/rows.js'
import type { FlowQuery } from './explain.js'

/** Looks a new flow up as the datapath does: address → class, subject × class → row → step, egress before ingress. */
export function flowVerdict(projection: Verdicts, flow: FlowQuery): Verdict {
  const from = find(projection, flow.from)
  const to = find(projection, flow.to)
  if (from === undefined || to === undefined) return verdicts.deny
  const key = packetKey(flow.protocol, flow.port)
  // Of subjects only this node has no endpoint: what it sends to itself is not judged.
  if (subjectOf(from) !== 0 && subjectOf(to) !== 0 && endpointOf(from) === endpointOf(to)) return verdicts.allow
  const egress = judge(projection.tables, from, 'egress', to.peerClass, key)
  return egress !== verdicts.allow ? egress : judge(projection.tables, to, 'ingress', from.peerClass, key)
}

function judge(
  { cells, rows }: VerdictTables,
  subject: AddressRow | PrefixRow,
  direction: Direction,
  peerClass: number,
  key: number,
): Verdict {
  const number = subjectOf(subject)
  if (number === 0) return verdicts.allow
  const cell = cells.get(`${number}:${direction}:${peerClass}`) ?? cells.get(`${number}:${direction}:0`)
  const row = cell === undefined ? undefined : rows.get(cell.row)
  return row === undefined ? verdicts.deny : stepAt(row.steps, key).verdict
}

function find({ tables, peers }: Verdicts, address: string): AddressRow | PrefixRow | undefined {
  const known = tables.addresses.get(address)
  if (known !== undefined) return known
  const prefix = parseAddress(address)
  return prefix === undefined ? undefined : tables.prefixes.get(peers.groups.space.around(prefix).text)
}

const subjectOf = (row: AddressRow | PrefixRow): number => ('subject' in row ? row.subject : 0)

const endpointOf = (row: AddressRow | PrefixRow): number => ('endpoint' in row ? row.endpoint : 0)
