import type { AddressRow } from '../tables/tables.js'

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

  constructor(address: string, identity: number, peerClass: number, subject: number, endpoint: number) {
    this.address = address
    this.identity = identity
    this.peerClass = peerClass
    this.subject = subject
    this.endpoint = endpoint
  }
}
