import type { Prefix } from '@weir/core/address/address.js'
import { entryOf } from '@weir/core/multimap.js'
import { layout } from '../layout.generated.js'
import { firstEndpointSlot, type Peer, unwired, type Wiring } from '../peer.js'
import { CellTable } from './cell-table.js'
import type { AddressOperation, Operation } from './operation.js'
import { PrefixTable } from './prefix-table.js'

export interface InstalledEndpoint {
  readonly wiring: Wiring
  readonly generation: number
}

/** How many address and prefix rows name a peer class. */
interface ClassUse {
  readonly peerClass: number
  rows: number
}

/** An address that the maps have. */
export interface InstalledAddress {
  readonly bits: Prefix
  /** Undefined once the maps have it no more. */
  peer: Peer | undefined
  use: ClassUse
}

/** What the maps hold now, operation by operation, with the indexes that plans need. */
export class Installed {
  readonly #addresses = new Map<string, InstalledAddress>()
  readonly prefixes = new PrefixTable()
  readonly cells = new CellTable()
  readonly endpoints = new Map<number, InstalledEndpoint>()
  readonly #addressesBySubject = new Map<number, Set<string>>()
  readonly #addressesBySlot = new Map<number, Set<string>>()
  readonly #uses = new Map<number, ClassUse>()
  #lastUse: ClassUse | undefined
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

  /** Address rows by address. */
  *addresses(): Iterable<readonly [address: string, peer: Peer]> {
    for (const [address, { peer }] of this.#addresses) if (peer !== undefined) yield [address, peer]
  }

  peerAt(address: string): Peer | undefined {
    return this.#addresses.get(address)?.peer
  }

  /** Where an address is kept: saves an operation the search. */
  placeOf(address: string): InstalledAddress | undefined {
    return this.#addresses.get(address)
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
    return this.#uses.get(peerClass)?.rows ?? 0
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
        this.#applyAddress(operation)
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

  #applyAddress({ address, bits, peer, place = this.#addresses.get(address) }: AddressOperation): void {
    if (place === undefined) {
      if (peer === undefined) return
      const use = this.#use(peer.peerClass)
      this.#addresses.set(address, { bits, peer, use })
      this.#addressCount[bits.family] += 1
      use.rows += 1
      this.#locate(address, peer)
      return
    }
    const before = place.peer!
    this.#drop(place.use)
    place.peer = peer
    if (peer !== undefined && peer.subject === before.subject && peer.slot === before.slot) {
      place.use = this.#use(peer.peerClass)
      place.use.rows += 1
      return
    }
    if (before.subject !== 0) remove(this.#addressesBySubject, before.subject, address)
    if (before.slot >= firstEndpointSlot) remove(this.#addressesBySlot, before.slot, address)
    if (peer === undefined) {
      this.#addresses.delete(address)
      this.#addressCount[bits.family] -= 1
      return
    }
    place.use = this.#use(peer.peerClass)
    place.use.rows += 1
    this.#locate(address, peer)
  }

  #locate(address: string, { subject, slot }: Peer): void {
    if (subject !== 0) add(this.#addressesBySubject, subject, address)
    if (slot >= firstEndpointSlot) add(this.#addressesBySlot, slot, address)
  }

  #applyPrefix(bits: Prefix, peer: Peer | undefined): void {
    const before = this.prefixes.get(bits)
    if (before !== undefined) this.#drop(this.#use(before.peerClass))
    if (peer !== undefined) this.#use(peer.peerClass).rows += 1
    this.prefixes.set(bits, peer)
  }

  /** Addresses that move together come from one class and go to one. */
  #use(peerClass: number): ClassUse {
    if (this.#lastUse?.peerClass === peerClass) return this.#lastUse
    this.#lastUse = entryOf(this.#uses, peerClass, () => ({ peerClass, rows: 0 }))
    return this.#lastUse
  }

  #drop(use: ClassUse): void {
    use.rows -= 1
    if (use.rows > 0) return
    this.#uses.delete(use.peerClass)
    if (this.#lastUse === use) this.#lastUse = undefined
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
