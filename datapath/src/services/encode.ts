import { prefixText } from '@weir/core/address/address.js'
import { type Protocol, protocolNumbers } from '@weir/core/policy/rule.js'
import type { BackendRow, FrontendRow } from '@weir/core/tables/service-rows.js'
import { codecs, frontendFlags, frontendScopes } from '../codec/maps.js'
import { bitsOf } from '../plan/prefix-table.js'

/** Slots from `first` on. */
export interface Run {
  readonly first: number
  readonly count: number
}

/** What a frontend points to. */
export interface Runs {
  readonly table: Run
  readonly members: Run
  readonly beneath: Run
}

const scopes = { internal: frontendScopes.WEIR_INTERNAL, external: frontendScopes.WEIR_EXTERNAL } as const
const protocolOf = new Map<number, Protocol>([
  [protocolNumbers.TCP, 'TCP'],
  [protocolNumbers.UDP, 'UDP'],
  [protocolNumbers.SCTP, 'SCTP'],
])

const nowhere = { 4: new Uint8Array(4), 6: new Uint8Array(16) } as const

export const familyOf = (address: string): 4 | 6 => (address.includes(':') ? 6 : 4)

function key(family: 4 | 6, address: Uint8Array, port: number, protocol: Protocol, scope: number): Uint8Array {
  const fields = { address, port, protocol: protocolNumbers[protocol], scope }
  return family === 4 ? codecs.frontend4.encode(fields) : codecs.frontend6.encode(fields)
}

export function frontendKeyBytes({ address, port, protocol, scope }: FrontendRow): Uint8Array {
  const { family, bytes } = bitsOf(address)
  return key(family, bytes, port, protocol, scopes[scope])
}

/** The key that stands for the port on every address of the node, for those that have one: node ports seen from inside. */
export function anyAddressKey({ address, port, protocol, scope, kind }: FrontendRow): Uint8Array | undefined {
  if (kind !== 'nodePort' || scope !== 'internal') return undefined
  const family = familyOf(address)
  return key(family, nowhere[family], port, protocol, frontendScopes.WEIR_ANY_ADDRESS)
}

/**
 * @param runs.members with affinity: the numbers in the table
 * @param runs.beneath of a redirect that spares its own backends: where they go instead
 * @param ranges with source ranges, or backends that are spared: the number of their set
 */
export function frontendValue(row: FrontendRow, { table, members, beneath }: Runs, ranges: number): Uint8Array {
  const flags =
    (row.kind === 'nodePort' ? frontendFlags.WEIR_NODE_PORT : 0) |
    (row.sourceRanges === undefined ? 0 : frontendFlags.WEIR_SOURCE_RANGES) |
    (row.local ? frontendFlags.WEIR_LOCAL_ONLY : 0) |
    (row.fromBackends === undefined ? 0 : frontendFlags.WEIR_SPARES_BACKENDS) |
    (row.fromBackends === 0 ? frontendFlags.WEIR_LEAVES_BACKENDS : 0)
  return codecs.frontend.encode({
    first: table.first,
    count: table.count,
    members_first: members.first,
    members: members.count,
    affinity: row.affinitySeconds,
    flags,
    ranges,
    beneath_first: beneath.first,
    beneath: beneath.count,
  })
}

export function frontendRuns(value: Uint8Array): Runs {
  const fields = codecs.frontend.read(value)
  return {
    table: { first: fields.first, count: fields.count },
    members: { first: fields.members_first, count: fields.members },
    beneath: { first: fields.beneath_first, count: fields.beneath },
  }
}

/** Keys of the two families differ in length. */
export const frontendMap = (keySize: number): 'weir_frontends4' | 'weir_frontends6' =>
  keySize === codecs.frontend4.size ? 'weir_frontends4' : 'weir_frontends6'

/** A backend's entry to `bytes` at `offset`. */
export function encodeBackend(bytes: Uint8Array, offset: number, { address, port, protocol }: BackendRow): void {
  const { family, bytes: text } = bitsOf(address)
  const fields = { address: text, port, protocol: protocolNumbers[protocol] }
  if (family === 4) codecs.backend4.write(bytes, offset, fields)
  else codecs.backend6.write(bytes, offset, fields)
}

/** What makes a backend another one: `10.0.0.1 8080 TCP`. */
export const contentOf = ({ address, port, protocol }: Pick<BackendRow, 'address' | 'port' | 'protocol'>): string =>
  `${address} ${port} ${protocol}`

/** The content of an entry; undefined when there is none, or none that this build would write. */
export function decodeBackend(family: 4 | 6, value: Uint8Array): string | undefined {
  const { address: bytes, port, protocol: number } = (family === 4 ? codecs.backend4 : codecs.backend6).read(value)
  const protocol = protocolOf.get(number)
  if (port === 0 || protocol === undefined) return undefined
  const text = prefixText({ family, bytes, length: bytes.length * 8 })
  return contentOf({ address: text.slice(0, text.lastIndexOf('/')), port, protocol })
}
