import type { Direction } from '@weir/core/policy/rule.js'
import type {
  AddressRow,
  CellRow,
  Change,
  EndpointRow,
  PrefixRow,
  Row,
  Tables,
  TablesDelta,
} from '@weir/core/tables/tables.js'
import { type Peer, samePeer, sameWiring, slotOf, unwired, type Wiring } from '../peer.js'
import type { DirectionNumber } from './cell-table.js'
import type { Installed } from './installed.js'
import type { AddressGoals, CellOperation, Goal } from './operation.js'
import { bitsOf } from './prefix-table.js'
import { type RowContent, rowContent, sameRow } from './row-content.js'

export const directionNumber = (direction: Direction): DirectionNumber => (direction === 'egress' ? 0 : 1)

const addressPeer = (row: AddressRow): Peer => ({
  identity: row.identity,
  peerClass: row.peerClass,
  subject: row.subject,
  slot: slotOf(row.endpoint),
})

const isOf = (peer: Peer, row: AddressRow): boolean =>
  peer.identity === row.identity &&
  peer.peerClass === row.peerClass &&
  peer.subject === row.subject &&
  peer.slot === slotOf(row.endpoint)

const prefixPeer = (row: PrefixRow): Peer => ({
  identity: row.identity,
  peerClass: row.peerClass,
  subject: 0,
  slot: 0,
})

export const wiringOf = (row: EndpointRow): Wiring => ({
  ...unwired,
  identity: row.identity,
  ...(row.wiring && { ifindex: row.wiring.ifindex, podMac: row.wiring.podMac, hostMac: row.wiring.hostMac }),
})

function contentOf(cell: CellRow, tables: Pick<Tables, 'rows'>, delta?: TablesDelta): RowContent {
  const row: Row | undefined =
    tables.rows.get(cell.row) ?? delta?.rows.find(change => change.after?.id === cell.row)?.after
  if (row === undefined) throw new RangeError(`cell ${cell.subject}:${cell.direction}:${cell.peerClass} names no row`)
  return rowContent(row.steps)
}

/** What a delta asks for. Rows are read from the tables now: the goal stays right when they move on. */
export function goalFromDelta(delta: TablesDelta, tables: Pick<Tables, 'rows'>): Goal {
  const addresses = new ChangedAddresses(delta.addresses)
  const prefixes = new Map<string, Peer | undefined>()
  for (const { before, after } of delta.prefixes) {
    if (after !== undefined) prefixes.set(after.prefix, prefixPeer(after))
    else if (before !== undefined) prefixes.set(before.prefix, undefined)
  }
  const cells: CellOperation[] = []
  for (const { before, after } of delta.cells) {
    const cell = after ?? before
    if (cell !== undefined) cells.push(cellOperation(cell, after && contentOf(after, tables, delta)))
  }
  const endpoints = new Map<number, Wiring | undefined>()
  for (const { before, after } of delta.endpoints) {
    if (after !== undefined) endpoints.set(slotOf(after.endpoint), wiringOf(after))
    else if (before !== undefined) endpoints.set(slotOf(before.endpoint), undefined)
  }
  return { addresses, prefixes, cells, endpoints }
}

/** Addresses by the thousand come at once, and nearly always go through in turn: they are indexed when one is asked for. */
class ChangedAddresses implements AddressGoals {
  readonly #changes: readonly Change<AddressRow>[]
  #index: Map<string, Peer | undefined> | undefined

  constructor(changes: readonly Change<AddressRow>[]) {
    this.#changes = changes
  }

  get size(): number {
    return this.#changes.length
  }

  has(address: string): boolean {
    return this.#indexed().has(address)
  }

  get(address: string): Peer | undefined {
    return this.#indexed().get(address)
  }

  forEach(visit: (peer: Peer | undefined, address: string) => void): void {
    // Pods of one workload come one after the other and are the same to every table: they share what is kept of them.
    let last: Peer | undefined
    for (const { before, after } of this.#changes) {
      if (after !== undefined) {
        if (last === undefined || !isOf(last, after)) last = addressPeer(after)
        visit(last, after.address)
      } else if (before !== undefined) visit(undefined, before.address)
    }
  }

  [Symbol.iterator](): Iterator<readonly [string, Peer | undefined]> {
    return this.#indexed()[Symbol.iterator]()
  }

  #indexed(): Map<string, Peer | undefined> {
    if (this.#index !== undefined) return this.#index
    const index = new Map<string, Peer | undefined>()
    this.forEach((peer, address) => void index.set(address, peer))
    this.#index = index
    return index
  }
}

const cellOperation = (cell: CellRow, row: RowContent | undefined): CellOperation => ({
  table: 'cells',
  subject: cell.subject,
  direction: directionNumber(cell.direction),
  peerClass: cell.peerClass,
  row,
})

/** Everything in which what is installed differs from the tables. Reads all of both. */
export function goalFromTables(installed: Installed, tables: Tables): Goal {
  const addresses = new Map<string, Peer | undefined>()
  for (const [address] of installed.addresses()) {
    if (tables.addresses.get(address) === undefined) addresses.set(address, undefined)
  }
  for (const [address, row] of tables.addresses) {
    const peer = addressPeer(row)
    if (!samePeer(installed.peerAt(address), peer)) addresses.set(address, peer)
  }
  const prefixes = new Map<string, Peer | undefined>()
  for (const [prefix] of installed.prefixes) {
    if (tables.prefixes.get(prefix) === undefined) prefixes.set(prefix, undefined)
  }
  for (const [prefix, row] of tables.prefixes) {
    const peer = prefixPeer(row)
    if (!samePeer(installed.prefixes.get(bitsOf(prefix)), peer)) prefixes.set(prefix, peer)
  }
  const endpoints = new Map<number, Wiring | undefined>()
  const slots = new Set<number>()
  for (const [, row] of tables.endpoints) {
    const slot = slotOf(row.endpoint)
    slots.add(slot)
    const wiring = wiringOf(row)
    if (!sameWiring(installed.endpoint(slot).wiring, wiring)) endpoints.set(slot, wiring)
  }
  for (const [slot, { wiring }] of installed.endpoints) {
    if (!slots.has(slot) && !sameWiring(wiring, unwired)) endpoints.set(slot, undefined)
  }
  return { addresses, prefixes, cells: cellDifferences(installed, tables), endpoints }
}

function cellDifferences(installed: Installed, tables: Tables): readonly CellOperation[] {
  const cells: CellOperation[] = []
  for (const [subject, direction, peerClass] of installed.cells.entries()) {
    const key = `${subject}:${direction === 0 ? 'egress' : 'ingress'}:${peerClass}` as const
    if (tables.cells.get(key) === undefined) {
      cells.push({ table: 'cells', subject, direction, peerClass, row: undefined })
    }
  }
  for (const [, cell] of tables.cells) {
    const row = contentOf(cell, tables)
    const now = installed.cells.get(cell.subject, directionNumber(cell.direction), cell.peerClass)
    if (!sameRow(now, row)) cells.push(cellOperation(cell, row))
  }
  return cells
}
