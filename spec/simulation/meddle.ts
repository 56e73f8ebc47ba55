import { type BackendMap, type MemoryBackendHandle, codecs } from '@weir/datapath'
import type { Random } from './random.js'

const hashes = [
  ...(['weir_addr4', 'weir_addr6', 'weir_pfx4', 'weir_pfx6', 'weir_cells', 'weir_devices'] as const),
  ...(['weir_frontends4', 'weir_frontends6'] as const),
] as const
const arrays = ['weir_endpoints', 'weir_backends4'] as const

/** Changes what is in the maps as no agent would. @returns what it did */
export function meddle(backend: MemoryBackendHandle, random: Random): string {
  const kind = random.below(5)
  if (kind === 0) {
    const attached = backend.attachments()
    if (attached.length === 0) return 'nothing'
    const one = random.pick(attached)
    backend.detach(one)
    return `detached ${one.ifname}`
  }
  if (kind === 1) return wipe(backend.maps[random.pick(arrays)], random)
  const name = random.pick(hashes)
  const map = backend.maps[name]
  const entries = [...map.entries()]
  if (entries.length === 0) return 'nothing'
  const [key, value] = random.pick(entries)
  if (kind === 2) {
    map.delete(key)
    return `deleted from ${name}`
  }
  if (kind === 3) {
    map.update(key, random.pick(entries)[1])
    return `took another's value in ${name}`
  }
  const other = Uint8Array.from(key)
  other[other.length - 1] = (other[other.length - 1] ?? 0) ^ (1 << random.below(8))
  if (map.lookup(other) !== undefined || entries.length >= map.maxEntries) return 'nothing'
  map.update(other, value)
  return `added to ${name}`
}

function wipe(map: BackendMap, random: Random): string {
  const filled = [...map.entries()].filter(([, value]) => value.some(byte => byte !== 0))
  if (filled.length === 0) return 'nothing'
  const [key, value] = random.pick(filled)
  map.update(key, new Uint8Array(value.length))
  return `wiped ${codecs.index.read(key)} of ${map.name}`
}
