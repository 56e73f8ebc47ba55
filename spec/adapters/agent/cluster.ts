import {
  Engine,
  type EventBody,
  type NamedPort,
  type NetworkPolicyFact,
  type PodFact,
  type WeirEvent,
} from '@weir/core'

/** A pod on the node `n1`, in the namespace `shop` unless told otherwise. */
export function pod(name: string, address: string, more: Partial<PodFact> = {}): PodFact {
  return {
    namespace: 'shop',
    name,
    labels: { app: name },
    serviceAccount: 'default',
    node: 'n1',
    addresses: [address, `fd00::${address.split('.')[3]}`],
    hostNetwork: false,
    ports: [],
    ...more,
  }
}

export const http: NamedPort = { name: 'http', protocol: 'TCP', port: 8080 }

/** Lets pods with the label `app: from` reach pods with `app: to` at a port, and nobody else reach those. */
export function allow(name: string, to: string, from: string, port: number): NetworkPolicyFact {
  const app = (value: string) => [{ key: 'app', operator: 'In', values: [value] }] as const
  return {
    namespace: 'shop',
    name,
    podSelector: app(to),
    policyTypes: ['ingress'],
    ingress: [{ peers: [{ kind: 'pods', podSelector: app(from) }], ports: [{ protocol: 'TCP', port }] }],
    egress: [],
  }
}

export function engineOf(bodies: readonly EventBody[]): Engine {
  const engine = new Engine()
  engine.apply(bodies.map((body, at): WeirEvent => ({ ...body, seq: at + 1, time: 0, source: 'spec' })))
  return engine
}

/** web → cart:8080 is allowed, db → cart isn't; the node is 10.0.0.1. */
export const smallShop: readonly EventBody[] = [
  { kind: 'agent.configured', agent: { node: 'n1', cluster: 'default', labelFilter: [] } },
  {
    kind: 'node.upserted',
    node: { name: 'n1', labels: {}, addresses: ['10.0.0.1', 'fd00::1'], podCidrs: ['10.0.0.0/24'] },
  },
  { kind: 'networkpolicy.upserted', policy: allow('cart', 'cart', 'web', 8080) },
  { kind: 'pod.upserted', pod: pod('web', '10.0.0.2') },
  { kind: 'pod.upserted', pod: pod('cart', '10.0.0.3', { ports: [http] }) },
  { kind: 'pod.upserted', pod: pod('db', '10.0.0.4', { workload: 'StatefulSet/orders' }) },
]
