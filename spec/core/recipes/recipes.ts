/* Policies in the shapes that people copy, and what each is known to do. Written for this test. */

/** One attempt: from a pod or an outside address, to a pod and port. */
export interface Attempt {
  readonly from: string
  readonly to: string
  readonly port: number
  readonly protocol?: 'UDP'
  readonly allowed: boolean
}

export interface Recipe {
  readonly name: string
  /** YAML, several documents; NetworkPolicies only. */
  readonly policies: string
  readonly attempts: readonly Attempt[]
}

const policy = (name: string, spec: string, namespace = 'default'): string =>
  [
    'apiVersion: networking.k8s.io/v1',
    'kind: NetworkPolicy',
    'metadata:',
    `  name: ${name}`,
    ...(namespace === '' ? [] : [`  namespace: ${namespace}`]),
    'spec:',
    ...spec.replace(/^\n|\s+$/g, '').split('\n'),
  ].join('\n')

const yes = (from: string, to: string, port: number, protocol?: 'UDP'): Attempt => ({
  from,
  to,
  port,
  ...(protocol && { protocol }),
  allowed: true,
})
const no = (from: string, to: string, port: number, protocol?: 'UDP'): Attempt => ({
  ...yes(from, to, port, protocol),
  allowed: false,
})

const shopClosed = policy(
  'shop-closed',
  `
  podSelector:
    matchLabels: {app: shop}
  ingress: []`,
)

const dnsOnly = `
  podSelector:
    matchLabels: {app: batch}
  policyTypes: [Egress]
  egress:
    - to:
        - namespaceSelector:
            matchLabels: {kubernetes.io/metadata.name: kube-system}
          podSelector:
            matchLabels: {k8s-app: kube-dns}
      ports:
        - {port: 53, protocol: UDP}
        - {port: 53, protocol: TCP}`

/**
 * The pods are those of `clusterOfRecipes`: `namespace/name`. `world` is an address outside the cluster.
 */
