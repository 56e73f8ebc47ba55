import { expect } from 'chai'
import { verdicts, type EventBody } from '@weir/core'
import type { ClusterPolicyFact, ClusterPolicyRule } from '@weir/core/event/cluster-policy.js'
import { agent, is, node, pod, policy, Scene } from '../log.js'

const { allow, deny, denylisted } = verdicts
const web = '10.0.0.1'
const client = '10.0.0.2'

const everybody = { kind: 'namespaces', selector: [] } as const

const cluster = (
  name: string,
  tier: ClusterPolicyFact['tier'],
  priority: number,
  ...ingress: readonly Partial<ClusterPolicyRule>[]
): EventBody => ({
  kind: 'clusterpolicy.upserted',
  policy: {
    kind: 'ClusterNetworkPolicy',
    name,
    tier,
    priority,
    subject: everybody,
    ingress: ingress.map((rule, index) => ({
      path: `spec.ingress[${index}]`,
      action: 'deny',
      peers: [everybody],
      ...rule,
    })),
    egress: [],
  },
})

function scene(...bodies: readonly EventBody[]): Scene {
  const made = new Scene()
  made.apply(
    agent(),
    node('there', ['192.168.0.2'], { labels: { zone: 'y' } }),
    pod('a/web', { app: 'web' }, web, { ports: [{ name: 'dns', protocol: 'UDP', port: 53 }] }),
    pod('a/client', { app: 'client' }, client),
    ...bodies,
  )
  return made
}

describe('ClusterNetworkPolicy', () => {
  it('decides before the policies of namespaces in the admin tier, by priority, then by place', () => {
    const open = policy('q', { ingress: [{ peers: [], ports: [] }] })
    expect(scene(open, cluster('p', 'admin', 5, {})).verdict(client, web)).to.equal(denylisted)
    const first = scene(cluster('p', 'admin', 5, {}), cluster('z', 'admin', 4, { action: 'accept' }), policy('q', {}))
    expect(first.verdict(client, web)).to.equal(allow)
    const place = scene(cluster('p', 'admin', 5, { action: 'accept' }, { action: 'deny' }), policy('q', {}))
    expect(place.verdict(client, web)).to.equal(allow)
  })
  it('passes on to the next tier', () => {
    const passes = cluster('p', 'admin', 1, { action: 'pass' })
    const later = cluster('r', 'admin', 2, { action: 'accept' })
    expect(scene(passes, later, policy('q', {})).verdict(client, web)).to.equal(deny)
    expect(scene(passes, later).verdict(client, web)).to.equal(allow)
  })
  it('applies its baseline only where nothing isolates', () => {
    const baseline = cluster('p', 'baseline', 0, {})
    expect(scene(baseline).verdict(client, web)).to.equal(denylisted)
    const allowed = policy('q', { ingress: [{ peers: [], ports: [] }] })
    expect(scene(baseline, allowed).verdict(client, web)).to.equal(allow)
    expect(scene(cluster('p', 'baseline', 0, { action: 'accept' }), policy('q', {})).verdict(client, web)).to.equal(
      deny,
    )
  })
  it('knows nodes, networks and domain names as peers', () => {
    const peers = [
      { kind: 'nodes', selector: [is('zone', 'y')] },
      { kind: 'networks', cidrs: ['10.0.0.2/32'] },
      { kind: 'domainNames', names: ['*.x.org'] },
    ] as const
    const made = scene(cluster('p', 'admin', 1, { peers }))
    made.apply({
      kind: 'dns.answered',
      answer: { name: 'a.b.x.org', addresses: ['9.9.9.9', '10.0.0.1'], ttlSeconds: 9 },
    })
    const from = ['192.168.0.2', client, '9.9.9.9', '8.8.8.8']
    expect(from.map(each => made.verdict(each, web))).to.deep.equal([denylisted, denylisted, denylisted, allow])
  })
  it('resolves a name without protocol in every protocol that the pod has it in', () => {
    const ports = { ranges: [], named: [{ name: 'dns', protocol: 0 }] }
    const made = scene(cluster('p', 'admin', 1, { ports }))
    expect([made.verdict(client, web, 'udp/53'), made.verdict(client, web, 53)]).to.deep.equal([denylisted, allow])
  })
})
