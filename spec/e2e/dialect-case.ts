import type { Line } from './semantics-cases.js'

/** A line of what policies mean, as manifests and what becomes of packets under them. */
export interface DialectCase {
  readonly title: string
  /** YAML documents. */
  readonly manifests: readonly string[]
  readonly passes?: readonly Line[]
  readonly fails?: readonly Line[]
  /** Lines that fail, the reason that the datapath gives, and the policy that it names. */
  readonly reasons?: readonly { readonly line: Line; readonly reason: string; readonly cause: string }[]
  /** Families to try; both unless the case is about one. */
  readonly families?: readonly (4 | 6)[]
}

const document = (apiVersion: string, kind: string, metadata: string, spec: string): string =>
  `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: {${metadata}}\nspec: ${spec}`

/** A CiliumNetworkPolicy of a namespace; its spec as YAML in flow style. */
export const cilium = (namespace: string, spec: string, name = 'p'): string =>
  document('cilium.io/v2', 'CiliumNetworkPolicy', `name: ${name}, namespace: ${namespace}`, spec)

/** A CiliumClusterwideNetworkPolicy. */
export const clusterwide = (spec: string, name = 'p'): string =>
  document('cilium.io/v2', 'CiliumClusterwideNetworkPolicy', `name: ${name}`, spec)

/** A CiliumCIDRGroup; its blocks and labels in flow style. */
export const group = (name: string, cidrs: string, labels: string): string =>
  document('cilium.io/v2', 'CiliumCIDRGroup', `name: ${name}, labels: ${labels}`, `{externalCIDRs: ${cidrs}}`)

/** A NetworkPolicy of a namespace. */
export const kubernetes = (namespace: string, spec: string, name = 'p'): string =>
  document('networking.k8s.io/v1', 'NetworkPolicy', `name: ${name}, namespace: ${namespace}`, spec)

/** A ClusterNetworkPolicy. */
export const tiered = (name: string, spec: string): string =>
  document('policy.networking.k8s.io/v1alpha2', 'ClusterNetworkPolicy', `name: ${name}`, spec)

/** A service, with its spec. */
export const service = (namespace: string, name: string, spec: string): string =>
  document('v1', 'Service', `name: ${name}, namespace: ${namespace}`, spec)

/** The endpoints of a service, a slice for each family. */
export const slices = (namespace: string, serviceName: string, addresses: readonly [string, string]): string =>
  addresses
    .map((address, at) =>
      [
        'apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice',
        `metadata: {name: ${serviceName}-${at}, namespace: ${namespace},`,
        `  labels: {kubernetes.io/service-name: ${serviceName}}}`,
        `addressType: IPv${at === 0 ? 4 : 6}`,
        `endpoints: [{addresses: ["${address}"]}]`,
        'ports: [{port: 443}]',
      ].join('\n'),
    )
    .join('\n---\n')

export const onServer = 'endpointSelector: {matchLabels: {app: server}}'
export const onClient = 'endpointSelector: {matchLabels: {app: client}}'
