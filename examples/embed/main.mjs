// Weir's policy engine inside another program: no root, no kernel, no disk.
import { Engine, parseNetworkPolicy, protocolNumbers, verdicts } from '@weir/core'

const policy = parseNetworkPolicy({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { name: 'db-from-api', namespace: 'shop' },
  spec: {
    podSelector: { matchLabels: { app: 'db' } },
    ingress: [{ from: [{ podSelector: { matchLabels: { app: 'api' } } }], ports: [{ port: 5432 }] }],
  },
})
if (policy._tag === 'Left')
  throw new Error(policy.left.map(problem => `${problem.path}: ${problem.message}`).join('\n'))

const pod = (app, address) => ({
  kind: 'pod.upserted',
  pod: {
    namespace: 'shop',
    name: `${app}-0`,
    labels: { app },
    serviceAccount: 'default',
    node: 'here',
    addresses: [address],
    hostNetwork: false,
    ports: [],
  },
})

const facts = [
  { kind: 'agent.configured', agent: { node: 'here', cluster: 'default', labelFilter: [] } },
  { kind: 'networkpolicy.upserted', policy: policy.right },
  pod('api', '10.0.0.1'),
  pod('web', '10.0.0.2'),
  pod('db', '10.0.0.3'),
]

const engine = new Engine()
const delta = engine.apply(facts.map((fact, index) => ({ ...fact, seq: index + 1, time: 0, source: 'example' })))
console.log(`${facts.length} events, ${delta.addresses.length} addresses, ${delta.cells.length} cells`)

for (const from of ['10.0.0.1', '10.0.0.2']) {
  const {
    verdict,
    from: client,
    to: server,
    ingress,
  } = engine.explain({
    from,
    to: '10.0.0.3',
    protocol: protocolNumbers.TCP,
    port: 5432,
  })
  const cause = ingress.decidedBy?.origin ?? ingress.isolatedBy[0]
  console.log(
    `${client.name} → ${server.name}:5432 ${verdict === verdicts.allow ? 'allowed' : 'denied'} by ${cause?.policy} ${cause?.path} (event ${cause?.seq})`,
  )
}
