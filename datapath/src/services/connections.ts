import { protocolNumbers } from '@weir/core/policy/rule.js'
import type { BackendRow } from '@weir/core/tables/service-rows.js'
import type { BackendMap } from '../backend.js'
import { codecs } from '../codec/maps.js'
import { layout } from '../layout.generated.js'
import { bitsOf } from '../plan/prefix-table.js'
import { byteText } from './installed-frontends.js'

/** A connection of a process to a backend, by what names its socket. */
export interface Connection {
  readonly key: Uint8Array
  /** SO_COOKIE of the socket. */
  readonly cookie: bigint
  /** SO_NETNS_COOKIE of its namespace. */
  readonly netns: bigint
  readonly protocol: 'tcp' | 'udp'
  /** Its place, as `placeText` gives it. */
  readonly backend: string
}

/** What a backend and a frontend have in common. */
type Place = Pick<BackendRow, 'address' | 'port' | 'protocol'>

/** Entries read in one step. */
const entriesPerStep = 2048

const { members } = layout.maps.weir_connections.value
const startOf = (name: (typeof members)[number]['name']): number =>
  members.find(member => member.name === name)!.offsetBits / 8
const address = startOf('backend_address')
const port = startOf('backend_port')
const virtualAddress = startOf('virtual_address')
const virtualPort = startOf('virtual_port')
/** The family is the last of port, protocol and family, which lie together. */
const end = startOf('family') + 1

/** Ends in the entry of a connection, as text of their bytes: most are of no interest, and reading one takes longer. */
const backendIn = (entry: Uint8Array): string =>
  byteText(entry.subarray(address, address + 16)) + byteText(entry.subarray(port, end))
const frontendIn = (entry: Uint8Array): string =>
  byteText(entry.subarray(virtualAddress, virtualAddress + 16)) +
  byteText(entry.subarray(virtualPort, virtualPort + 2)) +
  byteText(entry.subarray(port + 2, end))

/** A backend's place, or a frontend's, as connections have it. */
export function placeText(row: Place): string {
  const { family, bytes } = bitsOf(row.address)
  const entry = new Uint8Array(codecs.connection.size)
  entry.set(bytes, address)
  entry.set([row.port >> 8, row.port & 0xff, protocolNumbers[row.protocol], family], port)
  return backendIn(entry)
}

/**
 * Those of all remembered connections of processes that are meant; other work can be done between the steps.
 *
 * @param map weir_connections
 * @param isMeant told the places of the backend and of the frontend, as `placeText` gives them
 */
export function* connectionsWhere(
  map: BackendMap,
  isMeant: (backend: string, frontend: () => string) => boolean,
): Generator<void, readonly Connection[]> {
  const found: Connection[] = []
  for (const part of map.parts(entriesPerStep)) {
    for (const [key, entry] of part) {
      const backend = backendIn(entry)
      if (!isMeant(backend, () => frontendIn(entry))) continue
      const { netns, protocol } = codecs.connection.read(entry)
      const kind = protocol === protocolNumbers.TCP ? 'tcp' : 'udp'
      found.push({ key: key.slice(), cookie: codecs.connectionKey.read(key), netns, protocol: kind, backend })
    }
    yield
  }
  return found
}
