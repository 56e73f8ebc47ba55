import type { Tables } from '@weir/core/tables/tables.js'
import { type Verdict, verdicts } from '@weir/core/tables/tables.js'
import { type OracleFlow, cidrContains, parseAddress } from '../oracle/index.js'

/** Who the tables say is at an address: the exact row, or else the longest prefix that contains it. */
function peerAt(tables: Tables, address: string): { peerClass: number; subject: number; endpoint: number } {
  const exact = tables.addresses.get(address)
  if (exact) return exact
  const parsed = parseAddress(address)
  const containing = [...tables.prefixes]
    .map(([, row]) => row)
    .filter(row => cidrContains(row.prefix, parsed))
    .sort((a, b) => Number(b.prefix.split('/')[1]) - Number(a.prefix.split('/')[1]))[0]
  if (!containing) throw new Error(`no prefix contains ${address}`)
  return { peerClass: containing.peerClass, subject: 0, endpoint: 0 }
}

/** An address of this node, which policies judge: it has a subject and no slot. */
const isHost = ({ subject, endpoint }: { subject: number; endpoint: number }): boolean =>
  subject !== 0 && endpoint === 0

/** The verdict that the tables hold for a new flow, read as the kernel reads them, with loops in place of its maps. */
export function verdictByTables(tables: Tables, flow: OracleFlow): Verdict {
  const source = peerAt(tables, flow.from)
  const destination = peerAt(tables, flow.to)
  if (source.endpoint !== 0 && source.endpoint === destination.endpoint) return verdicts.allow
  if (isHost(source) && isHost(destination)) return verdicts.allow
  const key = flow.protocol * 65536 + flow.port
  const side = (subject: number, direction: 'ingress' | 'egress', peerClass: number): Verdict => {
    if (subject === 0) return verdicts.allow
    const cell =
      tables.cells.get(`${subject}:${direction}:${peerClass}`) ?? tables.cells.get(`${subject}:${direction}:0`)
    const row = cell && tables.rows.get(cell.row)
    const step = row?.steps.findLast(candidate => candidate.key <= key)
    if (!step) throw new Error(`no row for subject ${subject} ${direction} class ${peerClass}`)
    return step.verdict
  }
  const egress = side(source.subject, 'egress', destination.peerClass)
  return egress === verdicts.allow ? side(destination.subject, 'ingress', source.peerClass) : egress
}

/** What is wrong with the tables by themselves: a reference to nothing, a row in two places, a step too many. */
export function flawsOf(tables: Tables): readonly string[] {
  const flaws: string[] = []
  const say = (holds: boolean, flaw: string) => holds || flaws.push(flaw)
  const usedRows = new Set([...tables.cells].map(([, cell]) => cell.row))
  const usedSubjects = new Set([...tables.endpoints, ...tables.addresses].map(([, row]) => row.subject))
  const contents = new Set<string>()
  for (const [id, row] of tables.rows) {
    const text = JSON.stringify(row.steps)
    say(id === row.id, `row ${id} calls itself ${row.id}`)
    say(usedRows.has(id), `no cell uses row ${id}`)
    say(!contents.has(text), `row ${id} repeats another`)
    say(row.steps[0]?.key === 0, `row ${id} does not begin at 0`)
    contents.add(text)
    row.steps.slice(1).forEach((step, index) => {
      const before = row.steps[index]
      say(before !== undefined && step.key > before.key, `row ${id} does not rise at ${step.key}`)
      say(before?.verdict !== step.verdict, `row ${id} says the same twice at ${step.key}`)
      say(step.key < 2 ** 32, `row ${id} has a key beyond 32 bits`)
    })
  }
  for (const [key, cell] of tables.cells) {
    say(key === `${cell.subject}:${cell.direction}:${cell.peerClass}`, `cell ${key} is out of place`)
    say(tables.rows.get(cell.row) !== undefined, `cell ${key} names row ${cell.row}, which isn't there`)
    say(usedSubjects.has(cell.subject), `cell ${key} is of a subject that no endpoint has`)
    const byDefault = tables.cells.get(`${cell.subject}:${cell.direction}:0`)
    say(byDefault !== undefined, `subject ${cell.subject} has no ${cell.direction} default`)
    say(cell.peerClass === 0 || byDefault?.row !== cell.row, `cell ${key} repeats its default`)
  }
  for (const [slot, endpoint] of tables.endpoints) {
    say(slot === endpoint.endpoint && slot > 0, `endpoint ${slot} is out of place`)
    for (const direction of ['ingress', 'egress'] as const)
      say(
        tables.cells.get(`${endpoint.subject}:${direction}:0`) !== undefined,
        `endpoint ${slot} has no ${direction} default`,
      )
  }
  const hostSubjects = new Set<number>([0])
  for (const [address, row] of tables.addresses) {
    say(address === row.address, `address ${address} is out of place`)
    say(row.peerClass > 0, `address ${address} has class 0`)
    say(row.endpoint === 0 || row.subject !== 0, `address ${address} has half an endpoint`)
    hostSubjects.add(isHost(row) ? row.subject : 0)
    const endpoint = tables.endpoints.get(row.endpoint)
    say(
      row.endpoint === 0 || endpoint?.subject === row.subject,
      `address ${address} and its endpoint differ in subject`,
    )
    say(
      row.endpoint === 0 || endpoint?.addresses.includes(address) === true,
      `endpoint ${row.endpoint} lacks ${address}`,
    )
  }
  say(hostSubjects.size <= 2, 'addresses of the host differ in subject')
  for (const everything of ['0.0.0.0/0', '::/0'])
    say(tables.prefixes.get(everything) !== undefined, `${everything} is missing`)
  for (const [prefix, row] of tables.prefixes)
    say(row.peerClass > 0 && prefix === row.prefix, `prefix ${prefix} is wrong`)
  return flaws
}
