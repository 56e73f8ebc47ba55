import fc from 'fast-check'

const sourced = fc.constantFrom('app', 'k8s:app', 'any:tier', 'io.kubernetes.pod.namespace')
const reserved = fc.constantFrom('reserved:host', 'reserved:remote-node')
const value = fc.constantFrom('', 'a', 'b', 'web-1')

const selector = fc.record(
  {
    matchLabels: fc.dictionary(sourced, value, { maxKeys: 3 }),
    matchExpressions: fc.array(
      fc.oneof(
        fc.record({
          key: sourced,
          operator: fc.constantFrom('In', 'NotIn'),
          values: fc.array(value, { minLength: 1, maxLength: 3 }),
        }),
        fc.record({ key: fc.oneof(sourced, reserved), operator: fc.constantFrom('Exists', 'DoesNotExist') }),
      ),
      { maxLength: 2 },
    ),
  },
  { requiredKeys: [] },
)

const cidr = fc
  .tuple(fc.integer({ min: 0, max: 255 }), fc.integer({ min: 0, max: 32 }))
  .map(([byte, length]) => `10.${byte}.0.7/${length}`)

const list = <A>(item: fc.Arbitrary<A>) => fc.array(item, { maxLength: 3 })

const fqdn = fc.oneof(
  fc.record({ matchName: fc.constantFrom('a.example', 'B.example.') }),
  fc.record({ matchPattern: fc.constantFrom('*', '*.a.example', '**.Example.') }),
)

const service = fc.record({
  k8sService: fc.record({ namespace: fc.constant('shop'), serviceName: fc.constant('db') }),
})

/** Fields of one kind of peers, or of none. */
const peers = (prefix: 'from' | 'to', deny: boolean): fc.Arbitrary<Record<string, unknown>> => {
  const kinds: readonly (readonly [string, fc.Arbitrary<unknown>])[] = [
    ['Endpoints', list(selector)],
    ['CIDR', list(cidr)],
    ['CIDRSet', list(fc.record({ cidr, except: fc.constant([]) }))],
    ['Entities', list(fc.constantFrom('all', 'world', 'host', 'cluster', 'none'))],
    ['Nodes', list(selector)],
    ...(prefix === 'to' ? [['Services', list(service)] as const] : []),
    ...(prefix === 'to' && !deny ? [['FQDNs', list(fqdn)] as const] : []),
  ]
  const one = kinds.map(([kind, items]) => items.map(read => ({ [`${prefix}${kind}`]: read })))
  return fc.oneof(fc.constant({}), ...one)
}

const port = fc.oneof(
  fc.record({ port: fc.nat(65535).map(String), protocol: fc.constantFrom('TCP', 'UDP', 'SCTP', 'ANY') }),
  fc.record({ port: fc.constantFrom('http', 'DNS'), protocol: fc.constantFrom('TCP', 'ANY') }),
  fc.constant({ protocol: 'VRRP' }),
  fc.record({ port: fc.constant('1000'), endPort: fc.integer({ min: 1000, max: 65535 }) }),
)

const plainEntry = fc.record({ ports: fc.array(port, { minLength: 1, maxLength: 4 }) })

const httpEntry = fc.record({
  ports: fc.constant([{ port: '80', protocol: 'TCP' }]),
  rules: fc.record({
    http: list(fc.record({ method: fc.constant('GET'), path: fc.constantFrom('/a', '/.*') }, { requiredKeys: [] })),
  }),
})

const icmp = fc.record({ fields: fc.array(fc.record({ type: fc.nat(255) }), { minLength: 1, maxLength: 3 }) })

const directionRule = (prefix: 'from' | 'to', deny: boolean) =>
  fc
    .tuple(
      peers(prefix, deny),
      fc.oneof(
        fc.constant({}),
        fc.record({ toPorts: list(deny ? plainEntry : fc.oneof(plainEntry, httpEntry)) }),
        fc.record({ icmps: list(icmp) }),
      ),
    )
    .map(([left, right]) => ({ ...left, ...right }))

const rule = fc.record(
  {
    endpointSelector: selector,
    ingress: list(directionRule('from', false)),
    ingressDeny: list(directionRule('from', true)),
    egress: list(directionRule('to', false)),
    egressDeny: list(directionRule('to', true)),
    description: fc.string(),
    enableDefaultDeny: fc.record({ ingress: fc.boolean() }, { requiredKeys: [] }),
  },
  { requiredKeys: ['endpointSelector', 'ingress'] },
)

/** CiliumNetworkPolicies that are legal, in plain data. */
export const legalPolicy = fc.record({
  apiVersion: fc.constant('cilium.io/v2'),
  kind: fc.constant('CiliumNetworkPolicy'),
  metadata: fc.constant({ name: 'p', namespace: 'shop' }),
  specs: fc.array(rule, { minLength: 1, maxLength: 2 }),
})
