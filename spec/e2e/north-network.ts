import type { NodeNetwork } from '@weir/adapters/network/node-network.js'
import { ipBatch, run } from '@weir/adapters/network/run.js'
import { loadObject } from 'ebpf-napi'
import { ifindexIn } from 'netns-napi'
import { compiled } from '../ebpf-napi/programs.js'

export const families = [4, 6] as const
export type Family = (typeof families)[number]
export type Pair = readonly [four: string, six: string]
export const of = (pair: Pair, family: Family): string => pair[family === 4 ? 0 : 1]

export const clientAddresses: Pair = ['198.51.100.2', '2001:db8:c::2']
export const clientGateways: Pair = ['198.51.100.1', '2001:db8:c::1']
/** A load balancer's, which leads to the first node. */
export const balanced: Pair = ['203.0.113.10', '2001:db8:f::10']

interface Site {
  readonly name: string
  readonly node: Pair
  readonly pod: Pair
  readonly uplink: Pair
  readonly gateway: Pair
}

const site = (number: 1 | 2): Site => ({
  name: `n${number}`,
  node: [`10.8${number}.0.1`, `fd8${number}::1`],
  pod: [`10.8${number}.1.1`, `fd8${number}::1:1`],
  uplink: [`172.20.${number}.2`, `fd20:${number}::2`],
  gateway: [`172.20.${number}.1`, `fd20:${number}::1`],
})
export const sites = [site(1), site(2)] as const
export type SiteName = 'n1' | 'n2'

export const uplinkDevice = 'up0'

/** Router and client, and a link of each node to the router; the client hands over whole frames, as a wire does. */
export async function connectAll(prefix: string, networks: readonly NodeNetwork[]): Promise<void> {
  const [router, client] = [`${prefix}-router`, `${prefix}-client`]
  await ipBatch([`netns add ${router}`, `netns add ${client}`])
  for (const setting of ['net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1', 'net.ipv4.conf.all.rp_filter=0'])
    await run('ip', ['netns', 'exec', router, 'sysctl', '-qw', setting])
  const links = [
    { netns: client, device: 'eth0', far: 'c0', near: clientAddresses, gateway: clientGateways },
    ...sites.map(({ uplink, gateway }, at) => ({
      netns: networks[at]!.netns,
      device: uplinkDevice,
      far: routerDevice(at),
      near: uplink,
      gateway,
    })),
  ]
  for (const { netns, device, far, near, gateway } of links) {
    await ipBatch([`link add ${device} netns ${netns} type veth peer name ${far} netns ${router}`])
    for (const [where, name, addresses, linkLocal] of [
      [netns, device, near, 'fe80::2'],
      [router, far, gateway, 'fe80::1'],
    ] as const)
      await ipBatch(
        [
          `link set ${name} addrgenmode none`,
          `link set ${name} up`,
          `link set lo up`,
          `address add ${addresses[0]}/24 dev ${name}`,
          `address add ${addresses[1]}/64 dev ${name} nodad`,
          // A router asks for neighbours from no other address.
          `address add ${linkLocal}/64 dev ${name} nodad`,
        ],
        { netns: where },
      )
    await ipBatch([`route add default via ${gateway[0]}`, `route add default via ${gateway[1]}`], { netns })
  }
  await run('ip', ['netns', 'exec', client, 'ethtool', '-K', 'eth0', 'tx', 'off'])
  await ipBatch(
    sites.flatMap(({ node, uplink, name }) => [
      `route add ${node[0].replace(/\.\d+$/, '.0')}/24 via ${uplink[0]}`,
      `route add ${node[0].replace('.0.1', '.1.0')}/24 via ${uplink[0]}`,
      `route add ${node[1].replace('::1', '::')}/32 via ${uplink[1]}`,
      ...(name === 'n1'
        ? [`route add ${balanced[0]} via ${uplink[0]}`, `route add ${balanced[1]} via ${uplink[1]}`]
        : []),
    ]),
    { netns: router },
  )
}

/** Leaves the router with routes to nodes alone, as a fabric that knows no pods. */
export async function forgetPods(router: string): Promise<void> {
  await ipBatch(
    sites.flatMap(({ node, uplink }) => [
      `route delete ${node[0].replace('.0.1', '.1.0')}/24`,
      `route add ${node[1]}/128 via ${uplink[1]}`,
      `route delete ${node[1].replace('::1', '::')}/32`,
    ]),
    { netns: router },
  )
}

/** Frames that XDP sends back into a veth vanish unless its other end has a program too: one that lets all pass. */
export function takeFrames(router: string): () => Promise<void> {
  const object = loadObject(compiled('basics'))
  const links = sites.map((_, at) =>
    object.programs.get('xdp_pass')!.attachXdp(ifindexIn(router, routerDevice(at)), 'native', { netns: router }),
  )
  return async () => {
    for (const link of links) link.close()
    object.close()
  }
}

export const routerDevice = (at: number): string => `r${at + 1}`
