import type { EventBody } from '@weir/core'
import type { CiliumPeers } from '@weir/core/event/cilium.js'
import { expect } from 'chai'
import { agent, ipBlock, is, noPolicy, pod, policy, Scene } from '../log.js'

const egress = (peers: CiliumPeers): EventBody => ({
  kind: 'ciliumpolicy.upserted',
  policy: {
    kind: 'CiliumNetworkPolicy',
    namespace: 'a',
    name: 'c',
    rules: [
      {
        path: 'spec',
        subject: { kind: 'endpoints', selector: [is('app', 'web')] },
        enableDefaultDeny: {},
        egress: [{ path: 'spec.egress[0]', peers }],
      },
    ],
  },
})

const here = (...bodies: readonly EventBody[]): Scene => {
  const made = new Scene()
  made.apply(agent(), pod('a/web', { app: 'web' }, '10.0.0.1'), ...bodies)
  return made
}

describe('the tables of verdicts', () => {
  it('give a prefix that was known by a name its own identity once a policy writes it, whomever that selects', () => {
    const made = here(egress({ kind: 'fqdns', fqdns: [{ name: 'x.org' }] }), {
      kind: 'dns.answered',
      answer: { name: 'x.org', addresses: ['8.8.8.8'], ttlSeconds: 60 },
    })
    const identity = () => made.engine.tables.prefixes.get('8.8.8.8/32')?.identity
    expect(identity()).equals(9)
    const ingress = [{ peers: [ipBlock('8.8.8.8/32')], ports: [] }]
    made.apply(policy('elsewhere', { podSelector: [is('app', 'nobody')], ingress }))
    expect(identity()).equals(1 << 24)
  })

  it('have each prefix in the digest as soon as a rule names it, and as long', () => {
    const made = here()
    const prefixes = () => made.engine.digest().parts.prefixes
    const before = prefixes()
    made.apply(policy('p', { ingress: [{ peers: [ipBlock('8.0.0.0/8')], ports: [] }] }))
    const one = prefixes()
    made.apply(policy('p', { ingress: [{ peers: [ipBlock('9.0.0.0/8')], ports: [] }] }))
    expect(new Set([before, one, prefixes()]).size).equals(3)
    made.apply(noPolicy('p'))
    expect(prefixes()).equals(before)
  })
})
