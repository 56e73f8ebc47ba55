import type { Change, EndpointRow, Row, Tables, TablesDelta } from '@weir/core'
import { canonicalJson } from '@weir/core/json.js'

/** As many names as tell who is meant; the rest is counted. */
const namesShown = 4

/**
 * A change of the tables in words that any build has: pods, addresses, ports and verdicts in place of the numbers of
 * subjects, classes and rows. One line for each row, sorted.
 */
export function rowLines(delta: TablesDelta, tables: Tables): readonly string[] {
  const names = new Names(delta, tables)
  const lines = [
    ...delta.addresses.map(each => line(`address ${key(each).address}`, each, row => `identity ${row.identity}`)),
    ...delta.prefixes.map(each => line(`prefix ${key(each).prefix}`, each, row => `identity ${row.identity}`)),
    ...delta.endpoints.map(each =>
      line(`endpoint ${podOf(key(each))}`, each, row => `identity ${row.identity} at ${row.addresses.join(' ')}`),
    ),
    ...delta.cells.map(each => {
      const { subject, direction, peerClass } = key(each)
      const whom = peerClass === 0 ? 'anybody else' : names.peers(peerClass)
      return line(`cell ${direction} of ${names.subjects(subject)} with ${whom}`, each, row => names.steps(row.row))
    }),
    ...delta.frontends.map(each => line(`frontend ${key(each).name}`, each, row => canonicalJson(row))),
    ...delta.backends.map(each => line('backend', each, row => canonicalJson(row))),
    ...delta.egressRules.map(each => line('egress rule', each, row => canonicalJson(row))),
    ...delta.nonMasquerade.map(each => line('not masqueraded', each, row => row.prefix)),
    ...delta.masquerade.map(each => line(`masquerade ${key(each).ifname}`, each, row => canonicalJson(row))),
  ]
  return lines.sort()
}

const key = <Value>({ before, after }: Change<Value>): Value => (after ?? before) as Value

function line<Value>(what: string, { before, after }: Change<Value>, text: (row: Value) => string): string {
  if (before === undefined) return `${what}: ${text(after as Value)}`
  return `${what}: ${text(before)} → ${after === undefined ? 'nothing' : text(after)}`
}

const podOf = ({ namespace, pod }: EndpointRow): string => `${namespace}/${pod}`

/** Names for numbers, those of rows that have just gone included. */
class Names {
  readonly #subjects = new Map<number, string[]>()
  readonly #peers = new Map<number, string[]>()
  readonly #rows = new Map<number, Row>()

  constructor(delta: TablesDelta, tables: Tables) {
    if (delta.cells.length === 0) return
    for (const [, row] of tables.endpoints) add(this.#subjects, row.subject, podOf(row))
    for (const { before } of delta.endpoints)
      if (before !== undefined) add(this.#subjects, before.subject, podOf(before))
    for (const [, row] of tables.addresses) add(this.#peers, row.peerClass, row.address)
    for (const [, row] of tables.prefixes) add(this.#peers, row.peerClass, row.prefix)
    for (const { before } of delta.addresses)
      if (before !== undefined) add(this.#peers, before.peerClass, before.address)
    for (const { before } of delta.rows) if (before !== undefined) this.#rows.set(before.id, before)
    for (const { after } of delta.rows) if (after !== undefined) this.#rows.set(after.id, after)
    for (const { before, after } of delta.cells)
      for (const cell of [before, after]) {
        const row = cell === undefined ? undefined : tables.rows.get(cell.row)
        if (row !== undefined && !this.#rows.has(row.id)) this.#rows.set(row.id, row)
      }
  }

  subjects(subject: number): string {
    return shown(this.#subjects.get(subject) ?? ['nobody'])
  }

  peers(peerClass: number): string {
    return shown(this.#peers.get(peerClass) ?? ['nobody'])
  }

  steps(row: number): string {
    const steps = this.#rows.get(row)?.steps ?? []
    return steps.map(step => `${step.key.toString(16)}=${step.verdict}`).join(' ')
  }
}

function add(names: Map<number, string[]>, number: number, name: string): void {
  const found = names.get(number)
  if (found === undefined) names.set(number, [name])
  else if (!found.includes(name)) found.push(name)
}

function shown(names: readonly string[]): string {
  const sorted = [...names].sort()
  const more = sorted.length - namesShown
  return sorted.slice(0, namesShown).join(', ') + (more > 0 ? ` and ${more} more` : '')
}
