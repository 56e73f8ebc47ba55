import { canonicalBlock } from '../policy/requirements.js'
import type { ClusterState } from '../state/state.js'
import type { MasqueradeRow, NonMasqueradeRow } from '../tables/egress-rows.js'
import { firstOf } from './gateways.js'

const linkLocal = { ipv4: '169.254.0.0/16', ipv6: 'fe80::/10' } as const

/** Which destinations see pods' own addresses, besides all pods and nodes that are known by address. */
export function nonMasqueradeRows({ agent, ipMasq, nodes }: ClusterState): readonly NonMasqueradeRow[] {
  const { masquerade = [], nativeRoutingCidrs = [] } = agent?.fact ?? {}
  if (masquerade.length === 0) return []
  const rows = new Map<string, NonMasqueradeRow>()
  const add = (text: string, why: string): void => {
    const prefix = canonicalBlock(text)
    if (!rows.has(prefix)) rows.set(prefix, { prefix, why })
  }
  for (const cidr of nativeRoutingCidrs) add(cidr, 'native routing')
  for (const cidr of ipMasq?.fact.nonMasqueradeCidrs ?? []) add(cidr, 'ip-masq')
  if (ipMasq?.fact.masqLinkLocal === false) add(linkLocal.ipv4, 'link-local')
  if (ipMasq?.fact.masqLinkLocalIpv6 === false) add(linkLocal.ipv6, 'link-local')
  for (const name of [...nodes.keys()].sort())
    for (const cidr of nodes.get(name)!.fact.podCidrs) add(cidr, `pods of ${name}`)
  return [...rows.values()]
}

/** Where pods' traffic leaves under which addresses. */
export function masqueradeRows({ agent, devices }: ClusterState): readonly MasqueradeRow[] {
  const { masquerade = [] } = agent?.fact ?? {}
  if (masquerade.length === 0) return []
  return (devices?.fact ?? [])
    .filter(({ isOwn }) => isOwn)
    .map(device => ({
      ifindex: device.ifindex,
      ifname: device.ifname,
      ...(masquerade.includes('ipv4') && { ipv4: firstOf(device, 4) }),
      ...(masquerade.includes('ipv6') && { ipv6: firstOf(device, 6) }),
    }))
}
