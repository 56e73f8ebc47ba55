import type { CidrSource, CiliumPeers, Entity, ServiceReference } from '@weir/core/event/cilium.js'
import type { Labels } from '@weir/core/event/event.js'
import type { ServiceFact } from '@weir/core/event/service.js'
import type { LabelSelector, Requirement } from '@weir/core/policy/selector.js'
import { cidrContains, parseAddress } from './address.js'
import { nodeLabels } from './cluster.js'
import { addressesKnownBy, fqdnMatches } from './dns.js'
import { podLabels } from './labels.js'
import { selects } from './selector.js'
import { peerIsOwnNode, type Side } from './side.js'
import { trafficAddresses } from './slice.js'

/** Is the other end one of those that the rule talks about? A list that is there and empty is nobody. */
export function ciliumPeersMatch(side: Side, peers: CiliumPeers, policyNamespace: string): boolean {
  switch (peers.kind) {
    case 'endpoints':
      return peers.selectors.some(selector => endpointMatches(side, selector, policyNamespace))
    case 'cidrs':
      return peers.cidrs.some(source => cidrSourceMatches(side, source))
    case 'entities':
      return peers.entities.some(entity => entityMatches(side, entity))
    case 'nodes':
      return peers.selectors.some(selector => nodeMatches(side, selector))
    case 'services':
      return peers.services.some(reference => serviceMatches(side, reference))
    case 'fqdns':
      return peers.fqdns.some(fqdn =>
        isOutsideAt(
          side,
          addressesKnownBy(side.cluster, name => fqdnMatches(fqdn, name)),
        ),
      )
  }
}

/**
 * Pods only: nodes and the outside are no endpoints, whatever a selector doesn't ask for. A policy of a namespace means
 * the pods of that namespace, unless its selector says by itself which namespaces it means: by name or by their labels.
 * A selector that asks for a reserved label means whoever has it, in no namespace.
 */
function endpointMatches(side: Side, selector: LabelSelector, policyNamespace: string): boolean {
  const { cluster, peer } = side
  if (selector.some(asksForReserved)) return selects(selector, reservedLabels(side))
  if (peer.kind !== 'pod' || peer.pod.init) return false
  const confined = policyNamespace !== '' && !selector.some(({ key }) => speaksOfNamespaces(key))
  return (!confined || peer.pod.namespace === policyNamespace) && selects(selector, podLabels(cluster, peer.pod))
}

const asksForReserved = ({ key, operator }: Requirement): boolean =>
  key.startsWith('reserved:') && (operator === 'In' || operator === 'Exists')

/** What the other end is, as labels: the entities that one who is no pod belongs to, and a node's own labels. */
function reservedLabels(side: Side): Labels {
  const { cluster, peer } = side
  const single = ['world', 'world-ipv4', 'world-ipv6', 'host', 'remote-node', 'kube-apiserver', 'init'] as const
  const reserved = single.filter(entity => entityMatches(side, entity)).map(entity => [`reserved:${entity}`, ''])
  const own = peer.kind === 'node' ? Object.entries(nodeLabels(cluster, peer.node)) : []
  return Object.fromEntries([...own.map(([key, value]) => [`node:${key}`, value]), ...reserved])
}

function speaksOfNamespaces(key: string): boolean {
  return key === 'io.kubernetes.pod.namespace' || key.startsWith('io.cilium.k8s.namespace.labels.')
}

/** Any node by its labels, the subject's own and others. */
export function nodeMatches({ cluster, peer }: Side, selector: LabelSelector): boolean {
  return peer.kind === 'node' && selects(selector, nodeLabels(cluster, peer.node))
}

/** Blocks by themselves, or those of groups by name or labels. A hole is one in each block that the entry stands for. */
function cidrSourceMatches(side: Side, source: CidrSource): boolean {
  const groups = side.cluster.cidrGroups ?? []
  switch (source.kind) {
    case 'cidr':
      return blockMatches(side, source.cidr, source.except)
    case 'group':
      return groups
        .filter(group => group.name === source.name)
        .some(group => group.cidrs.some(cidr => blockMatches(side, cidr, source.except)))
    case 'groups':
      return groups
        .filter(group => selects(source.selector, group.labels))
        .some(group => group.cidrs.some(cidr => blockMatches(side, cidr, source.except)))
  }
}

/** Addresses outside the cluster: a pod or node inside the block is not meant, unless the agent is told so. */
function blockMatches(side: Side, cidr: string, except: readonly string[]): boolean {
  const address = parseAddress(side.peerAddress)
  return mayMatchBlocks(side) && cidrContains(cidr, address) && !except.some(hole => cidrContains(hole, address))
}

function mayMatchBlocks({ cluster, peer }: Side): boolean {
  const modes = cluster.agent?.cidrMatch ?? []
  if (peer.kind === 'outside') return true
  return modes.includes(peer.kind === 'pod' ? 'pods' : 'nodes')
}

/** Is the other end outside the cluster and at one of these addresses? */
export function isOutsideAt({ peer, peerAddress }: Side, addresses: readonly string[]): boolean {
  return peer.kind === 'outside' && addresses.includes(peerAddress)
}

/** The predefined peers. Whose node is "the host" depends on where the subject runs. */
function entityMatches(side: Side, entity: Entity): boolean {
  const { peer, peerAddress } = side
  switch (entity) {
    case 'all':
      return true
    case 'world':
      return peer.kind === 'outside'
    case 'world-ipv4':
      return peer.kind === 'outside' && !peerAddress.includes(':')
    case 'world-ipv6':
      return peer.kind === 'outside' && peerAddress.includes(':')
    case 'host':
      return peerIsOwnNode(side)
    case 'remote-node':
      return peer.kind === 'node' && !peerIsOwnNode(side)
    case 'kube-apiserver':
      return isApiServer(side)
    case 'cluster':
      return peer.kind !== 'outside' || isApiServer(side)
    case 'init':
      return peer.kind === 'pod' && peer.pod.init === true
    // Weir has no endpoints of these kinds.
    case 'health':
    case 'unmanaged':
    case 'ingress':
    case 'none':
      return false
  }
}

/** The API server is at the endpoints of the service `kubernetes` in `default`, be they a node, a pod or outside. */
function isApiServer({ cluster, peerAddress }: Side): boolean {
  return (cluster.slices ?? []).some(
    slice =>
      slice.namespace === 'default' && slice.service === 'kubernetes' && trafficAddresses(slice).includes(peerAddress),
  )
}

function serviceMatches(side: Side, reference: ServiceReference): boolean {
  return (side.cluster.services ?? [])
    .filter(service => reference.namespace === '' || service.namespace === reference.namespace)
    .filter(service =>
      reference.kind === 'name' ? service.name === reference.name : selects(reference.selector, service.labels ?? {}),
    )
    .some(service => isBehind(side, service))
}

/**
 * Behind a service with a selector are the pods of its namespace that it selects; behind one without, the addresses of
 * its endpoint slices, as far as they are outside the cluster. An ExternalName is a word only.
 */
function isBehind(side: Side, service: ServiceFact): boolean {
  if (service.type === 'ExternalName') return false
  const { peer } = side
  const wanted = Object.entries(service.selector)
  if (wanted.length > 0)
    return (
      peer.kind === 'pod' &&
      peer.pod.namespace === service.namespace &&
      wanted.every(([key, value]) => Object.hasOwn(peer.pod.labels, key) && peer.pod.labels[key] === value)
    )
  const slices = (side.cluster.slices ?? []).filter(
    slice => slice.namespace === service.namespace && slice.service === service.name,
  )
  return isOutsideAt(side, slices.flatMap(trafficAddresses))
}
