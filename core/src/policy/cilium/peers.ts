import type { CidrSource, CiliumPeers, Entity, FqdnSelector, ServiceReference } from '../../event/cilium.js'
import { derivedKeys } from '../../identity/labels.js'
import { placeKeys } from '../../identity/node-labels.js'
import { reservedLabel } from '../../identity/reserved.js'
import { objectKey, type ClusterState } from '../../state/state.js'
import { type AddressSource, apiServerEndpoints } from '../address-source.js'
import { canonicalSelector, matchesSelector } from '../match.js'
import { canonicalBlock, canonicalHoles, having, inAnyNamespace, inNamespace, nodesWith } from '../requirements.js'
import type { AddressScope, PeerSelector, Rule } from '../rule.js'
import type { LabelSelector, Requirement } from '../selector.js'

/** What compiling reads besides the policy. */
export interface CompileContext {
  readonly services: ClusterState['services']
  /** Whom CIDR peers match. */
  readonly cidrScope: AddressScope
}

/**
 * Who peers are.
 * @param namespace of the policy; '' for a clusterwide one
 */
export function compilePeers(peers: CiliumPeers, namespace: string, context: CompileContext): Rule['peers'] {
  switch (peers.kind) {
    case 'endpoints':
      return peers.selectors.map(selector => endpointPeer(selector, namespace))
    case 'cidrs':
      return peers.cidrs.map(cidr => cidrPeer(cidr, context.cidrScope))
    case 'entities':
      return peers.entities.includes('all') ? 'any' : peers.entities.flatMap(entityPeers)
    case 'nodes':
      return peers.selectors.map(selector => labelled(nodesWith(selector)))
    case 'services':
      return peers.services.flatMap(reference => servicePeers(reference, context.services))
    case 'fqdns':
      return peers.fqdns.map(fqdnPeer)
  }
}

const labelled = (selector: LabelSelector): PeerSelector => ({ kind: 'labels', selector })

export const addressSet = (
  source: AddressSource,
  scope: AddressScope,
  except: readonly string[] = [],
): PeerSelector => ({
  kind: 'set',
  source,
  cidrs: [],
  except,
  scope,
})

/** Addresses of the API server, whoever else they belong to. */
const apiServer = addressSet(apiServerEndpoints, 'any')

/**
 * Pods of the policy's namespace, or of those that the selector names by itself; of every namespace in a clusterwide
 * policy. One that asks for a reserved label means who has it, and that is no pod.
 */
function endpointPeer(selector: LabelSelector, namespace: string): PeerSelector {
  if (selector.some(asksReserved)) {
    const isApiServer = selector.length === 1 && selector[0]!.key === reservedLabel('kube-apiserver')
    return isApiServer ? apiServer : labelled(canonicalSelector(selector))
  }
  const place = namespace === '' || selector.some(namesNamespace) ? inAnyNamespace : inNamespace(namespace)
  return labelled(canonicalSelector([place, ...selector]))
}

const asksReserved = ({ key, operator }: Requirement): boolean =>
  key.startsWith('reserved:') && (operator === 'In' || operator === 'Exists')

const namesNamespace = ({ key }: Requirement): boolean =>
  key === derivedKeys.namespace || key.startsWith(derivedKeys.namespaceLabels)

function cidrPeer(source: CidrSource, scope: AddressScope): PeerSelector {
  const except = canonicalHoles(source.except)
  switch (source.kind) {
    case 'cidr':
      return { kind: 'cidr', cidr: canonicalBlock(source.cidr), except, scope }
    case 'group':
      return addressSet({ kind: 'group', name: source.name }, scope, except)
    case 'groups':
      return addressSet({ kind: 'groups', selector: canonicalSelector(source.selector) }, scope, except)
  }
}

function entityPeers(entity: Entity): readonly PeerSelector[] {
  switch (entity) {
    case 'cluster':
      // Pods that nobody has told of yet have no namespace.
      return [
        labelled([inAnyNamespace]),
        labelled(having(reservedLabel('init'))),
        labelled(having(placeKeys.node)),
        apiServer,
      ]
    case 'kube-apiserver':
      return [apiServer]
    case 'all':
    case 'none':
      return []
    default:
      return [labelled(having(reservedLabel(entity)))]
  }
}

const fqdnPeer = (fqdn: FqdnSelector): PeerSelector =>
  addressSet('name' in fqdn ? { kind: 'name', name: fqdn.name } : { kind: 'pattern', pattern: fqdn.pattern }, 'outside')

/** With a selector the pods that it selects; without one the addresses of its endpoints, where outside the cluster. */
function servicePeers(reference: ServiceReference, services: ClusterState['services']): readonly PeerSelector[] {
  const found =
    reference.kind === 'name'
      ? [services.get(objectKey(reference.namespace, reference.name))?.fact]
      : [...services.values()]
          .map(({ fact }) => fact)
          .filter(fact => reference.namespace === '' || fact.namespace === reference.namespace)
          .filter(fact => matchesSelector(reference.selector, new Map(Object.entries(fact.labels ?? {}))))
  return found.flatMap(service => {
    if (service === undefined || service.type === 'ExternalName') return []
    const { namespace, name, selector } = service
    const asked = Object.entries(selector)
    if (asked.length === 0) return [addressSet({ kind: 'endpoints', namespace, service: name }, 'outside')]
    const labels = asked.map(([key, value]) => ({ key, operator: 'In', values: [value] }) as const)
    return [labelled(canonicalSelector([inNamespace(namespace), ...labels]))]
  })
}
