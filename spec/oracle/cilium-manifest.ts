import type {
  CidrSource,
  CiliumDirectionRule,
  CiliumPeers,
  CiliumPolicyFact,
  CiliumPortRule,
  CiliumRule,
  Entity,
  L7Rules,
  ServiceReference,
} from '@weir/core/event/cilium.js'
import type { Labels } from '@weir/core/event/event.js'
import type { PortRange } from '@weir/core/policy/rule.js'
import type { LabelSelector } from '@weir/core/policy/selector.js'
import { type RawSelector, selectorOf } from './manifest.js'

/* cilium.io/v2 policies as people write them. */

export interface RawCiliumPolicy {
  readonly apiVersion: 'cilium.io/v2'
  readonly kind: CiliumPolicyFact['kind']
  readonly metadata: { readonly name: string; readonly namespace?: string }
  readonly spec?: RawCiliumRule
  readonly specs?: readonly RawCiliumRule[]
}

export interface RawCiliumRule {
  readonly endpointSelector?: RawSelector
  readonly nodeSelector?: RawSelector
  readonly enableDefaultDeny?: { readonly ingress?: boolean; readonly egress?: boolean }
  readonly ingress?: readonly RawDirectionRule[]
  readonly ingressDeny?: readonly RawDirectionRule[]
  readonly egress?: readonly RawDirectionRule[]
  readonly egressDeny?: readonly RawDirectionRule[]
}

export interface RawDirectionRule {
  readonly fromEndpoints?: readonly RawSelector[]
  readonly toEndpoints?: readonly RawSelector[]
  readonly fromCIDR?: readonly string[]
  readonly toCIDR?: readonly string[]
  readonly fromCIDRSet?: readonly RawCidrRule[]
  readonly toCIDRSet?: readonly RawCidrRule[]
  readonly fromEntities?: readonly Entity[]
  readonly toEntities?: readonly Entity[]
  readonly fromNodes?: readonly RawSelector[]
  readonly toNodes?: readonly RawSelector[]
  readonly toServices?: readonly RawService[]
  readonly toFQDNs?: readonly ({ readonly matchName: string } | { readonly matchPattern: string })[]
  readonly toPorts?: readonly RawPortRule[]
  readonly icmps?: readonly { readonly fields: readonly RawIcmp[] }[]
  readonly authentication?: { readonly mode: NonNullable<CiliumDirectionRule['authentication']> }
}

export interface RawCidrRule {
  readonly cidr?: string
  readonly cidrGroupRef?: string
  readonly cidrGroupSelector?: RawSelector
  readonly except?: readonly string[]
}

export interface RawService {
  readonly k8sService?: { readonly serviceName: string; readonly namespace: string }
  /** Without a namespace, services of all of them. */
  readonly k8sServiceSelector?: { readonly selector: RawSelector; readonly namespace?: string }
}

export interface RawPortRule {
  readonly ports: readonly RawCiliumPort[]
  readonly rules?: {
    readonly http?: readonly { readonly path?: string; readonly method?: string }[]
    readonly kafka?: readonly { readonly topic: string }[]
    readonly dns?: readonly ({ readonly matchName: string } | { readonly matchPattern: string })[]
    readonly l7proto?: string
    readonly l7?: readonly Labels[]
  }
  readonly serverNames?: readonly string[]
  readonly listener?: { readonly name: string; readonly envoyConfig: { readonly kind: string; readonly name: string } }
  readonly terminatingTLS?: { readonly secret: { readonly name: string } }
}

export interface RawCiliumPort {
  /** A number or a name; absent only beside a protocol without ports. */
  readonly port?: string
  readonly protocol?: 'ANY' | 'TCP' | 'UDP' | 'SCTP' | 'VRRP' | 'IGMP'
  readonly endPort?: number
}

export interface RawIcmp {
  readonly family?: 'IPv4' | 'IPv6'
  readonly type: number | 'EchoRequest' | 'EchoReply' | 'DestinationUnreachable'
}

