import { parseAddress } from '@weir/core/address/address.js'
import type { Attachment, Backend } from '../backend.js'
import { codecs } from '../codec/maps.js'
import type { MapWrite } from './batch.js'

/**
 * What weir_own lacks and has too much: for each of the node's own devices the first address of each family that is said
 * of it, and whether XDP of others may send by it.
 *
 * @param left Numbers of devices of which nothing is said: what there is of them stays.
 */
export function ownDeviceWrites(
  backend: Pick<Backend, 'maps'>,
  devices: readonly Attachment[],
  left: ReadonlySet<number>,
  takesFrames: (device: Attachment) => boolean,
): readonly MapWrite[] {
  const found = new Map(
    [...backend.maps.weir_own.entries()].map(([key, value]) => [codecs.index.read(key), Buffer.from(value)] as const),
  )
  // What puts packets into tunnels takes them from the stack alone.
  const sends = (device: Attachment): boolean => device.role !== 'overlay' && takesFrames(device)
  const writes: MapWrite[] = []
  for (const device of devices) {
    const { ifindex, sources = [] } = device
    const bits = sources.flatMap(source => parseAddress(source) ?? [])
    const of = (family: 4 | 6): Uint8Array =>
      bits.find(each => each.family === family)?.bytes ?? new Uint8Array(family === 4 ? 4 : 16)
    const value = codecs.own.encode({ four: of(4), six: of(6), takes_frames: sends(device) ? 1 : 0 })
    if (found.get(ifindex)?.equals(value) !== true)
      writes.push({ map: 'weir_own', key: codecs.index.encode(ifindex), value })
    found.delete(ifindex)
  }
  for (const ifindex of found.keys())
    if (!left.has(ifindex)) writes.push({ map: 'weir_own', key: codecs.index.encode(ifindex), value: undefined })
  return writes
}
