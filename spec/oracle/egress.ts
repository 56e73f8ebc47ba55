import { createHash } from 'node:crypto'
import type { EgressGateway, EgressGatewayPolicyFact } from '@weir/core/event/egress.js'
import type { NodeFact, PodFact } from '@weir/core/event/event.js'
import { cidrContains, parseAddress } from './address.js'
import { isLocal, namespaceLabels, nameOf, nodeLabels, nodeOf, type OracleCluster } from './cluster.js'
import { selects } from './selector.js'

/** What becomes of a packet that leaves the cluster, on the node of the agent. */
export type Leaving =
  | { readonly does: 'nothing' }
  | { readonly does: 'steer'; readonly to: string }
  | { readonly does: 'translate'; readonly to: string }
  | { readonly does: 'drop'; readonly for: 'no gateway' | 'no address' }

interface Found {
  readonly node: NodeFact
  readonly by: EgressGateway
}

const nothing: Leaving = { does: 'nothing' }

/** What egress gateway policies make of a packet with this source, by the facts alone. */
export function leavingOf(cluster: OracleCluster, source: string, destination: string): Leaving {
  if (isSix(source) !== isSix(destination) || cluster.agent === undefined) return nothing
  const [owner] = cluster.pods
    .filter(pod => !pod.hostNetwork && pod.addresses.includes(source) && concerns(cluster, pod))
    .sort((a, b) => rank(cluster, a) - rank(cluster, b) || (nameOf(a) < nameOf(b) ? -1 : 1))
  const policy = owner && policyFor(cluster, owner, destination)
  return policy === undefined ? nothing : outcome(cluster, owner!, policy, destination)
}

const rank = (cluster: OracleCluster, pod: PodFact): number => (isLocal(cluster, pod) ? 0 : 1)

/** Whether some policy about the pod concerns this node: it runs the pod, or is its gateway. */
function concerns(cluster: OracleCluster, pod: PodFact): boolean {
  const policies = selecting(cluster, pod)
  if (isLocal(cluster, pod)) return policies.length > 0
  return policies.some(policy => gatewayOf(cluster, pod, policy)?.node.name === here(cluster))
}

function outcome(cluster: OracleCluster, pod: PodFact, policy: EgressGatewayPolicyFact, destination: string): Leaving {
  const gateway = gatewayOf(cluster, pod, policy)
  const six = isSix(destination)
  if (gateway?.node.name === here(cluster) && gateway !== undefined) {
    const address = leaveWith(cluster, gateway.by, six)
    return address === undefined ? { does: 'drop', for: 'no address' } : { does: 'translate', to: address }
  }
  if (!isLocal(cluster, pod)) return nothing
  const own = (gateway?.node.addresses ?? []).filter(address => isSix(address) === six)
  const to = own.find(isPrivate) ?? own[0]
  return to === undefined ? { does: 'drop', for: 'no gateway' } : { does: 'steer', to }
}

/** The policy that takes the destination with the longest block, then the first by name. */
function policyFor(cluster: OracleCluster, pod: PodFact, destination: string): EgressGatewayPolicyFact | undefined {
  const taking = selecting(cluster, pod).flatMap(policy => {
    const taken = longest(policy.destinationCidrs, destination)
    const excluded = longest(policy.excludedCidrs, destination)
    return taken > excluded ? [{ policy, taken }] : []
  })
  taking.sort((a, b) => b.taken - a.taken || (a.policy.name < b.policy.name ? -1 : 1))
  return taking[0]?.policy
}

function longest(cidrs: readonly string[], destination: string): number {
  const there = cidrs.filter(cidr => cidrContains(cidr, parseAddress(destination)))
  return Math.max(-1, ...there.map(cidr => Number(cidr.slice(cidr.indexOf('/') + 1))))
}

function selecting(cluster: OracleCluster, pod: PodFact): readonly EgressGatewayPolicyFact[] {
  const own = Object.entries(pod.labels).filter(
    ([key]) => !key.startsWith('io.cilium.k8s.') && !key.startsWith('reserved:'),
  )
  // Of a pod whose labels aren't known yet none is there, nor its namespace's.
  const labels = pod.init
    ? { 'reserved:init': '' }
    : {
        ...Object.fromEntries(own),
        'io.kubernetes.pod.namespace': pod.namespace,
        'io.cilium.k8s.policy.serviceaccount': pod.serviceAccount,
        'io.cilium.k8s.policy.cluster': cluster.agent?.cluster ?? 'default',
      }
  const namespace = pod.init ? {} : namespaceLabels(cluster, pod.namespace)
  const node = nodeLabels(cluster, nodeOf(cluster, pod) ?? '')
  return (cluster.egressGateways ?? []).filter(({ selectors }) =>
    selectors.some(
      ({ podSelector = [], namespaceSelector = [], nodeSelector = [] }) =>
        selects(podSelector, labels) && selects(namespaceSelector, namespace) && selects(nodeSelector, node),
    ),
  )
}

/** Of a policy's gateways that there are the one whose name with the pod's has the highest SHA-256. */
function gatewayOf(cluster: OracleCluster, pod: PodFact, policy: EgressGatewayPolicyFact): Found | undefined {
  const nodes = [...cluster.nodes].sort((a, b) => (a.name < b.name ? -1 : 1))
  const found = policy.gateways.flatMap((by): Found[] => {
    const node = nodes.find(({ labels }) => selects(by.nodeSelector, labels))
    return node === undefined ? [] : [{ node, by }]
  })
  const hashOf = ({ node, by }: Found): string => {
    const fields = ['egress gateway', nameOf(pod), `${node.name} ${by.egressIp ?? by.interface ?? ''}`]
    return createHash('sha256')
      .update(fields.map(field => `${field.length}:${field}`).join(','))
      .digest('hex')
  }
  return found.sort((a, b) => (hashOf(a) < hashOf(b) ? 1 : hashOf(a) > hashOf(b) ? -1 : 0))[0]
}

function leaveWith(cluster: OracleCluster, by: EgressGateway, six: boolean): string | undefined {
  if (by.egressIp !== undefined) {
    const isThere = cluster.hasObserved !== true || (cluster.observed ?? []).includes(by.egressIp)
    return isThere && !six ? by.egressIp : undefined
  }
  const device = (cluster.devices ?? []).find(({ ifname, hasDefaultRoute }) =>
    by.interface === undefined ? hasDefaultRoute : ifname === by.interface,
  )
  return device?.addresses.find(address => isSix(address) === six)
}

const here = ({ agent }: OracleCluster): string | undefined => agent?.node

const isSix = (text: string): boolean => text.includes(':')

const privateBlocks = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', 'fc00::/7']
const isPrivate = (text: string): boolean => privateBlocks.some(cidr => cidrContains(cidr, parseAddress(text)))

/** Whether a pod's packet to a destination outside the cluster keeps its address, were this node's device to have one. */
export function keepsAddress(cluster: OracleCluster, destination: string): boolean {
  const { masquerade = [], nativeRoutingCidrs = [] } = cluster.agent ?? {}
  if (!masquerade.includes(isSix(destination) ? 'ipv6' : 'ipv4')) return true
  const { ipMasq, nodes } = cluster
  return [
    ...nativeRoutingCidrs,
    ...(ipMasq?.nonMasqueradeCidrs ?? []),
    ...(ipMasq?.masqLinkLocal === false ? ['169.254.0.0/16'] : []),
    ...(ipMasq?.masqLinkLocalIpv6 === false ? ['fe80::/10'] : []),
    ...nodes.flatMap(({ podCidrs }) => podCidrs),
  ].some(cidr => cidrContains(cidr, parseAddress(destination)))
}