/** Reads a valid manifest. It is given what is valid: it refuses nothing. */
export function ciliumFromManifest({ kind, metadata, spec, specs }: RawCiliumPolicy): CiliumPolicyFact {
  return {
    kind,
    // A policy of a namespace that doesn't say which is one of `default`; a clusterwide one has none.
    namespace: kind === 'CiliumNetworkPolicy' ? (metadata.namespace ?? 'default') : '',
    name: metadata.name,
    rules: [
      ...(spec ? [ruleOf(spec, 'spec')] : []),
      ...(specs ?? []).map((rule, index) => ruleOf(rule, `specs[${index}]`)),
    ],
  }
}

function ruleOf(raw: RawCiliumRule, path: string): CiliumRule {
  return {
    path,
    subject: raw.nodeSelector
      ? { kind: 'nodes', selector: ciliumSelectorOf(raw.nodeSelector) }
      : { kind: 'endpoints', selector: ciliumSelectorOf(raw.endpointSelector ?? {}) },
    enableDefaultDeny: raw.enableDefaultDeny ?? {},
    ...sectionOf('ingress', raw.ingress, path),
    ...sectionOf('ingressDeny', raw.ingressDeny, path),
    ...sectionOf('egress', raw.egress, path),
    ...sectionOf('egressDeny', raw.egressDeny, path),
  }
}

/** An empty section is no section. */
function sectionOf(
  name: 'ingress' | 'ingressDeny' | 'egress' | 'egressDeny',
  entries: readonly RawDirectionRule[] | undefined,
  path: string,
): Partial<CiliumRule> {
  if (!entries || entries.length === 0) return {}
  return { [name]: entries.map((entry, index) => directionRuleOf(entry, `${path}.${name}[${index}]`)) }
}

function directionRuleOf(raw: RawDirectionRule, path: string): CiliumDirectionRule {
  const peers = peersOf(raw)
  const ports = raw.toPorts ?? []
  const icmps = (raw.icmps ?? []).flatMap(({ fields }) => fields.map(icmpRange))
  return {
    path,
    ...(peers && { peers }),
    ...(ports.length > 0 && { ports: ports.map(portRuleOf) }),
    ...(icmps.length > 0 && { icmps }),
    ...(raw.authentication && { authentication: raw.authentication.mode }),
  }
}

/** The one list of peers that is there. `[]` is there and holds nobody. */
function peersOf(raw: RawDirectionRule): CiliumPeers | undefined {
  const endpoints = raw.fromEndpoints ?? raw.toEndpoints
  if (endpoints) return { kind: 'endpoints', selectors: endpoints.map(ciliumSelectorOf) }
  const cidrs = raw.fromCIDR ?? raw.toCIDR
  if (cidrs) return { kind: 'cidrs', cidrs: cidrs.map(cidr => ({ kind: 'cidr', cidr: blockOf(cidr), except: [] })) }
  const cidrSet = raw.fromCIDRSet ?? raw.toCIDRSet
  if (cidrSet) return { kind: 'cidrs', cidrs: cidrSet.map(cidrSourceOf) }
  const entities = raw.fromEntities ?? raw.toEntities
  if (entities) return { kind: 'entities', entities }
  const nodes = raw.fromNodes ?? raw.toNodes
  if (nodes) return { kind: 'nodes', selectors: nodes.map(ciliumSelectorOf) }
  if (raw.toServices) return { kind: 'services', services: raw.toServices.flatMap(servicesOf) }
  if (raw.toFQDNs) return { kind: 'fqdns', fqdns: raw.toFQDNs.map(fqdnOf) }
  return undefined
}

/** An address alone is a block of one. */
function blockOf(text: string): string {
  if (text.includes('/')) return text
  return `${text}/${text.includes(':') ? 128 : 32}`
}

function cidrSourceOf({ cidr, cidrGroupRef, cidrGroupSelector, except }: RawCidrRule): CidrSource {
  const holes = except ?? []
  if (cidrGroupRef !== undefined) return { kind: 'group', name: cidrGroupRef, except: holes }
  if (cidrGroupSelector) return { kind: 'groups', selector: ciliumSelectorOf(cidrGroupSelector), except: holes }
  return { kind: 'cidr', cidr: blockOf(cidr ?? ''), except: holes }
}

