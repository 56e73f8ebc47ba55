import type {
  Labels,
  NetworkPolicyFact,
  NetworkPolicyPeer,
  NetworkPolicyPort,
  NetworkPolicyRule,
} from '@weir/core/event/event.js'
import type { LabelSelector, Requirement } from '@weir/core/policy/selector.js'

/** A networking.k8s.io/v1 NetworkPolicy as people write it. `null` is YAML's empty value and means absent. */
export interface RawNetworkPolicy {
  readonly apiVersion: 'networking.k8s.io/v1'
  readonly kind: 'NetworkPolicy'
  readonly metadata: { readonly name: string; readonly namespace?: string }
  readonly spec: {
    readonly podSelector: RawSelector
    readonly policyTypes?: readonly ('Ingress' | 'Egress')[] | null
    readonly ingress?: readonly RawRule[] | null
    readonly egress?: readonly RawRule[] | null
  }
}

export interface RawSelector {
  readonly matchLabels?: Labels | null
  readonly matchExpressions?: readonly RawRequirement[] | null
}

export interface RawRequirement {
  readonly key: string
  readonly operator: Requirement['operator']
  readonly values?: readonly string[] | null
}

export interface RawRule {
  readonly from?: readonly RawPeer[] | null
  readonly to?: readonly RawPeer[] | null
  readonly ports?: readonly RawPort[] | null
}

export interface RawPeer {
  readonly podSelector?: RawSelector
  readonly namespaceSelector?: RawSelector
  readonly ipBlock?: { readonly cidr: string; readonly except?: readonly string[] | null }
}

export interface RawPort {
  readonly protocol?: 'TCP' | 'UDP' | 'SCTP'
  readonly port?: number | string
  readonly endPort?: number
}

/** Reads a valid manifest with the API's defaults. It is given what is valid: it refuses nothing. */
export function oracleFromManifest(raw: RawNetworkPolicy): NetworkPolicyFact {
  const { spec, metadata } = raw
  return {
    // Without a namespace, the one called `default`.
    namespace: metadata.namespace ?? 'default',
    name: metadata.name,
    podSelector: selectorOf(spec.podSelector),
    policyTypes: policyTypesOf(spec),
    ingress: (spec.ingress ?? []).map(rule => ruleOf(rule.from, rule.ports)),
    egress: (spec.egress ?? []).map(rule => ruleOf(rule.to, rule.ports)),
  }
}

/** Not said: ingress always, egress only when there is an egress rule. Said: exactly what is said. */
function policyTypesOf(spec: RawNetworkPolicy['spec']): NetworkPolicyFact['policyTypes'] {
  const said = spec.policyTypes ?? []
  if (said.length > 0)
    return (['ingress', 'egress'] as const).filter(type => said.some(word => word.toLowerCase() === type))
  return (spec.egress ?? []).length > 0 ? ['ingress', 'egress'] : ['ingress']
}

function ruleOf(
  peers: readonly RawPeer[] | null | undefined,
  ports: readonly RawPort[] | null | undefined,
): NetworkPolicyRule {
  return { peers: (peers ?? []).map(peerOf), ports: (ports ?? []).map(portOf) }
}

function peerOf({ ipBlock, podSelector, namespaceSelector }: RawPeer): NetworkPolicyPeer {
  if (ipBlock) return { kind: 'ipBlock', cidr: ipBlock.cidr, except: ipBlock.except ?? [] }
  return {
    kind: 'pods',
    ...(namespaceSelector && { namespaceSelector: selectorOf(namespaceSelector) }),
    ...(podSelector && { podSelector: selectorOf(podSelector) }),
  }
}

/** Not said: TCP. */
function portOf({ protocol, port, endPort }: RawPort): NetworkPolicyPort {
  return {
    protocol: protocol ?? 'TCP',
    ...(port !== undefined && { port }),
    ...(endPort !== undefined && { endPort }),
  }
}

/** `matchLabels` and `matchExpressions` are one conjunction. */
export function selectorOf(raw: RawSelector): LabelSelector {
  const labels = Object.entries(raw.matchLabels ?? {}).map(
    ([key, value]): Requirement => ({ key, operator: 'In', values: [value] }),
  )
  const expressions = (raw.matchExpressions ?? []).map(
    ({ key, operator, values }): Requirement => ({ key, operator, values: [...new Set(values ?? [])].sort() }),
  )
  return canonical([...labels, ...expressions])
}

function canonical(requirements: readonly Requirement[]): LabelSelector {
  const byText = new Map(requirements.map(it => [JSON.stringify([it.key, it.operator, it.values]), it]))
  return [...byText.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, requirement]) => requirement)
}
