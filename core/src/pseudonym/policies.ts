import type {
  CiliumDirectionRule,
  CiliumPeers,
  CiliumPolicyFact,
  CiliumPortRule,
  CiliumRule,
  CidrSource,
  ServiceReference,
} from '../event/cilium.js'
import type {
  ClusterPolicyFact,
  ClusterPolicyPeer,
  ClusterPolicyRule,
  NamespacedPods,
} from '../event/cluster-policy.js'
import type {
  NetworkPolicyFact,
  NetworkPolicyPeer,
  NetworkPolicyPort,
  NetworkPolicyRule,
  PolicyRemarks,
} from '../event/event.js'
import { otherL7, otherProxyParts } from './l7.js'
import type { Pseudonyms } from './pseudonyms.js'

export function otherNetworkPolicy(fact: NetworkPolicyFact, to: Pseudonyms): NetworkPolicyFact {
  const { spelling } = fact
  return {
    ...remarks(fact),
    namespace: to.words.namespace(fact.namespace),
    name: to.words.objectName(fact.name),
    podSelector: to.selector(fact.podSelector),
    policyTypes: fact.policyTypes,
    ingress: fact.ingress.map(rule => otherRule(rule, to)),
    egress: fact.egress.map(rule => otherRule(rule, to)),
    ...(spelling !== undefined && { spelling: spelling.map(({ kind, path }) => ({ kind, path })) }),
  }
}

/** What an author says of findings to be left out is nobody else's matter. */
const remarks = ({ staged }: PolicyRemarks): PolicyRemarks => (staged === undefined ? {} : { staged })

const otherRule = ({ peers, ports }: NetworkPolicyRule, to: Pseudonyms): NetworkPolicyRule => ({
  peers: peers.map(peer => otherPeer(peer, to)),
  ports: ports.map(port => otherPort(port, to)),
})

function otherPeer(peer: NetworkPolicyPeer, to: Pseudonyms): NetworkPolicyPeer {
  if (peer.kind === 'ipBlock') return { kind: 'ipBlock', ...otherBlock(peer, to) }
  const { namespaceSelector, podSelector } = peer
  return {
    kind: 'pods',
    ...(namespaceSelector !== undefined && { namespaceSelector: to.selector(namespaceSelector) }),
    ...(podSelector !== undefined && { podSelector: to.selector(podSelector) }),
  }
}

const otherPort = ({ protocol, port, endPort }: NetworkPolicyPort, to: Pseudonyms): NetworkPolicyPort => ({
  protocol,
  ...(port !== undefined && { port: typeof port === 'number' ? port : to.words.word(port) }),
  ...(endPort !== undefined && { endPort }),
})

interface Block {
  readonly cidr: string
  readonly except: readonly string[]
}

const otherBlock = ({ cidr, except }: Block, to: Pseudonyms): Block => ({
  cidr: to.addresses.of(cidr),
  except: except.map(hole => to.addresses.of(hole)),
})

interface Named {
  readonly name: string
  readonly protocol: number
}

const otherNamed = (named: readonly Named[], to: Pseudonyms): readonly Named[] =>
  named.map(({ name, protocol }) => ({ name: to.words.word(name), protocol }))

export function otherClusterPolicy(fact: ClusterPolicyFact, to: Pseudonyms): ClusterPolicyFact {
  const { kind, tier, priority } = fact
  return {
    ...remarks(fact),
    kind,
    name: to.words.objectName(fact.name),
    tier,
    priority,
    subject: otherPods(fact.subject, to),
    ingress: fact.ingress.map(rule => otherClusterRule(rule, to)),
    egress: fact.egress.map(rule => otherClusterRule(rule, to)),
  }
}

const otherPods = (pods: NamespacedPods, to: Pseudonyms): NamespacedPods =>
  pods.kind === 'namespaces'
    ? { kind: 'namespaces', selector: to.selector(pods.selector) }
    : {
        kind: 'pods',
        namespaceSelector: to.selector(pods.namespaceSelector),
        podSelector: to.selector(pods.podSelector),
      }