function servicesOf({ k8sService, k8sServiceSelector }: RawService): readonly ServiceReference[] {
  return [
    ...(k8sService ? [{ kind: 'name' as const, namespace: k8sService.namespace, name: k8sService.serviceName }] : []),
    ...(k8sServiceSelector
      ? [
          {
            kind: 'selector' as const,
            namespace: k8sServiceSelector.namespace ?? '',
            selector: ciliumSelectorOf(k8sServiceSelector.selector),
          },
        ]
      : []),
  ]
}

const fqdnOf = (raw: { readonly matchName: string } | { readonly matchPattern: string }) =>
  'matchName' in raw ? { name: raw.matchName } : { pattern: raw.matchPattern }

const ported: Readonly<Record<string, readonly number[]>> = {
  ANY: [6, 17, 132],
  TCP: [6],
  UDP: [17],
  SCTP: [132],
  VRRP: [112],
  IGMP: [2],
}

function portRuleOf({ ports, rules, serverNames, listener, terminatingTLS: tls }: RawPortRule): CiliumPortRule {
  const l7 = l7Of(rules)
  return {
    ranges: ports.flatMap(rangesOf),
    named: ports.flatMap(namesOf),
    serverNames: serverNames ?? [],
    ...(l7 && { l7 }),
    ...(listener && {
      listener: { name: listener.name, config: `${listener.envoyConfig.kind}/${listener.envoyConfig.name}` },
    }),
    ...(tls && { tls: true, terminatingTls: { secret: { namespace: '', name: tls.secret.name } } }),
  }
}

const isName = (port: string | undefined): port is string => port !== undefined && !/^\d+$/.test(port)

/** Not said: any protocol that has ports. Port 0 is every port; a protocol without ports has no other. */
function rangesOf({ port, protocol, endPort }: RawCiliumPort): readonly PortRange[] {
  if (isName(port)) return []
  const first = Number(port ?? 0)
  const last = first === 0 ? 65535 : (endPort ?? first)
  return (ported[protocol ?? 'ANY'] ?? []).map(number => ({ protocol: number, first, last }))
}

function namesOf({ port, protocol }: RawCiliumPort): CiliumPortRule['named'] {
  return isName(port) ? (ported[protocol ?? 'ANY'] ?? []).map(number => ({ name: port, protocol: number })) : []
}

function l7Of(rules: RawPortRule['rules']): L7Rules | undefined {
  if (rules?.http) return { kind: 'http', http: rules.http.map(rule => ({ ...rule, headers: [], headerMatches: [] })) }
  if (rules?.kafka) return { kind: 'kafka', kafka: rules.kafka }
  if (rules?.dns) return { kind: 'dns', dns: rules.dns.map(fqdnOf) }
  if (rules?.l7proto !== undefined) return { kind: 'generic', protocol: rules.l7proto, rules: rules.l7 ?? [] }
  return undefined
}

const icmpNames = {
  IPv4: { EchoRequest: 8, EchoReply: 0, DestinationUnreachable: 3 },
  IPv6: { EchoRequest: 128, EchoReply: 129, DestinationUnreachable: 1 },
} as const

/** A type with all its codes. Not said: IPv4. */
function icmpRange({ family = 'IPv4', type }: RawIcmp): PortRange {
  const number = typeof type === 'number' ? type : icmpNames[family][type]
  return { protocol: family === 'IPv4' ? 1 : 58, first: number << 8, last: (number << 8) | 255 }
}

/** The sources `k8s:` and `any:` say nothing here: every label of a pod is one of Kubernetes. */
export function ciliumSelectorOf(raw: RawSelector): LabelSelector {
  const bare = (key: string): string => key.replace(/^(k8s|any):/, '')
  const matchLabels: Labels = Object.fromEntries(
    Object.entries(raw.matchLabels ?? {}).map(([key, value]) => [bare(key), value]),
  )
  const matchExpressions = (raw.matchExpressions ?? []).map(it => ({ ...it, key: bare(it.key) }))
  return selectorOf({ matchLabels, matchExpressions })
}
