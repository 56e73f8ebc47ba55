import { explainedCauses } from '@weir/adapters/agent/causes.js'
import { type EventBody, Engine, protocolNumbers } from '@weir/core'
import { parseCiliumNetworkPolicy } from '@weir/core/input/cilium/policy.js'
import { expect } from 'chai'
import { isLeft } from 'fp-ts/lib/Either.js'

const pod = (name: string, address: string): EventBody => ({
  kind: 'pod.upserted',
  pod: {
    namespace: 'shop',
    name,
    labels: { app: name },
    serviceAccount: 'default',
    node: 'here',
    addresses: [address],
    hostNetwork: false,
    ports: [],
  },
})

const onB = (ingress: object): EventBody => {
  const parsed = parseCiliumNetworkPolicy({
    apiVersion: 'cilium.io/v2',
    kind: 'CiliumNetworkPolicy',
    metadata: { name: 'b', namespace: 'shop' },
    spec: { endpointSelector: { matchLabels: { app: 'b' } }, ...ingress },
  })
  if (isLeft(parsed)) throw new Error(JSON.stringify(parsed.left))
  return { kind: 'ciliumpolicy.upserted', policy: parsed.right }
}

/** The causes of what becomes of a to b on TCP 80, under a policy for b. */
function causes(ingress: object): readonly string[] {
  const engine = new Engine()
  const bodies: readonly EventBody[] = [
    { kind: 'agent.configured', agent: { node: 'here', cluster: 'default', labelFilter: [] } },
    pod('a', '10.0.0.1'),
    pod('b', '10.0.0.2'),
    onB(ingress),
  ]
  engine.apply(bodies.map((body, index) => ({ ...body, seq: index + 1, time: 0, source: 'test' })))
  return explainedCauses(engine.explain({ from: '10.0.0.1', to: '10.0.0.2', protocol: protocolNumbers.TCP, port: 80 }))
}

const everyEndpoint = { fromEndpoints: [{}] }

describe('agent: the causes of a flow', () => {
  it('of an allowed one is the rule that allows', () => {
    expect(causes({ ingress: [everyEndpoint] })).to.deep.equal(['CiliumNetworkPolicy shop/b spec.ingress[0]'])
  })
  it('of one that a denial stops is the denial alone', () => {
    expect(causes({ ingress: [everyEndpoint], ingressDeny: [everyEndpoint] })).to.deep.equal([
      'CiliumNetworkPolicy shop/b spec.ingressDeny[0]',
    ])
  })
  it('of one that only a proxy could pass is the rule that asks for the proxy', () => {
    const toPorts = [{ ports: [{ port: '80', protocol: 'TCP' }], rules: { http: [{}] } }]
    expect(causes({ ingress: [{ ...everyEndpoint, toPorts }] })).to.deep.equal([
      'CiliumNetworkPolicy shop/b spec.ingress[0].toPorts[0]',
    ])
  })
  it('of a default denial are the policies that isolate', () => {
    expect(causes({ ingress: [{}] })).to.deep.equal(['default deny (ingress) by CiliumNetworkPolicy shop/b'])
  })
})
