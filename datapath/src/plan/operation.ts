import type { Prefix } from '@weir/core/address/address.js'
import type { Peer, Wiring } from '../peer.js'
import type { DirectionNumber } from './cell-table.js'
import type { InstalledAddress } from './installed.js'
import type { RowContent } from './row-content.js'

/** One write of one table; `undefined` deletes. */
export type Operation =
  | AddressOperation
  | {
      readonly table: 'prefixes'
      readonly prefix: string
      readonly bits: Prefix
      readonly peer: Peer | undefined
    }
  | CellOperation
  | { readonly table: 'endpoints'; readonly slot: number; readonly wiring: Wiring; readonly generation: number }

export interface AddressOperation {
  readonly table: 'addresses'
  readonly address: string
  /** The address as bits. */
  readonly bits: Prefix
  readonly peer: Peer | undefined
  /** Where what is installed keeps the address, if it does. */
  readonly place?: InstalledAddress | undefined
}

export interface CellOperation {
  readonly table: 'cells'
  readonly subject: number
  readonly direction: DirectionNumber
  readonly peerClass: number
  readonly row: RowContent | undefined
}

/** What each phase is for; a plan has those it needs, in this order. */
export type PhaseName =
  | 'part slots'
  | 'wire'
  | 'copy cells'
  | 'refine addresses'
  | 'restrict cells'
  | 'relax cells'
  | 'final cells'
  | 'move addresses'
  | 'clean up'
  | 'generations'

export interface Phase {
  readonly name: PhaseName
  /** Written one after the other. */
  readonly operations: readonly Operation[]
}

/** Addresses and what they should have, each once. */
export interface AddressGoals extends Iterable<readonly [address: string, peer: Peer | undefined]> {
  readonly size: number
  forEach(visit: (peer: Peer | undefined, address: string) => void): void
  has(address: string): boolean
  get(address: string): Peer | undefined
}

/** What tables should hold, for each key where they may differ from what is installed; `undefined`: nothing. */
export interface Goal {
  readonly addresses: AddressGoals
  readonly prefixes: ReadonlyMap<string, Peer | undefined>
  readonly cells: readonly CellOperation[]
  readonly endpoints: ReadonlyMap<number, Wiring | undefined>
}
