import { createHash } from 'node:crypto'
import { closeSync, openSync } from 'node:fs'
import type { AttachmentFact, EndpointFact } from '@weir/core'
import { devicesIn, ifindexIn, interfacesIn, NetnsError, type RtRequest, rtnetlinkIn } from 'netns-napi'
import { familyOf, linkLocal } from '../network/names.js'
import { podGateways } from '../network/node-network.js'

/** Names and MAC addresses follow from the container alone: what an agent left behind, the next one finds. */
export interface InterfaceNames {
  readonly device: string
  readonly hostMac: string
  readonly podMac: string
}

export function namesFor(container: string, ifname: string): InterfaceNames {
  const bytes = createHash('sha256').update(`${container}/${ifname}`).digest()
  const tail = [...bytes.subarray(6, 11)].map(byte => byte.toString(16).padStart(2, '0')).join(':')
  return { device: `weir${bytes.toString('hex').slice(0, 11)}`, hostMac: `0e:${tail}`, podMac: `0a:${tail}` }
}

/** Whether a device has a name that `namesFor` gives. */
export const isOurs = (name: string): boolean => /^weir[0-9a-f]{11}$/.test(name)

/** The index of a namespace's loopback device. */
const loopback = 1

/**
 * Makes an interface of a container: the pair of devices, both down, so that nothing can pass.
 *
 * @param nodeNetns where its other side is
 * @returns how it is wired to the node
 * @throws NetnsError ENOENT when the container's namespace is gone, EEXIST when it has such an interface already
 */
export async function makeInterface(
  nodeNetns: string,
  { container, ifname, netns, namespace, pod, device }: AttachmentFact,
  mtuBytes: number,
): Promise<EndpointFact> {
  const { hostMac, podMac } = namesFor(container, ifname)
  const netnsFd = openNetns(netns)
  try {
    const peer = { name: ifname, mac: podMac, netnsFd }
    await rtnetlinkIn(nodeNetns, [{ kind: 'veth.add', name: device, mac: hostMac, mtuBytes, peer }])
  } finally {
    closeSync(netnsFd)
  }
  const ifindex = ifindexIn(nodeNetns, device)
  return { namespace, pod, ifindex, ifname: device, hostMac, podMac }
}

/** Gives the container's side its addresses and its way out. The node's side is down still: nothing can pass. */
export async function configurePodSide({ ifname, netns, container, addresses }: AttachmentFact): Promise<void> {
  const ifindex = ifindexIn(netns, ifname)
  const own = (address: string): RtRequest => ({ kind: 'address.add', ifindex, address, length: lengthOf(address) })
  const hasSix = addresses.some(address => familyOf(address) === 6)
  const local = linkLocal(namesFor(container, ifname).podMac)
  await rtnetlinkIn(netns, [
    { kind: 'link.set', ifindex: loopback, up: true },
    { kind: 'link.set', ifindex, ownLinkLocal: false },
    { kind: 'link.set', ifindex, up: true },
    ...(hasSix ? [{ kind: 'address.add', ifindex, address: local, length: 64 } as const] : []),
    ...addresses.map(own),
    ...firstOfEach(addresses).map(
      (source): RtRequest => ({ kind: 'route.replace', ifindex, gateway: podGateways[familyOf(source)], source }),
    ),
  ])
}

/**
 * Opens the node's side, the last step: from then on packets pass, and are judged. May be done again.
 *
 * @param nodeAddresses the node's own, for what it sends itself
 */
export async function openHostSide(
  nodeNetns: string,
  { addresses }: AttachmentFact,
  { ifindex, podMac }: Pick<EndpointFact, 'ifindex' | 'podMac'>,
  nodeAddresses: readonly string[],
): Promise<void> {
  await rtnetlinkIn(nodeNetns, [
    { kind: 'link.set', ifindex, ownLinkLocal: false },
    { kind: 'link.set', ifindex, up: true },
    ...addresses.flatMap((address): RtRequest[] => {
      const source = nodeAddresses.find(own => familyOf(own) === familyOf(address) && !isLinkLocal(own))
      const destination = { address, length: lengthOf(address) }
      return [
        { kind: 'neighbour.replace', ifindex, address, mac: podMac },
        { kind: 'route.replace', ifindex, destination, ...(source !== undefined && { source }) },
      ]
    }),
  ])
}

/** Closes the node's side of an interface: nothing passes any more. One that isn't there is no error. */
export async function closeHostSide(nodeNetns: string, device: string): Promise<void> {
  const link = interfacesIn(nodeNetns).find(({ name }) => name === device)
  if (link === undefined) return
  await rtnetlinkIn(nodeNetns, [{ kind: 'link.set', ifindex: link.ifindex, up: false }]).catch((error: unknown) => {
    if (!(error instanceof NetnsError) || error.code !== 'ENODEV') throw error
  })
}

/** Takes an interface away, both sides. One that isn't there is no error. */
export async function removeInterface(nodeNetns: string, device: string): Promise<void> {
  await rtnetlinkIn(nodeNetns, [{ kind: 'link.delete', name: device }]).catch((error: unknown) => {
    if (!(error instanceof NetnsError) || error.code !== 'ENODEV') throw error
  })
}

/** What isn't as ADD left it, in words; nothing when all is. */
export function differencesOf(nodeNetns: string, attachment: AttachmentFact): readonly string[] {
  const { device, ifname, netns, container, addresses } = attachment
  const { podMac } = namesFor(container, ifname)
  const host = interfacesIn(nodeNetns).find(({ name }) => name === device)
  const inside = interfacesIn(netns).find(({ name }) => name === ifname)
  const has = devicesIn(netns).find(({ name }) => name === ifname)
  return [
    ...(host === undefined ? [`${device} is gone`] : host.up ? [] : [`${device} is down`]),
    ...(inside === undefined ? [`${ifname} is gone`] : inside.up ? [] : [`${ifname} is down`]),
    ...(inside !== undefined && inside.mac !== podMac ? [`${ifname} has ${inside.mac}, not ${podMac}`] : []),
    ...(has === undefined
      ? []
      : addresses.filter(own => !has.addresses.includes(own)).map(own => `${ifname} doesn't have ${own}`)),
  ]
}

/** @throws NetnsError as `open` fails */
function openNetns(path: string): number {
  try {
    return openSync(path, 'r')
  } catch (error) {
    const { code = 'EINVAL' } = error as NodeJS.ErrnoException
    throw new NetnsError(code, 'open', path, { cause: error })
  }
}

const lengthOf = (address: string): number => (familyOf(address) === 4 ? 32 : 128)

const firstOfEach = (addresses: readonly string[]): readonly string[] =>
  ([4, 6] as const).flatMap(family => addresses.find(address => familyOf(address) === family) ?? [])

const isLinkLocal = (address: string): boolean => /^(fe[89ab]|169\.254\.)/i.test(address)
