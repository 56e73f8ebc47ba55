import type { AttachmentFact } from '@weir/core'
import { familyOf } from '../network/names.js'
import { podGateways } from '../network/node-network.js'
import { isObject, type JsonObject } from './request.js'
import { type CniVersion, isAtLeast } from './versions.js'

/** The interface that a container was given. */
export interface Attached {
  readonly attachment: AttachmentFact
  readonly hostMac: string
  readonly podMac: string
  readonly mtuBytes: number
}

const everywhere = { 4: '0.0.0.0/0', 6: '::/0' } as const

/**
 * What ADD answers: what the plugins before said, and this interface besides, in the form of a version.
 *
 * @param before their result
 */
export function resultOf(
  { attachment, hostMac, podMac, mtuBytes }: Attached,
  version: CniVersion,
  dns: unknown,
  before: JsonObject = {},
): JsonObject {
  const interfaces = listOf(before.interfaces)
  const mtu = isAtLeast(version, '1.1.0') ? { mtu: mtuBytes } : {}
  const own = [
    { name: attachment.device, mac: hostMac, ...mtu },
    { name: attachment.ifname, mac: podMac, ...mtu, sandbox: attachment.netns },
  ]
  const addresses = attachment.addresses.map(address => {
    const family = familyOf(address)
    return {
      ...(!isAtLeast(version, '1.0.0') && { version: String(family) }),
      address: `${address}/${family === 4 ? 32 : 128}`,
      gateway: podGateways[family],
      interface: interfaces.length + 1,
    }
  })
  const families = [...new Set(attachment.addresses.map(familyOf))]
  const routes = families.map(family => ({ dst: everywhere[family], gw: podGateways[family] }))
  return {
    cniVersion: version,
    interfaces: [...interfaces, ...own],
    ips: [...listOf(before.ips), ...addresses],
    routes: [...listOf(before.routes), ...routes],
    dns: isObject(before.dns) ? before.dns : isObject(dns) ? dns : {},
  }
}

const listOf = (given: unknown): readonly unknown[] => (Array.isArray(given) ? given : [])

/** Addresses without lengths that a result has at an interface of a container. */
export function addressesIn(result: JsonObject, ifname: string): readonly string[] {
  const interfaces = listOf(result.interfaces)
  const isOwn = (index: unknown): boolean => {
    const found = typeof index === 'number' ? interfaces[index] : undefined
    return isObject(found) && found.name === ifname && typeof found.sandbox === 'string' && found.sandbox !== ''
  }
  return listOf(result.ips).flatMap(each =>
    isObject(each) && typeof each.address === 'string' && isOwn(each.interface)
      ? [each.address.split('/')[0] ?? '']
      : [],
  )
}
