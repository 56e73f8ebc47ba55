import type { StagePod } from './stage.js'
import type { NodePlan } from './topology.js'

/** What the demo's cluster is. */
export const nodes: readonly NodePlan[] = [
  { name: 'n1', addresses: ['172.30.0.1', 'fd30::1'], podCidrs: ['10.31.1.0/24', 'fd31:1::/64'] },
  { name: 'n2', addresses: ['172.30.0.2', 'fd30::2'], podCidrs: ['10.31.2.0/24', 'fd31:2::/64'] },
]
export const outside = ['198.51.100.9', 'fd99::9'] as const
export const ports = { tcp: 8080, udp: 5353 } as const

/** The n-th pod of a node. */
export function podOn(node: 'n1' | 'n2', number: number, app: string, phase: StagePod['phase'] = 'ready'): StagePod {
  const block = node === 'n1' ? 1 : 2
  return {
    name: `${app}-${block}${number}`,
    app,
    node,
    addresses: [`10.31.${block}.${number}`, `fd31:${block}::${number}`],
    phase,
  }
}

/** A service of every type over the same pods. */
export interface ServicePlan {
  readonly name: string
  readonly clusterIps: readonly [four: string, six: string]
  readonly port: number
  readonly protocol: 'TCP' | 'UDP'
  readonly spec: string
  /** Of its load balancer. */
  readonly virtual?: readonly [four: string, six: string]
  readonly nodePort?: number
}

export const services: readonly ServicePlan[] = [
  { name: 'web', clusterIps: ['10.96.0.1', 'fd96::1'], port: 80, protocol: 'TCP', spec: '' },
  {
    name: 'names',
    clusterIps: ['10.96.0.2', 'fd96::2'],
    port: 53,
    protocol: 'UDP',
    spec: 'type: NodePort',
    nodePort: 30_053,
  },
  {
    name: 'sticky',
    clusterIps: ['10.96.0.3', 'fd96::3'],
    port: 80,
    protocol: 'TCP',
    spec: 'sessionAffinity: ClientIP',
  },
  {
    name: 'near',
    clusterIps: ['10.96.0.4', 'fd96::4'],
    port: 80,
    protocol: 'TCP',
    spec: 'internalTrafficPolicy: Local',
  },
  {
    name: 'nobody',
    clusterIps: ['10.96.0.5', 'fd96::5'],
    port: 80,
    protocol: 'TCP',
    spec: 'selector: { app: nobody }',
  },
  {
    name: 'open',
    clusterIps: ['10.96.0.6', 'fd96::6'],
    port: 80,
    protocol: 'TCP',
    spec: 'type: NodePort',
    nodePort: 30_080,
  },
  {
    name: 'mine',
    clusterIps: ['10.96.0.7', 'fd96::7'],
    port: 80,
    protocol: 'TCP',
    spec: 'type: NodePort, externalTrafficPolicy: Local',
    nodePort: 30_081,
  },
  {
    name: 'public',
    clusterIps: ['10.96.0.8', 'fd96::8'],
    port: 80,
    protocol: 'TCP',
    spec: 'type: LoadBalancer',
    virtual: ['203.0.113.8', 'fd88::8'],
    nodePort: 30_082,
  },
  {
    name: 'given',
    clusterIps: ['10.96.0.9', 'fd96::9'],
    port: 80,
    protocol: 'TCP',
    spec: 'externalIPs: ["203.0.113.9", "fd88::9"]',
    virtual: ['203.0.113.9', 'fd88::9'],
  },
]

/** Addresses that the router sends to the first node. */
export const virtual = services.flatMap(({ virtual: addresses = [] }) =>
  addresses.map(address => ({ address, node: 'n1' })),
)

export const serviceManifests: string = services.map(manifestOf).join('---\n')

function manifestOf({ name, clusterIps, port, protocol, spec, virtual: balanced, nodePort }: ServicePlan): string {
  const target = protocol === 'TCP' ? ports.tcp : ports.udp
  const published = nodePort === undefined ? '' : `, nodePort: ${nodePort}`
  const fields = [
    `clusterIPs: ${JSON.stringify(clusterIps)}`,
    ...(spec.includes('selector') ? [] : ['selector: { app: web }']),
    `ports: [{ port: ${port}, protocol: ${protocol}, targetPort: ${target}${published} }]`,
    ...(spec === '' ? [] : [spec]),
  ]
  const isBalanced = spec.includes('LoadBalancer') && balanced !== undefined
  return `apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: shop }
spec: { ${fields.join(', ')} }
${isBalanced ? `status: { loadBalancer: { ingress: [${balanced.map(ip => `{ ip: "${ip}" }`).join()}] } }\n` : ''}`
}
