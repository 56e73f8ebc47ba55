import type {
  CidrGroupFact,
  CidrSource,
  CiliumDirectionRule,
  CiliumPeers,
  CiliumPolicyFact,
  CiliumRule,
  ServiceReference,
} from '../event/cilium.js'
import { type PortRange, protocolNumbers } from '../policy/rule.js'
import { writtenFqdn, writtenPortRule } from './cilium-ports.js'
import { policyMetadata } from './metadata.js'
import { writtenSelector } from './selector.js'
import { listField, type Written, type WrittenObject } from './written.js'

/** cilium.io/v2 CiliumNetworkPolicy and CiliumClusterwideNetworkPolicy. */
export function writtenCiliumPolicy(fact: CiliumPolicyFact): WrittenObject {
  const { kind, namespace, name, rules } = fact
  const hasSpec = rules[0]?.path === 'spec'
  return {
    apiVersion: 'cilium.io/v2',
    kind,
    metadata: policyMetadata(name, namespace, fact),
    ...(hasSpec && { spec: writtenRule(rules[0]!) }),
    ...listField('specs', rules.slice(hasSpec ? 1 : 0).map(writtenRule)),
  }
}

/** cilium.io/v2 CiliumCIDRGroup. */
export const writtenCidrGroup = ({ name, labels, cidrs }: CidrGroupFact): WrittenObject => ({
  apiVersion: 'cilium.io/v2',
  kind: 'CiliumCIDRGroup',
  metadata: { name, ...(Object.keys(labels).length > 0 && { labels }) },
  spec: { externalCIDRs: cidrs },
})

const sections = ['ingress', 'ingressDeny', 'egress', 'egressDeny'] as const

function writtenRule(rule: CiliumRule): Written {
  const { subject, description, enableDefaultDeny, logValue, labels = [] } = rule
  const given = sections.filter(section => rule[section] !== undefined)
  return {
    ...(description !== undefined && { description }),
    [subject.kind === 'endpoints' ? 'endpointSelector' : 'nodeSelector']: writtenSelector(subject.selector),
    ...(Object.keys(enableDefaultDeny).length > 0 && { enableDefaultDeny }),
    // One section has to be there; an empty one says nothing.
    ...(given.length === 0 && { ingress: [] }),
    ...Object.fromEntries(
      given.map(section => [section, rule[section]!.map(directionRule(section.startsWith('ingress') ? 'from' : 'to'))]),
    ),
    ...(logValue !== undefined && { log: { value: logValue } }),
    ...listField('labels', labels.map(label)),
  }
}

const directionRule =
  (prefix: 'from' | 'to') =>
  ({ peers, ports, icmps, authentication }: CiliumDirectionRule): Written => ({
    ...(peers !== undefined && writtenPeers(prefix, peers)),
    ...(ports !== undefined && { toPorts: ports.flatMap(writtenPortRule) }),
    ...(icmps !== undefined && { icmps: writtenIcmps(icmps) }),
    ...(authentication !== undefined && { authentication: { mode: authentication } }),
  })

function writtenPeers(prefix: 'from' | 'to', peers: CiliumPeers): Written {
  switch (peers.kind) {
    case 'endpoints':
      return { [`${prefix}Endpoints`]: peers.selectors.map(writtenSelector) }
    case 'nodes':
      return { [`${prefix}Nodes`]: peers.selectors.map(writtenSelector) }
    case 'entities':
      return { [`${prefix}Entities`]: peers.entities }
    case 'cidrs':
      return { [`${prefix}CIDRSet`]: peers.cidrs.map(writtenCidr) }
    case 'services':
      return { toServices: peers.services.map(service) }
    case 'fqdns':
      return { toFQDNs: peers.fqdns.map(writtenFqdn) }
  }
}

function writtenCidr(source: CidrSource): Written {
  const block =
    source.kind === 'cidr'
      ? { cidr: source.cidr }
      : source.kind === 'group'
        ? { cidrGroupRef: source.name }
        : { cidrGroupSelector: writtenSelector(source.selector) }
  return { ...block, ...listField('except', source.except) }
}

function service(reference: ServiceReference): Written {
  const { namespace } = reference
  if (reference.kind === 'name') return { k8sService: { namespace, serviceName: reference.name } }
  const selector = writtenSelector(reference.selector)
  return { k8sServiceSelector: { ...(namespace !== '' && { namespace }), selector } }
}

/** Every code of each type; more than forty types take more than one entry. */
function writtenIcmps(ranges: readonly PortRange[]): readonly Written[] {
  const fields = ranges.flatMap(({ protocol, first, last }) => {
    const family = protocol === protocolNumbers.ICMP ? 'IPv4' : 'IPv6'
    const types = Array.from({ length: (last >> 8) - (first >> 8) + 1 }, (_, at) => (first >> 8) + at)
    return types.map(type => ({ family, type }))
  })
  return Array.from({ length: Math.ceil(fields.length / 40) }, (_, at) => ({
    fields: fields.slice(at * 40, (at + 1) * 40),
  }))
}

/** `source:key=value` */
function label(text: string): Written {
  const [, source = '', key = '', value = ''] = /^([^:]*):([^=]*)(?:=(.*))?$/s.exec(text) ?? []
  return { key, ...(source !== 'unspec' && { source }), ...(value !== '' && { value }) }
}
