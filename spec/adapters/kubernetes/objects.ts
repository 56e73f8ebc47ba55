import { type Resource, resources } from '@weir/adapters/kubernetes/resource.js'
import type { ApiObject } from './api-server.js'

/** The resource of a kind. */
export function resource(kind: string): Resource {
  const found = resources.find(each => each.kind === kind)
  if (found === undefined) throw new RangeError(`no resource is called ${kind}`)
  return found
}

/** What an API server says of every object and nobody needs. */
const ballast = {
  uid: 'd3adb33f-0000-4000-8000-000000000000',
  generation: 1,
  creationTimestamp: '2026-01-01T00:00:00Z',
  managedFields: [
    {
      manager: 'kubelet',
      operation: 'Update',
      apiVersion: 'v1',
      time: '2026-01-01T00:00:00Z',
      fieldsType: 'FieldsV1',
      fieldsV1: { 'f:status': { 'f:conditions': { '.': {} } } },
    },
  ],
}

export interface PodShape {
  readonly namespace?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly addresses?: readonly string[]
  readonly phase?: string
  readonly node?: string
  readonly hostNetwork?: boolean
  /** When something last happened that is of no consequence. */
  readonly heartbeat?: string
}

export function pod(name: string, shape: PodShape = {}): ApiObject {
  const { addresses = [], phase = 'Running', node = 'n1', heartbeat = '2026-01-01T00:00:00Z' } = shape
  return {
    metadata: { ...ballast, name, namespace: shape.namespace ?? 'shop', labels: shape.labels ?? { app: name } },
    spec: {
      containers: [
        {
          name: 'main',
          image: 'registry.example/app:1',
          ports: [{ containerPort: 8080, name: 'http', protocol: 'TCP' }],
          env: [{ name: 'A', value: 'b' }],
          somethingNew: true,
        },
      ],
      nodeName: node,
      serviceAccountName: 'default',
      ...(shape.hostNetwork === true && { hostNetwork: true }),
      aFieldOfLaterVersions: { any: 'thing' },
    },
    status: {
      phase,
      conditions: [{ type: 'Ready', status: 'True', lastProbeTime: heartbeat }],
      ...(addresses.length > 0 && { podIP: addresses[0], podIPs: addresses.map(ip => ({ ip })) }),
      startTime: heartbeat,
    },
  }
}

export const namespace = (name: string): ApiObject => ({
  metadata: { ...ballast, name, labels: {} },
  spec: { finalizers: ['kubernetes'] },
  status: { phase: 'Active' },
})

export const node = (name: string, address: string): ApiObject => ({
  metadata: { ...ballast, name, labels: { 'kubernetes.io/hostname': name } },
  spec: { podCIDR: '10.0.0.0/24', podCIDRs: ['10.0.0.0/24'], taints: [] },
  status: { addresses: [{ type: 'InternalIP', address }], images: [{ names: ['a'], sizeBytes: 1 }] },
})

/** Lets pods with the label `app: from` reach those with `app: to`. */
export const networkPolicy = (name: string, to: string, from: string): ApiObject => ({
  metadata: { ...ballast, name, namespace: 'shop' },
  spec: {
    podSelector: { matchLabels: { app: to } },
    policyTypes: ['Ingress'],
    ingress: [{ from: [{ podSelector: { matchLabels: { app: from } } }] }],
  },
  status: {},
})

export const ciliumPolicy = (name: string, to: string, from: string): ApiObject => ({
  metadata: { ...ballast, name, namespace: 'shop' },
  spec: {
    endpointSelector: { matchLabels: { app: to } },
    ingress: [{ fromEndpoints: [{ matchLabels: { app: from } }] }],
  },
  status: { conditions: [] },
})
