import type { EventBody } from '@weir/core'
import { allow, http, pod, smallShop } from './cluster.js'

/** Facts that make, share, free and reuse numbers of identities, classes, rows, services and backends. */
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
]