function otherClusterRule({ path, name, action, peers, ports }: ClusterPolicyRule, to: Pseudonyms): ClusterPolicyRule {
  return {
    path,
    ...(name !== undefined && { name: to.words.word(name) }),
    action,
    peers: peers.map(peer => otherClusterPeer(peer, to)),
    ...(ports !== undefined && { ports: { ranges: ports.ranges, named: otherNamed(ports.named, to) } }),
  }
}

function otherClusterPeer(peer: ClusterPolicyPeer, to: Pseudonyms): ClusterPolicyPeer {
  switch (peer.kind) {
    case 'namespaces':
    case 'pods':
      return otherPods(peer, to)
    case 'nodes':
      return { kind: 'nodes', selector: to.selector(peer.selector) }
    case 'networks':
      return { kind: 'networks', cidrs: peer.cidrs.map(cidr => to.addresses.of(cidr)) }
    case 'domainNames':
      return { kind: 'domainNames', names: peer.names.map(name => to.words.domain(name)) }
  }
}

export function otherCiliumPolicy(fact: CiliumPolicyFact, to: Pseudonyms): CiliumPolicyFact {
  return {
    ...remarks(fact),
    kind: fact.kind,
    namespace: to.words.namespace(fact.namespace),
    name: to.words.objectName(fact.name),
    rules: fact.rules.map(rule => otherCiliumRule(rule, to)),
  }
}

/** What a rule says of itself, and for whom it writes flow logs, is left out. */
function otherCiliumRule(rule: CiliumRule, to: Pseudonyms): CiliumRule {
  const { path, subject, enableDefaultDeny } = rule
  const sections = (['ingress', 'ingressDeny', 'egress', 'egressDeny'] as const).flatMap(section => {
    const rules = rule[section]
    return rules === undefined ? [] : [[section, rules.map(each => otherDirectionRule(each, to))] as const]
  })
  return {
    path,
    subject: { kind: subject.kind, selector: to.selector(subject.selector) },
    enableDefaultDeny,
    ...Object.fromEntries(sections),
  }
}

function otherDirectionRule(rule: CiliumDirectionRule, to: Pseudonyms): CiliumDirectionRule {
  const { path, peers, ports, icmps, authentication } = rule
  return {
    path,
    ...(peers !== undefined && { peers: otherPeers(peers, to) }),
    ...(ports !== undefined && { ports: ports.map(port => otherPortRule(port, to)) }),
    ...(icmps !== undefined && { icmps }),
    ...(authentication !== undefined && { authentication }),
  }
}

const otherPortRule = (rule: CiliumPortRule, to: Pseudonyms): CiliumPortRule => ({
  ranges: rule.ranges,
  named: otherNamed(rule.named, to),
  ...(rule.l7 !== undefined && { l7: otherL7(rule.l7, to) }),
  ...otherProxyParts(rule, to),
})

function otherPeers(peers: CiliumPeers, to: Pseudonyms): CiliumPeers {
  switch (peers.kind) {
    case 'endpoints':
    case 'nodes':
      return { kind: peers.kind, selectors: peers.selectors.map(selector => to.selector(selector)) }
    case 'cidrs':
      return { kind: 'cidrs', cidrs: peers.cidrs.map(source => otherSource(source, to)) }
    case 'entities':
      return peers
    case 'services':
      return { kind: 'services', services: peers.services.map(service => otherReference(service, to)) }
    case 'fqdns':
      return { kind: 'fqdns', fqdns: peers.fqdns.flatMap(fqdn => to.fqdn(fqdn)) }
  }
}

function otherSource(source: CidrSource, to: Pseudonyms): CidrSource {
  const except = source.except.map(hole => to.addresses.of(hole))
  switch (source.kind) {
    case 'cidr':
      return { kind: 'cidr', cidr: to.addresses.of(source.cidr), except }
    case 'group':
      return { kind: 'group', name: to.words.objectName(source.name), except }
    case 'groups':
      return { kind: 'groups', selector: to.selector(source.selector), except }
  }
}

const otherReference = (reference: ServiceReference, to: Pseudonyms): ServiceReference => ({
  ...(reference.kind === 'name'
    ? { kind: 'name', name: to.words.objectName(reference.name) }
    : { kind: 'selector', selector: to.selector(reference.selector) }),
  namespace: to.words.namespace(reference.namespace),
})
