import type { Labels, NamedPort, NodeFact, PodFact } from '@weir/core/event/event.js'
import { ciliumFromManifest, type RawCiliumRule, type RawDirectionRule } from './cilium-manifest.js'
import type { OracleCluster } from './cluster.js'
import { decide, type SideVerdict } from './decide.js'

/*
 * A small cluster to try policies on: pods a and b in `default` and c in `other` on this node n1, d in `other` on n2, and
 * the world around 203.0.113.1.
 */

export const TCP = 6
export const UDP = 17
export const SCTP = 132
export const ICMP = 1

export const addressOf = {
  a: '10.0.0.1',
  b: '10.0.0.2',
  c: '10.0.1.3',
  d: '10.0.1.4',
  n1: '192.168.0.1',
  n2: '192.168.0.2',
  world: '203.0.113.1',
  world6: '2001:db8::1',
  a6: 'fd00::1',
  b6: 'fd00::2',
} as const

export const pod = (name: string, addresses: readonly string[], extra: Partial<PodFact> = {}): PodFact => ({
  namespace: 'default',
  name,
  labels: { app: name },
  serviceAccount: 'default',
  node: 'n1',
  addresses,
  hostNetwork: false,
  ports: [],
  ...extra,
})

export const named = (name: string, port: number, protocol: NamedPort['protocol'] = 'TCP'): NamedPort => ({
  name,
  protocol,
  port,
})

export const node = (name: string, labels: Labels, ...addresses: string[]): NodeFact => ({
  name,
  labels,
  addresses,
  podCidrs: [],
})

export const stage = (extra: Partial<OracleCluster> = {}): OracleCluster => ({
  agent: { node: 'n1', cluster: 'test', labelFilter: [] },
  namespaces: [
    { name: 'default', labels: { team: 'x' } },
    { name: 'other', labels: { team: 'y' } },
  ],
  nodes: [node('n1', { zone: 'east' }, addressOf.n1), node('n2', { zone: 'west' }, addressOf.n2)],
  pods: [
    pod('a', [addressOf.a, addressOf.a6]),
    pod('b', [addressOf.b, addressOf.b6], { ports: [named('web', 80), named('web', 5300, 'UDP')] }),
    pod('c', [addressOf.c], { namespace: 'other', serviceAccount: 'robot', ports: [named('web', 8080)] }),
    pod('d', [addressOf.d], { namespace: 'other', node: 'n2' }),
  ],
  policies: [],
  ...extra,
})

export interface Attempt {
  readonly from?: keyof typeof addressOf
  readonly to?: keyof typeof addressOf
  readonly protocol?: number
  readonly port?: number
}

/** What both sides together say of a to b on TCP 80, unless the attempt says otherwise: the first that refuses. */
export function attempt(
  cluster: OracleCluster,
  { from = 'a', to = 'b', protocol = TCP, port = 80 }: Attempt = {},
): SideVerdict {
  const { egress, ingress } = decide(cluster, { from: addressOf[from], to: addressOf[to], protocol, port })
  return egress.allowed ? ingress.verdict : egress.verdict
}

/** A CiliumNetworkPolicy of `default`. */
export const cnp = (spec: RawCiliumRule, name = 'p', namespace = 'default') =>
  ciliumFromManifest({ apiVersion: 'cilium.io/v2', kind: 'CiliumNetworkPolicy', metadata: { name, namespace }, spec })

export const ccnp = (spec: RawCiliumRule, name = 'p') =>
  ciliumFromManifest({ apiVersion: 'cilium.io/v2', kind: 'CiliumClusterwideNetworkPolicy', metadata: { name }, spec })

export const onB = { matchLabels: { app: 'b' } }
export const onA = { matchLabels: { app: 'a' } }

export type CiliumPolicy = ReturnType<typeof cnp>

/** What Cilium policies say of an attempt. */
export const under = (policies: readonly CiliumPolicy[], how: Attempt = {}, extra: Partial<OracleCluster> = {}) =>
  attempt(stage({ ciliumPolicies: policies, ...extra }), how)

/** A policy on b with these ingress rules. */
export const ingress = (...rules: readonly RawDirectionRule[]) => cnp({ endpointSelector: onB, ingress: rules })
/** A policy on a with these egress rules. */
export const egress = (...rules: readonly RawDirectionRule[]) => cnp({ endpointSelector: onA, egress: rules })
export const tcp = (port: string | number, endPort?: number) => ({
  ports: [{ port: `${port}`, protocol: 'TCP' as const, ...(endPort !== undefined && { endPort }) }],
})
export const app = (name: string) => ({ matchLabels: { app: name } })
