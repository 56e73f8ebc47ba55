import type { Engine, Row } from '@weir/core'
import { canonicalJson } from '@weir/core/json.js'
import { tunnelRows } from '@weir/core/routing/tunnel-rows.js'

/**
 * The tables, and where tunnels lead to other nodes' pods, as lines that are equal wherever the same state came about: sorted, with the numbers of classes, subjects,
 * slots, rows, selections and backends given anew by what they stand for. Which numbers those have in the kernel follows
 * from when tables were settled, and the digest doesn't look at them either.
 */
export function canonicalTables({ tables, state }: Engine): readonly string[] {
  const classes = new Ranks()
  for (const [, { address, peerClass }] of tables.addresses) classes.add(peerClass, address)
  for (const [, { prefix, peerClass }] of tables.prefixes) classes.add(peerClass, prefix)
  const subjects = new Ranks()
  const slots = new Ranks()
  for (const [, { endpoint, namespace, pod, subject }] of tables.endpoints) {
    subjects.add(subject, `${namespace}/${pod}`)
    slots.add(endpoint, `${namespace}/${pod}`)
  }
  // The node has no endpoint; while policies select it, its addresses bear its subject.
  for (const [, { endpoint, subject }] of tables.addresses) if (endpoint === 0) subjects.add(subject, 'the node')
  const rows = new Ranks()
  for (const [, row] of tables.rows) rows.add(row.id, stepsText(row))
  const backends = new Ranks()
  for (const [number, row] of tables.backends) backends.add(number, canonicalJson({ ...row, backend: 0 }))
  const selections = new Ranks()
  for (const [, { selection, fromBackends = 0, ...rest }] of tables.frontends) {
    selections.add(selection, canonicalJson(rest))
    selections.add(fromBackends, `${canonicalJson(rest)} from backends`)
  }
  const lines: string[] = []
  const say = (table: string, row: object): number => lines.push(canonicalJson({ table, ...row }))
  for (const [, row] of tables.addresses) {
    const { subject, endpoint } = row
    say('addresses', {
      ...row,
      peerClass: classes.of(row.peerClass),
      subject: subjects.of(subject),
      endpoint: slots.of(endpoint),
    })
  }
  for (const [, row] of tables.prefixes) say('prefixes', { ...row, peerClass: classes.of(row.peerClass) })
  for (const [, row] of tables.endpoints)
    say('endpoints', { ...row, endpoint: slots.of(row.endpoint), subject: subjects.of(row.subject) })
  for (const [, row] of tables.cells)
    say('cells', {
      ...row,
      subject: subjects.of(row.subject),
      peerClass: classes.of(row.peerClass),
      row: rows.of(row.row),
    })
  for (const [, row] of tables.rows) say('rows', { id: rows.of(row.id), steps: stepsText(row) })
  for (const [, row] of tables.frontends)
    say('frontends', {
      ...row,
      selection: selections.of(row.selection),
      ...(row.fromBackends !== undefined && { fromBackends: selections.of(row.fromBackends) }),
    })
  for (const [, { selection, backends: members, weights }] of tables.selections) {
    const shares = members.map((number, at) => [backends.of(number), weights?.[at] ?? 1] as const)
    say('selections', { selection: selections.of(selection), shares: shares.sort(([a], [b]) => a - b) })
  }
  for (const [number, row] of tables.backends) say('backends', { ...row, backend: backends.of(number) })
  for (const [, row] of tables.egressRules) say('egressRules', row)
  for (const [, row] of tables.nonMasquerade) say('nonMasquerade', row)
  for (const [, row] of tables.masquerade) say('masquerade', row)
  for (const row of tunnelRows(state).values()) say('tunnels', row)
  return lines.sort()
}

const stepsText = ({ steps }: Row): string => steps.map(({ key, verdict }) => `${key}=${verdict}`).join(' ')

/** New numbers by the least of the texts that a number has; 0, which stands for none, stays. */
class Ranks {
  readonly #texts = new Map<number, string>()
  #ranks: ReadonlyMap<number, number> | undefined

  add(number: number, text: string): void {
    const least = this.#texts.get(number)
    if (least === undefined || text < least) this.#texts.set(number, text)
  }

  of(number: number): number {
    if (number === 0) return 0
    if (this.#ranks === undefined) {
      const sorted = [...this.#texts].sort(([, a], [, b]) => (a < b ? -1 : 1))
      this.#ranks = new Map(sorted.map(([each], at) => [each, at + 1]))
    }
    const rank = this.#ranks.get(number)
    if (rank === undefined) throw new RangeError(`number ${number} stands for nothing in the tables`)
    return rank
  }
}
