import type { CiliumDirectionRule, CiliumPeers, CiliumPolicyFact, CiliumRule } from '../event/cilium.js'
import type { ClusterPolicyFact, ClusterPolicyPeer, ClusterPolicyRule } from '../event/cluster-policy.js'
import type { NetworkPolicyFact, NetworkPolicyRule } from '../event/event.js'
import { compilePeers, type CompileContext } from '../policy/cilium/peers.js'
import { subjectOf } from '../policy/cilium/policy.js'
import { peersOf, podsOf } from '../policy/cluster-policy.js'
import { canonicalSelector } from '../policy/match.js'
import { compilePeer } from '../policy/networkpolicy.js'
import { inNamespace } from '../policy/requirements.js'
import type { Direction, PeerSelector, Rule } from '../policy/rule.js'
import type { LabelSelector } from '../policy/selector.js'
import type { ClusterState } from '../state/state.js'
import type { PolicyFact } from '../event/policy-fact.js'
import { cidrScope } from '../verdict/dialects.js'

/** A peer where its author wrote it, and what it compiles to. */
export interface WrittenPeer {
  /** `spec.ingress[0].from[1]`, `spec.egress[0].toCIDRSet[0]` */
  readonly path: string
  readonly kind: 'pods' | 'nodes' | 'block' | 'group' | 'entity' | 'service' | 'names'
  readonly selectors: readonly PeerSelector[]
  /** As many words as it takes to know it again; for kinds without a selector. */
  readonly text: string
}

/** An entry of a section. */
export interface WrittenRule {
  readonly path: string
  readonly direction: Direction
  readonly action: Rule['action']
  /** `unsaid`: no list of peers, which is everybody; in a Cilium rule without ports, nobody. */
  readonly peers: 'unsaid' | readonly WrittenPeer[]
}

/** One subject with what is said of it: a policy, or one of a Cilium policy's specs. */
export interface WrittenPart {
  /** `spec.podSelector` */
  readonly path: string
  readonly of: 'pods' | 'nodes'
  readonly selector: LabelSelector
  readonly rules: readonly WrittenRule[]
}

/** A policy in force, as far as possible as it is written. */
export type WrittenPolicy = PolicyFact & {
  /** `NetworkPolicy shop/web` */
  readonly title: string
  readonly seq: number
  readonly parts: readonly WrittenPart[]
}

/** Every policy in force. */
export function* writtenPolicies(state: ClusterState): Iterable<WrittenPolicy> {
  for (const { fact, seq } of state.policies.values())
    yield { dialect: 'kubernetes', fact, seq, title: titleOf('NetworkPolicy', fact), parts: [kubernetesPart(fact)] }
  const context = { services: state.services, cidrScope: cidrScope(state.agent?.fact.cidrMatch) }
  for (const { fact, seq } of state.ciliumPolicies.values()) {
    const parts = fact.rules.map(rule => ciliumPart(rule, fact, context))
    yield { dialect: 'cilium', fact, seq, title: titleOf(fact.kind, fact), parts }
  }
  for (const { fact, seq } of state.clusterPolicies.values())
    yield { dialect: 'cluster', fact, seq, title: `${fact.kind} ${fact.name}`, parts: [clusterPart(fact)] }
}

const titleOf = (kind: string, { namespace, name }: { readonly namespace: string; readonly name: string }): string =>
  `${kind} ${namespace === '' ? '' : `${namespace}/`}${name}`

const directions: readonly Direction[] = ['ingress', 'egress']
const sideOf = (direction: Direction): 'from' | 'to' => (direction === 'ingress' ? 'from' : 'to')

function kubernetesPart(fact: NetworkPolicyFact): WrittenPart {
  const ruleOf = (direction: Direction, { peers }: NetworkPolicyRule, index: number): WrittenRule => {
    const path = `spec.${direction}[${index}]`
    const written = peers.map(
      (peer, at): WrittenPeer => ({
        path: `${path}.${sideOf(direction)}[${at}]`,
        kind: peer.kind === 'ipBlock' ? 'block' : 'pods',
        selectors: [compilePeer(peer, fact.namespace)],
        text: peer.kind === 'ipBlock' ? peer.cidr : '',
      }),
    )
    return { path, direction, action: 'allow', peers: peers.length === 0 ? 'unsaid' : written }
  }
  return {
    path: 'spec.podSelector',
    of: 'pods',
    selector: canonicalSelector([inNamespace(fact.namespace), ...fact.podSelector]),
    rules: directions
      .filter(direction => fact.policyTypes.includes(direction))
      .flatMap(direction => fact[direction].map((rule, index) => ruleOf(direction, rule, index))),
  }
}

