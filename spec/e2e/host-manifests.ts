/** What the cluster of a node under policy is: the node with a pod, another node and the API server, both outside. */
export interface HostCluster {
  readonly node: string
  readonly nodeAddresses: readonly string[]
  readonly podAddresses: readonly string[]
  readonly otherNode: readonly string[]
  readonly apiServer: readonly string[]
}

const nodeManifest = (name: string, addresses: readonly string[]) => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name, labels: {} },
  status: { addresses: addresses.map(address => ({ type: 'InternalIP', address })) },
})

/** Documents of the cluster, and of a policy that selects its nodes with these sections, if any. */
export function hostManifests(
  { node, nodeAddresses, podAddresses, otherNode, apiServer }: HostCluster,
  policy: Readonly<Record<string, object>> | undefined,
): string {
  const service = { name: 'kubernetes', namespace: 'default' }
  const documents: object[] = [
    nodeManifest(node, nodeAddresses),
    nodeManifest('elsewhere', otherNode),
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'app', namespace: 'default' },
      spec: { nodeName: node, containers: [{ name: 'c', image: 'i' }] },
      status: { podIP: podAddresses[0], podIPs: podAddresses.map(ip => ({ ip })) },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: service,
      spec: { clusterIP: '10.96.0.1', ports: [{ name: 'https', port: 443, targetPort: 6443 }] },
    },
    ...apiServer.map(address => ({
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: {
        name: `kubernetes-${address.includes(':') ? 'six' : 'four'}`,
        namespace: 'default',
        labels: { 'kubernetes.io/service-name': 'kubernetes' },
      },
      addressType: address.includes(':') ? 'IPv6' : 'IPv4',
      ports: [{ name: 'https', port: 6443, protocol: 'TCP' }],
      endpoints: [{ addresses: [address] }],
    })),
    ...(policy === undefined
      ? []
      : [
          {
            apiVersion: 'cilium.io/v2',
            kind: 'CiliumClusterwideNetworkPolicy',
            metadata: { name: 'nodes' },
            spec: { nodeSelector: {}, ...policy },
          },
        ]),
  ]
  return documents.map(each => JSON.stringify(each)).join('\n---\n')
}

const port = (number: number, protocol: 'TCP' | 'UDP' = 'TCP') => ({ port: String(number), protocol })

export const toPorts = (...ports: ReturnType<typeof port>[]) => [{ ports }]
export { port }

export const pings = [{ fields: [{ type: 8, family: 'IPv4' }] }, { fields: [{ type: 128, family: 'IPv6' }] }]
