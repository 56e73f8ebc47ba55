import type { AddressRow } from '../tables/tables.js'
import type { Claimant } from './model.js'

/**
 * A row of the addresses' table. Made by a class: a start makes a hundred thousand that stay, whereupon V8 puts what the same
 * object literal makes into the old generation for good, where those that a later change replaces would gather.
 */
export class WrittenAddress implements AddressRow {
  readonly address: string
  readonly identity: number
  readonly peerClass: number
  readonly subject: number
  readonly endpoint: number

  constructor(address: string, peerClass: number, subject: number, { identity, slot }: AddressOwner) {
    this.address = address
    this.identity = identity
    this.peerClass = peerClass
    this.subject = subject
    this.endpoint = slot
  }
}

type AddressOwner = Pick<Claimant, 'identity' | 'slot'>