function ciliumPart(rule: CiliumRule, { namespace }: CiliumPolicyFact, context: CompileContext): WrittenPart {
  const ofNodes = rule.subject.kind === 'nodes'
  const ruleOf = (direction: Direction, action: Rule['action'], entry: CiliumDirectionRule): WrittenRule => {
    const { path, peers } = entry
    const written = peers === undefined ? 'unsaid' : ciliumPeers(peers, path, direction, namespace, context)
    return { path, direction, action, peers: written }
  }
  return {
    path: `${rule.path}.${ofNodes ? 'nodeSelector' : 'endpointSelector'}`,
    of: ofNodes ? 'nodes' : 'pods',
    selector: subjectOf(rule, namespace),
    rules: directions.flatMap(direction => [
      ...(rule[direction] ?? []).map(entry => ruleOf(direction, 'allow', entry)),
      ...(rule[`${direction}Deny`] ?? []).map(entry => ruleOf(direction, 'deny', entry)),
    ]),
  }
}

function ciliumPeers(
  peers: CiliumPeers,
  rulePath: string,
  direction: Direction,
  namespace: string,
  context: CompileContext,
): readonly WrittenPeer[] {
  const list = (name: string, at: number): string => `${rulePath}.${sideOf(direction)}${name}[${at}]`
  const compiled = (one: CiliumPeers): readonly PeerSelector[] => {
    const selectors = compilePeers(one, namespace, context)
    return selectors === 'any' ? [] : selectors
  }
  switch (peers.kind) {
    case 'endpoints':
      return peers.selectors.map((selector, at) => ({
        path: list('Endpoints', at),
        kind: 'pods',
        selectors: compiled({ kind: 'endpoints', selectors: [selector] }),
        text: '',
      }))
    case 'nodes':
      return peers.selectors.map((selector, at) => ({
        path: list('Nodes', at),
        kind: 'nodes',
        selectors: compiled({ kind: 'nodes', selectors: [selector] }),
        text: '',
      }))
    case 'cidrs': {
      // A plain CIDR and a CIDRSet of blocks without holes are one to the fact: the list is named as a whole.
      const isSet = peers.cidrs.some(source => source.kind !== 'cidr' || source.except.length > 0)
      return peers.cidrs.map((source, at) => ({
        path: isSet ? list('CIDRSet', at) : rulePath,
        kind: source.kind === 'cidr' ? 'block' : 'group',
        selectors: compiled({ kind: 'cidrs', cidrs: [source] }),
        text: source.kind === 'cidr' ? source.cidr : source.kind === 'group' ? source.name : '',
      }))
    }
    case 'entities':
      return peers.entities.map(entity => ({
        path: `${rulePath}.${sideOf(direction)}Entities`,
        kind: 'entity',
        selectors: compiled({ kind: 'entities', entities: [entity] }),
        text: entity,
      }))
    case 'services':
      return peers.services.map(reference => ({
        path: `${rulePath}.toServices`,
        kind: 'service',
        selectors: compiled({ kind: 'services', services: [reference] }),
        text: reference.kind === 'name' ? `${reference.namespace}/${reference.name}` : '',
      }))
    case 'fqdns':
      return peers.fqdns.map((fqdn, at) => ({
        path: list('FQDNs', at),
        kind: 'names',
        selectors: compiled({ kind: 'fqdns', fqdns: [fqdn] }),
        text: 'name' in fqdn ? fqdn.name : fqdn.pattern,
      }))
  }
}

const actions = { accept: 'allow', deny: 'deny', pass: 'pass' } as const
const clusterKinds = {
  namespaces: 'pods',
  pods: 'pods',
  nodes: 'nodes',
  networks: 'block',
  domainNames: 'names',
} as const

function clusterPart(fact: ClusterPolicyFact): WrittenPart {
  const peerOf = (peer: ClusterPolicyPeer, path: string): WrittenPeer => ({
    path,
    kind: clusterKinds[peer.kind],
    selectors: peersOf(peer),
    text: peer.kind === 'networks' ? peer.cidrs.join(', ') : peer.kind === 'domainNames' ? peer.names.join(', ') : '',
  })
  const ruleOf = (direction: Direction, { path, action, peers }: ClusterPolicyRule): WrittenRule => ({
    path,
    direction,
    action: actions[action],
    peers: peers.map((peer, at) => peerOf(peer, `${path}.${sideOf(direction)}[${at}]`)),
  })
  return {
    path: 'spec.subject',
    of: 'pods',
    selector: podsOf(fact.subject),
    rules: directions.flatMap(direction => fact[direction].map(rule => ruleOf(direction, rule))),
  }
}
