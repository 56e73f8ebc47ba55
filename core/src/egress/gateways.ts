import { parseAddress } from '../address/address.js'
import { hashHex } from '../digest/sum.js'
import type { DeviceFact, EgressGateway } from '../event/egress.js'
import { matchesSelector } from '../policy/match.js'
import type { Family } from '../policy/rule.js'
import type { ClusterState } from '../state/state.js'

/** A gateway whose node is known. */
export interface Gateway {
  readonly node: string
  readonly isHere: boolean
  /** The node's own address, where it is another; '' where it has none of the family. */
  readonly address: Readonly<Record<Family, string>>
  /** The address to leave with, where the gateway is this node; '' where it has none of the family. */
  readonly egress: Readonly<Record<Family, string>>
  /** What tells it from the policy's others, the same on every node. */
  readonly key: string
}

const nowhere = { 4: '', 6: '' } as const

/** The gateways of a policy that there are, as the nodes and this node's devices are now. */
export function gatewaysOf(gateways: readonly EgressGateway[], state: ClusterState): readonly Gateway[] {
  const found = new Map<string, Gateway>()
  for (const gateway of gateways) {
    const node = firstNode(gateway, state)
    if (node === undefined) continue
    const isHere = node === state.agent?.fact.node
    const key = `${node} ${gateway.egressIp ?? gateway.interface ?? ''}`
    if (found.has(key)) continue
    found.set(key, {
      node,
      isHere,
      address: isHere ? nowhere : nodeAddresses(state, node),
      egress: isHere ? egressAddresses(gateway, state) : nowhere,
      key,
    })
  }
  return [...found.values()]
}

/**
 * The gateway of one pod: rendezvous hashing, so that one that comes or goes moves its own pods and no others, and
 * every node says the same.
 * @param pod `namespace/name`
 */
export function gatewayFor(pod: string, gateways: readonly Gateway[]): Gateway | undefined {
  if (gateways.length < 2) return gateways[0]
  let best: Gateway | undefined
  let highest = ''
  for (const gateway of gateways) {
    const rank = hashHex('egress gateway', pod, gateway.key)
    if (rank <= highest) continue
    highest = rank
    best = gateway
  }
  return best
}

function firstNode({ nodeSelector }: EgressGateway, { nodes }: ClusterState): string | undefined {
  let first: string | undefined
  for (const [name, { fact }] of nodes) {
    if (first !== undefined && first <= name) continue
    if (matchesSelector(nodeSelector, new Map(Object.entries(fact.labels)))) first = name
  }
  return first
}

/**
 * A node's address to be reached at. Facts don't tell internal addresses from external ones, but for clusters the
 * internal ones are private: the first private one, else the first.
 */
function nodeAddresses({ nodes }: ClusterState, name: string): Readonly<Record<Family, string>> {
  const addresses = nodes.get(name)?.fact.addresses ?? []
  const of = (family: Family): string => {
    const own = addresses.filter(text => familyOf(text) === family)
    return own.find(isPrivate) ?? own[0] ?? ''
  }
  return { 4: of(4), 6: of(6) }
}

function egressAddresses(
  { egressIp, interface: name }: EgressGateway,
  { devices, host }: ClusterState,
): Readonly<Record<Family, string>> {
  if (egressIp !== undefined) {
    // Where this node hasn't looked at itself, it is taken at its word.
    const isThere = host === undefined || host.fact.addresses.includes(egressIp)
    return { 4: isThere ? egressIp : '', 6: '' }
  }
  const known = devices?.fact ?? []
  const device =
    name === undefined ? known.find(({ hasDefaultRoute }) => hasDefaultRoute) : known.find(is => is.ifname === name)
  return { 4: firstOf(device, 4), 6: firstOf(device, 6) }
}

/** The address that a device speaks with in a family; '' when it has none. */
export const firstOf = (device: DeviceFact | undefined, family: Family): string =>
  device?.addresses.find(text => familyOf(text) === family) ?? ''

export const familyOf = (address: string): Family => (address.includes(':') ? 6 : 4)

function isPrivate(text: string): boolean {
  const [a = 0, b = 0] = parseAddress(text)?.bytes ?? []
  if (familyOf(text) === 6) return (a & 0xfe) === 0xfc
  return a === 10 || (a === 172 && b >> 4 === 1) || (a === 192 && b === 168) || (a === 100 && b >> 6 === 1)
}
