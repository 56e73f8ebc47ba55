import type { Prefix } from '@weir/core/address/address.js'
import { firstEndpointSlot } from '../peer.js'
import { bitsOf } from './prefix-table.js'

/** The slot where an address that is no local endpoint counts its generation: `weir_remote_slot` in bpf/. */
export const sharedSlot = (address: string): number => sharedSlotOf(bitsOf(address))

export function sharedSlotOf({ bytes }: Prefix): number {
  let hash = 0
  for (let at = 0; at < bytes.length; at += 4) {
    const word = (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!
    hash = Math.imul(hash ^ word, 0x9e3779b1)
  }
  hash = (hash ^ (hash >>> 16)) >>> 0
  return 1 + (hash % (firstEndpointSlot - 1))
}
