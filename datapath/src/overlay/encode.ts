import type { TunnelRow } from '@weir/core/routing/tunnel-rows.js'
import { codecs } from '../codec/maps.js'
import { bitsOf } from '../plan/prefix-table.js'
import type { MapWrite } from '../reconcile/batch.js'
import type { Mark } from './mark.js'

/** An address in the 16 bytes that hold one of either family. */
function wide(address: string | undefined): Uint8Array {
  const bytes = new Uint8Array(16)
  if (address !== undefined) bytes.set(bitsOf(address).bytes)
  return bytes
}

export function tunnelWrite({ prefix, address, isNode }: TunnelRow): MapWrite {
  const { family, bytes, length } = bitsOf(prefix)
  const value = codecs.tunnel.encode({
    family: bitsOf(address).family,
    is_node: isNode ? 1 : 0,
    address: wide(address),
  })
  return family === 4
    ? { map: 'weir_tunnels4', key: codecs.prefix4.encode({ length, address: bytes }), value }
    : { map: 'weir_tunnels6', key: codecs.prefix6.encode({ length, address: bytes }), value }
}

/** By which mark other nodes know an identity of this one. */
export const markWrite = (identity: number, mark: Mark): MapWrite => ({
  map: 'weir_marks',
  key: codecs.index.encode(identity),
  value: codecs.mark.encode(mark),
})

/** Somebody who is of the identity that a mark stands for, in each family. */
export const fellowWrite = (mark: Mark, four: string | undefined, six: string | undefined): MapWrite => ({
  map: 'weir_fellows',
  key: codecs.mark.encode(mark),
  value: codecs.fellow.encode({ ipv4: wide(four).subarray(0, 4), ipv6: wide(six) }),
})
