import {
  type CiliumPolicyFact,
  type EgressGatewayPolicyFact,
  type EventBody,
  type Labels,
  parseCiliumClusterwideNetworkPolicy,
} from '@weir/core'
import { isLeft } from 'fp-ts/lib/Either.js'
import { allow, http, pod, smallShop } from './cluster.js'

/**
 * Facts that make, share, free and reuse numbers of identities, classes, rows, services and backends; that change who is
 * the node and what it may do, by which ways packets leave the cluster, and where other nodes' pods are.
 */
export const lives: readonly EventBody[] = [
  ...smallShop.slice(1),
  { kind: 'networkpolicy.upserted', policy: allow('db', 'db', 'cart', 5432) },
  { kind: 'pod.upserted', pod: pod('gone', '10.0.0.5') },
  {
    kind: 'service.upserted',
    service: {
      namespace: 'shop',
      name: 'cart',
      type: 'ClusterIP',
      clusterIps: ['10.96.0.7'],
      selector: { app: 'cart' },
      ports: [{ name: 'http', protocol: 'TCP', port: 80, targetPort: 8080 }],
    },
  },
  {
    kind: 'endpointslice.upserted',
    slice: {
      namespace: 'shop',
      name: 'cart-1',
      service: 'cart',
      endpoints: [
        { addresses: ['10.0.0.3'], ready: true, serving: true, terminating: false, node: 'n1', pod: 'cart' },
        { addresses: ['10.9.0.1'], ready: true, serving: true, terminating: false, node: 'n2' },
      ],
      ports: [{ ...http, port: 8080 }],
    },
  },
  { kind: 'pod.deleted', namespace: 'shop', name: 'gone' },
  { kind: 'pod.upserted', pod: pod('other', '10.0.0.5', { ports: [http] }) },
  { kind: 'networkpolicy.deleted', namespace: 'shop', name: 'cart' },
  { kind: 'networkpolicy.upserted', policy: allow('other', 'other', 'web', 8080) },
  { kind: 'pod.upserted', pod: pod('web', '10.0.0.2', { labels: { app: 'web', tier: 'front' } }) },
  // What judges the node, which devices are its own, and where other nodes are.
  { kind: 'host.observed', host: { addresses: ['10.0.0.1', '192.0.2.9', 'fd00::1'] } },
  {
    kind: 'devices.observed',
    devices: [
      { ifindex: 90, ifname: 'eth0', isOwn: true, hasDefaultRoute: true, addresses: ['192.0.2.9', '2001:db8:9::1'] },
      { ifindex: 91, ifname: 'eth1', isOwn: false, hasDefaultRoute: false, addresses: ['198.51.100.9'] },
    ],
  },
  {
    kind: 'node.upserted',
    node: { name: 'n2', labels: { role: 'exit' }, addresses: ['10.9.9.2'], podCidrs: ['10.9.0.0/24', 'fd09::/64'] },
  },
  { kind: 'pod.upserted', pod: pod('far', '10.9.0.1', { node: 'n2', addresses: ['10.9.0.1', 'fd09::1'] }) },
  { kind: 'pod.upserted', pod: pod('stray', '10.8.0.8', { node: 'n2', addresses: ['10.8.0.8'] }) },
  { kind: 'ciliumpolicy.upserted', policy: guard('guard', 22) },
  { kind: 'ciliumpolicy.upserted', policy: guard('guard', 443) },
  // Ways out: by another node, by an address of this one, by nobody.
  { kind: 'egressgateway.upserted', policy: gateway('far', 'web', { role: 'exit' }) },
  { kind: 'egressgateway.upserted', policy: gateway('near', 'cart', {}) },
  { kind: 'egressgateway.upserted', policy: gateway('none', 'db', { role: 'nobody' }) },
  { kind: 'egressgateway.upserted', policy: gateway('far', 'other', { role: 'exit' }) },
  {
    kind: 'node.upserted',
    node: { name: 'n2', labels: { role: 'exit' }, addresses: ['10.9.9.22'], podCidrs: ['10.9.0.0/24'] },
  },
]

/** Holds for the node itself: pods and nodes may call it at a port, and nobody else may. */
function guard(name: string, port: number): CiliumPolicyFact {
  const parsed = parseCiliumClusterwideNetworkPolicy({
    ...{ apiVersion: 'cilium.io/v2', kind: 'CiliumClusterwideNetworkPolicy', metadata: { name } },
    spec: {
      nodeSelector: {},
      ingress: [{ fromEntities: ['cluster'], toPorts: [{ ports: [{ port: String(port), protocol: 'TCP' }] }] }],
    },
  })
  if (isLeft(parsed)) throw new RangeError(JSON.stringify(parsed.left))
  return parsed.right
}

/** Leads pods with the label `app: from` out by a node with these labels. */
function gateway(name: string, from: string, labels: Labels): EgressGatewayPolicyFact {
  const selector = Object.entries(labels).map(([key, value]) => ({ key, operator: 'In' as const, values: [value] }))
  return {
    name,
    selectors: [{ podSelector: [{ key: 'app', operator: 'In', values: [from] }] }],
    destinationCidrs: ['0.0.0.0/0', '203.0.113.0/24'],
    excludedCidrs: ['203.0.113.128/25'],
    gateways: [{ nodeSelector: selector }],
  }
}
