import type { Prefix } from '@weir/core/address/address.js'
import { layout } from '../layout.generated.js'
import { firstEndpointSlot, type Peer, unwired, type Wiring } from '../peer.js'
import { CellTable } from './cell-table.js'
import type { Operation } from './operation.js'
import { PrefixTable } from './prefix-table.js'

export interface InstalledEndpoint {
  readonly wiring: Wiring
  readonly generation: number
}

/** What the maps hold now, operation by operation, with the indexes that plans need. */
export class Installed {
  readonly addresses = new Map<string, Peer>()
  readonly prefixes = new PrefixTable()
  readonly cells = new CellTable()
  readonly endpoints = new Map<number, InstalledEndpoint>()
  readonly #addressesBySubject = new Map<number, Set<string>>()
  readonly #addressesBySlot = new Map<number, Set<string>>()
  readonly #rowsByClass = new Map<number, number>()
  readonly #addressCount = { 4: 0, 6: 0 }
  /** How many slots the endpoints map has. */
  readonly endpointSlots: number
  #generation = 0

  constructor(endpointSlots: number = layout.maps.weir_endpoints.maxEntries) {
    this.endpointSlots = endpointSlots
  }

  /** The highest generation of any slot. */
  get generation(): number {
    return this.#generation
  }

  /** Says that a generation was used which the maps don't show any more. */
  raiseGeneration(generation: number): void {
    this.#generation = Math.max(this.#generation, generation)
  }

  /** Addresses of a local subject. */
  addressesOf(subject: number): ReadonlySet<string> {
    return this.#addressesBySubject.get(subject) ?? none
  }

  addressCount(family: 4 | 6): number {
    return this.#addressCount[family]
  }

  addressesAt(slot: number): ReadonlySet<string> {
    return this.#addressesBySlot.get(slot) ?? none
  }

  /** Address and prefix rows of a peer class. */
  rowsOfClass(peerClass: number): number {
    return this.#rowsByClass.get(peerClass) ?? 0
  }

  subjects(): Iterable<number> {
    return this.#addressesBySubject.keys()
  }

  endpoint(slot: number): InstalledEndpoint {
    return this.endpoints.get(slot) ?? { wiring: unwired, generation: 0 }
  }

  apply(operation: Operation): void {
    switch (operation.table) {
      case 'addresses':
        this.#applyAddress(operation.address, operation.bits.family, operation.peer)
        break
      case 'prefixes':
        this.#applyPrefix(operation.bits, operation.peer)
        break
      case 'cells':
        this.cells.set(operation.subject, operation.direction, operation.peerClass, operation.row)
        break
      case 'endpoints':
        this.endpoints.set(operation.slot, { wiring: operation.wiring, generation: operation.generation })
        this.#generation = Math.max(this.#generation, operation.generation)
    }
  }

  #applyAddress(address: string, family: 4 | 6, peer: Peer | undefined): void {
    const before = this.addresses.get(address)
    this.#addressCount[family] += Number(peer !== undefined) - Number(before !== undefined)
    if (before !== undefined) {
      this.#count(before.peerClass, -1)
      if (before.subject !== 0) remove(this.#addressesBySubject, before.subject, address)
      if (before.slot >= firstEndpointSlot) remove(this.#addressesBySlot, before.slot, address)
    }
    if (peer === undefined) {
      this.addresses.delete(address)
      return
    }
    this.addresses.set(address, peer)
    this.#count(peer.peerClass, 1)
    if (peer.subject !== 0) add(this.#addressesBySubject, peer.subject, address)
    if (peer.slot >= firstEndpointSlot) add(this.#addressesBySlot, peer.slot, address)
  }

  #applyPrefix(bits: Prefix, peer: Peer | undefined): void {
    const before = this.prefixes.get(bits)
    if (before !== undefined) this.#count(before.peerClass, -1)
    if (peer !== undefined) this.#count(peer.peerClass, 1)
    this.prefixes.set(bits, peer)
  }

  #count(peerClass: number, change: number): void {
    const count = this.rowsOfClass(peerClass) + change
    if (count === 0) this.#rowsByClass.delete(peerClass)
    else this.#rowsByClass.set(peerClass, count)
  }
}

const none: ReadonlySet<string> = new Set()

function add(index: Map<number, Set<string>>, key: number, address: string): void {
  const entry = index.get(key)
  if (entry === undefined) index.set(key, new Set([address]))
  else entry.add(address)
}

function remove(index: Map<number, Set<string>>, key: number, address: string): void {
  const entry = index.get(key)
  entry?.delete(address)
  if (entry?.size === 0) index.delete(key)
}
