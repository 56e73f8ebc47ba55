import type { ClusterNodePlan } from './segment.js'
import type { ClusterPod } from './stage.js'

export const port = 8080

/** Addresses of the service that all servers are behind. */
export const serviceAddresses = ['10.96.7.1', 'fd96:7::1'] as const
export const servicePort = 80

export const nodes: readonly ClusterNodePlan[] = [1, 2, 3].map(number => ({
  name: `n${number}`,
  addresses: [`172.30.0.${number}`, `fd30::${number}`],
  podCidrs: [`10.41.${number}.0/24`, `fd41:${number}::/64`],
}))

export const podOn = (node: number, number: number, role: string): ClusterPod => ({
  namespace: 'shop',
  name: `${role}-${node}${number}`,
  node: `n${node}`,
  labels: { role },
  addresses: [`10.41.${node}.${number}`, `fd41:${node}::${number}`],
})

/** A server, a client and a stranger. */
export const podsOn = (node: number): readonly ClusterPod[] =>
  ['server', 'client', 'stranger'].map((role, at) => podOn(node, at + 1, role))

/** Only clients may call servers. */
export const policy = `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: servers, namespace: shop }
spec:
  podSelector: { matchLabels: { role: server } }
  ingress: [{ from: [{ podSelector: { matchLabels: { role: client } } }], ports: [{ port: ${port} }, { port: ${port}, protocol: UDP }] }]
`

export const service = `apiVersion: v1
kind: Service
metadata: { name: servers, namespace: shop }
spec:
  clusterIPs: ${JSON.stringify(serviceAddresses)}
  selector: { role: server }
  ports: [{ name: t, port: ${servicePort}, targetPort: ${port} }, { name: u, port: ${servicePort}, targetPort: ${port}, protocol: UDP }]
`
