import type { Protocol } from '../policy/rule.js'
import type { BackendRow } from '../tables/service-rows.js'
import type { Table } from '../tables/tables.js'
import { hashText } from './maglev-hash.js'

/** Slots of the empty table; always a power of two. */
const least = 64

/**
 * The numbers of backends by address, port and protocol. Hashes and numbers lie beside each other in one array, so that
 * looking for one among a hundred thousand touches a line or two of memory; a Map touches one for each text that it
 * passes.
 */
export class Sockets {
  /** Two elements a slot: the hash, and the backend's number or 0. */
  #slots = new Int32Array(least * 2)
  #mask = least - 1
  #size = 0
  readonly #rows: Pick<Table<number, BackendRow>, 'get'>

  /** @param rows of all backends that are here */
  constructor(rows: Pick<Table<number, BackendRow>, 'get'>) {
    this.#rows = rows
  }

  /** 0 when there is none. */
  find(address: string, port: number, protocol: Protocol): number {
    const hash = hashOf(address, port, protocol)
    const slots = this.#slots
    for (let at = hash & this.#mask; ; at = (at + 1) & this.#mask) {
      const number = slots[at * 2 + 1]!
      if (number === 0) return 0
      if (slots[at * 2] !== hash) continue
      const row = this.#rows.get(number)!
      if (row.port === port && row.protocol === protocol && row.address === address) return number
    }
  }

  /** Takes in one that `find` doesn't find. */
  add(row: BackendRow): void {
    if (this.#size * 2 > this.#mask) this.#grow()
    this.#size += 1
    this.#enter(hashOf(row.address, row.port, row.protocol), row.backend)
  }

  /** @param number of a backend that is here and in its table still */
  delete(number: number): void {
    const { address, port, protocol } = this.#rows.get(number)!
    const slots = this.#slots
    const mask = this.#mask
    let hole = hashOf(address, port, protocol) & mask
    while (slots[hole * 2 + 1] !== number) hole = (hole + 1) & mask
    // Those behind move up, unless they would come before the slot where one begins to look for them.
    for (let at = (hole + 1) & mask; slots[at * 2 + 1] !== 0; at = (at + 1) & mask) {
      const home = slots[at * 2]! & mask
      if (((at - home) & mask) < ((at - hole) & mask)) continue
      slots[hole * 2] = slots[at * 2]!
      slots[hole * 2 + 1] = slots[at * 2 + 1]!
      hole = at
    }
    slots[hole * 2 + 1] = 0
    this.#size -= 1
  }

  #enter(hash: number, number: number): void {
    const slots = this.#slots
    let at = hash & this.#mask
    while (slots[at * 2 + 1] !== 0) at = (at + 1) & this.#mask
    slots[at * 2] = hash
    slots[at * 2 + 1] = number
  }

  #grow(): void {
    const before = this.#slots
    this.#slots = new Int32Array(before.length * 4)
    this.#mask = this.#slots.length / 2 - 1
    for (let at = 0; at < before.length; at += 2) if (before[at + 1] !== 0) this.#enter(before[at]!, before[at + 1]!)
  }
}

const hashOf = (address: string, port: number, protocol: Protocol): number =>
  hashText(address, (port << 8) | protocol.charCodeAt(0)) | 0
