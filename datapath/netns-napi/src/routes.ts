import { addressBytes, addressText, familyOf } from './address.js'
import { attributesOf, eachAnswer, eachMessage, type Received } from './answers.js'
import { ask, askAll, families, Message } from './message.js'
import { type Netns, native } from './native.js'

/** A route as the kernel has it. */
export interface RouteEntry {
  readonly destination: { readonly address: string; readonly length: number }
  readonly table: number
  readonly protocol: number
  /** 0 for a route that leads by no device, or by several. */
  readonly ifindex: number
  readonly gateway?: string
  readonly source?: string
}

/** A rule that sends what comes from a block to a table. */
export interface RuleEntry {
  readonly source: { readonly address: string; readonly length: number }
  readonly table: number
  readonly priority: number
  readonly protocol: number
}

/** How packets to an address leave a namespace. */
export interface Hop {
  readonly ifindex: number
  /** The next hop, where the address isn't on the device's link. */
  readonly gateway?: string
  /** False: they stay, or are refused. */
  readonly leaves: boolean
}

const types = { getRoute: 26, newRoute: 24, getRule: 34, newRule: 32 } as const
/** RTN_UNICAST. */
const unicast = 1
const attribute = { destination: 1, device: 4, gateway: 5, source: 7, table: 15, via: 18 } as const
const rule = { source: 2, priority: 6, table: 15, protocol: 21 } as const
/** RTM_F_CLONED: what was learned of one destination, and is no route. */
const cloned = 0x200
const dumpTries = 5

/**
 * The routes of one family in all tables: those of somebody who calls himself by a protocol number (`ip route show proto
 * 119`), or all. What the kernel was changing meanwhile is read again.
 */
export async function routesIn(netns: Netns, family: 4 | 6, protocol?: number): Promise<readonly RouteEntry[]> {
  const message = new Message(types.getRoute, askAll)
  message.u8(families[family], 0, 0, 0, 0, protocol ?? 0, 0, 0).u32(0)
  const found = await dump(netns, message.bytes(), types.newRoute)
  return found.flatMap(({ body }) => {
    const route = routeOf(body, family)
    const isMeant = protocol === undefined || route.protocol === protocol
    return isMeant && (body.readUInt32LE(8) & cloned) === 0 ? [route] : []
  })
}

/** The rules of one family that somebody made who calls himself by a protocol number. */
export async function rulesIn(netns: Netns, family: 4 | 6, protocol: number): Promise<readonly RuleEntry[]> {
  const message = new Message(types.getRule, askAll)
  message.u8(families[family], 0, 0, 0, 0, 0, 0, 0).u32(0)
  const found = await dump(netns, message.bytes(), types.newRule)
  return found.flatMap(({ body }) => {
    const attributes = attributesOf(body.subarray(12))
    if (attributes.get(rule.protocol)?.[0] !== protocol) return []
    const source = { address: addressText(attributes.get(rule.source), family), length: body[2]! }
    const table = attributes.get(rule.table)?.readUInt32LE() ?? body[4]!
    return [{ source, table, priority: attributes.get(rule.priority)?.readUInt32LE() ?? 0, protocol }]
  })
}

/** How packets leave to each of these addresses, in their order; undefined where none may. */
export async function hopsIn(netns: Netns, addresses: readonly string[]): Promise<readonly (Hop | undefined)[]> {
  if (addresses.length === 0) return []
  const messages = addresses.map(address => {
    const bytes = addressBytes(address)
    const message = new Message(types.getRoute, ask)
    message.u8(families[bytes.length === 4 ? 4 : 6], 8 * bytes.length, 0, 0, 0, 0, 0, 0).u32(0)
    return message.attribute(attribute.destination, bytes).bytes()
  })
  return [...eachAnswer(await native.rtnetlink(netns, messages, true))].map(({ bytes }, at) => {
    for (const { type, body } of eachMessage(bytes)) {
      if (type !== types.newRoute) continue
      const { ifindex, gateway } = routeOf(body, familyOf(addresses[at]!))
      return { ifindex, leaves: body[7] === unicast, ...(gateway !== undefined && { gateway }) }
    }
    return undefined
  })
}

async function dump(netns: Netns, request: Uint8Array, type: number): Promise<readonly Received[]> {
  for (let left = dumpTries; ; left -= 1) {
    const [answer] = eachAnswer(await native.rtnetlink(netns, [request], true))
    const { bytes, failure } = answer!
    if (failure === undefined) return [...eachMessage(bytes)].filter(each => each.type === type)
    if (failure.code !== 'EINTR' || left === 1) throw failure
  }
}

/** struct rtmsg and what follows it. */
function routeOf(body: Buffer, family: 4 | 6): RouteEntry {
  const attributes = attributesOf(body.subarray(12))
  const gateway = gatewayOf(attributes, family)
  const source = attributes.get(attribute.source)
  return {
    destination: { address: addressText(attributes.get(attribute.destination), family), length: body[1]! },
    table: attributes.get(attribute.table)?.readUInt32LE() ?? body[4]!,
    protocol: body[5]!,
    ifindex: attributes.get(attribute.device)?.readUInt32LE() ?? 0,
    ...(gateway !== undefined && { gateway }),
    ...(source !== undefined && { source: addressText(source, family) }),
  }
}

/** A next hop may be of the other family: then its family is in front of it. */
function gatewayOf(attributes: ReadonlyMap<number, Buffer>, family: 4 | 6): string | undefined {
  const own = attributes.get(attribute.gateway)
  if (own !== undefined) return addressText(own, family)
  const other = attributes.get(attribute.via)
  return other === undefined ? undefined : addressText(other.subarray(2), other.readUInt16LE() === families[4] ? 4 : 6)
}