export const recipes: readonly Recipe[] = [
  {
    name: 'deny all traffic to an application',
    policies: shopClosed,
    attempts: [
      no('default/plain', 'default/shop', 80),
      no('partner/plain', 'default/shop', 80),
      no('world', 'default/shop', 80),
      yes('default/shop', 'default/plain', 80),
      yes('partner/plain', 'default/orders', 80),
    ],
  },
  {
    name: 'limit traffic to an application, in the default namespace by leaving it out',
    policies: policy(
      'orders-to-own',
      `
  podSelector:
    matchLabels: {app: store, role: orders}
  ingress:
    - from:
        - podSelector:
            matchLabels: {app: store}`,
      '',
    ),
    attempts: [
      no('default/plain', 'default/orders', 80),
      no('partner/store-front', 'default/orders', 80),
      yes('default/store-front', 'default/orders', 80),
      yes('default/plain', 'default/store-front', 80),
    ],
  },
  {
    name: 'allow all traffic to an application beside a denial of it',
    policies: [
      shopClosed,
      policy(
        'shop-open',
        `
  podSelector:
    matchLabels: {app: shop}
  ingress:
    - {}`,
      ),
    ].join('\n---\n'),
    attempts: [
      yes('default/plain', 'default/shop', 80),
      yes('partner/plain', 'default/shop', 9999),
      yes('world', 'default/shop', 80),
    ],
  },
  {
    name: 'deny everything that is not allowed in a namespace',
    policies: policy(
      'closed',
      `
  podSelector: {}
  ingress: []`,
    ),
    attempts: [
      no('default/plain', 'default/shop', 80),
      no('partner/plain', 'default/orders', 80),
      no('world', 'default/plain', 80),
      yes('default/plain', 'partner/plain', 80),
      yes('partner/plain', 'partner/watcher', 80),
    ],
  },
  {
    name: 'deny traffic from other namespaces, the selector without a value',
    policies: policy(
      'own-only',
      `
  podSelector:
    matchLabels:
  ingress:
    - from:
        - podSelector: {}`,
    ),
    attempts: [
      no('partner/plain', 'default/shop', 80),
      no('world', 'default/shop', 80),
      yes('default/plain', 'default/shop', 80),
    ],
  },
  {
    name: 'allow traffic from all namespaces',
    policies: policy(
      'every-namespace',
      `
  podSelector:
    matchLabels: {app: shop}
  ingress:
    - from:
        - namespaceSelector: {}`,
    ),
    attempts: [
      yes('default/plain', 'default/shop', 80),
      yes('partner/plain', 'default/shop', 80),
      yes('trial/plain', 'default/shop', 80),
      no('world', 'default/shop', 80),
    ],
  },
  {
    name: 'allow traffic from namespaces by a label',
    policies: policy(
      'live-only',
      `
  podSelector:
    matchLabels: {app: shop}
  ingress:
    - from:
        - namespaceSelector:
            matchLabels: {stage: live}`,
    ),
    attempts: [
      no('trial/plain', 'default/shop', 80),
      no('default/plain', 'default/shop', 80),
      yes('partner/plain', 'default/shop', 80),
    ],
  },
  {
    name: 'allow traffic from some pods of another namespace',
    policies: policy(
      'watchers',
      `
  podSelector:
    matchLabels: {app: shop}
  ingress:
    - from:
        - namespaceSelector:
            matchLabels: {stage: live}
          podSelector:
            matchLabels: {duty: watch}`,
    ),
    attempts: [
      no('default/plain', 'default/shop', 80),
      no('default/watcher', 'default/shop', 80),
      no('partner/plain', 'default/shop', 80),
      yes('partner/watcher', 'default/shop', 80),
    ],
  },
  {
    name: 'allow traffic from outside',
    policies: policy(
      'public',
      `
  podSelector:
    matchLabels: {app: shop}
  ingress:
    - {}`,
    ),
    attempts: [
      yes('world', 'default/shop', 80),
      yes('default/plain', 'default/shop', 80),
      yes('trial/plain', 'default/shop', 443),
    ],
  },
  {
    name: 'allow traffic to one port only',
    policies: policy(
      'metrics-port',
      `
  podSelector:
    matchLabels: {app: shop}
  ingress:
    - ports:
        - port: 9100
      from:
        - podSelector:
            matchLabels: {duty: watch}`,
    ),
    attempts: [
      no('default/plain', 'default/shop', 9100),
      no('default/plain', 'default/shop', 80),
      yes('default/watcher', 'default/shop', 9100),
      no('default/watcher', 'default/shop', 80),
      no('default/watcher', 'default/shop', 9100, 'UDP'),
      no('partner/watcher', 'default/shop', 9100),
    ],
  },
  {
    name: 'allow traffic from several kinds of pods',
    policies: policy(
      'three-sources',
      `
  podSelector:
    matchLabels: {app: store, role: orders}
  ingress:
    - from:
        - podSelector:
            matchLabels: {app: store, role: front}
        - podSelector:
            matchLabels: {app: shop}
        - podSelector:
            matchLabels: {duty: watch}`,
    ),
    attempts: [
      yes('default/store-front', 'default/orders', 6379),
      yes('default/shop', 'default/orders', 6379),
      yes('default/watcher', 'default/orders', 6379),
      no('default/plain', 'default/orders', 6379),
      no('default/batch', 'default/orders', 6379),
    ],
  },
  {
    name: 'deny all egress of an application',
    policies: policy(
      'batch-silent',
      `
  podSelector:
    matchLabels: {app: batch}
  policyTypes: [Egress]
  egress: []`,
    ),
    attempts: [
      no('default/batch', 'default/shop', 80),
      no('default/batch', 'kube-system/dns', 53, 'UDP'),
      no('default/batch', 'world', 443),
      yes('default/plain', 'default/batch', 80),
      yes('default/plain', 'world', 443),
    ],
  },
  {
    name: 'allow an application nothing but name resolution',
    policies: policy('batch-dns', dnsOnly),
    attempts: [
      yes('default/batch', 'kube-system/dns', 53, 'UDP'),
      yes('default/batch', 'kube-system/dns', 53),
      no('default/batch', 'kube-system/dns', 54, 'UDP'),
      no('default/batch', 'default/shop', 80),
      no('default/batch', 'world', 53, 'UDP'),
      no('default/batch', 'world', 80),
    ],
  },
  {
    name: 'deny all egress of a namespace',
    policies: policy(
      'silent',
      `
  policyTypes:
    - Egress
  podSelector: {}
  egress: []`,
    ),
    attempts: [
      no('default/plain', 'default/shop', 80),
      no('default/batch', 'kube-system/dns', 53, 'UDP'),
      no('default/shop', 'world', 443),
      yes('partner/plain', 'default/shop', 80),
    ],
  },
  {
    name: 'deny egress out of the cluster',
    policies: policy(
      'batch-inside',
      `
  podSelector:
    matchLabels: {app: batch}
  policyTypes: [Egress]
  egress:
    - to:
        - namespaceSelector: {}`,
    ),
    attempts: [
      yes('default/batch', 'kube-system/dns', 53, 'UDP'),
      yes('default/batch', 'default/shop', 80),
      yes('default/batch', 'partner/plain', 80),
      no('default/batch', 'world', 443),
    ],
  },
]
