import { why } from '@weir/adapters/agent/why.js'
import { type EventBody, WeirError } from '@weir/core'
import { expect } from 'chai'
import { allow, engineOf, http, pod, smallShop } from './cluster.js'

const cluster: readonly EventBody[] = [
  ...smallShop,
  { kind: 'node.upserted', node: { name: 'n2', labels: {}, addresses: ['10.0.0.200'], podCidrs: [] } },
  { kind: 'namespace.upserted', namespace: { name: 'shop', labels: { team: 'a' } } },
  { kind: 'pod.upserted', pod: pod('api-1', '10.0.1.1', { labels: { app: 'api' }, workload: 'ReplicaSet/api' }) },
  { kind: 'pod.upserted', pod: pod('api-2', '10.0.1.2', { labels: { app: 'api' }, workload: 'ReplicaSet/api' }) },
  {
    kind: 'pod.upserted',
    pod: pod('api-3', '10.0.1.3', { labels: { app: 'api', tier: 'x' }, workload: 'ReplicaSet/api' }),
  },
  {
    kind: 'networkpolicy.upserted',
    policy: {
      ...allow('tier', 'cart', 'web', 8080),
      name: 'tier',
      ingress: [
        {
          peers: [{ kind: 'pods', podSelector: [{ key: 'tier', operator: 'In', values: ['x'] }] }],
          ports: [{ protocol: 'TCP', port: 8080, endPort: 8082 }],
        },
        { peers: [{ kind: 'ipBlock', cidr: '203.0.113.0/24', except: [] }], ports: [] },
      ],
    },
  },
]

const engine = engineOf(cluster)

/** `who → whom protocol:ports allowed?`, of IPv4 alone. */
const told = (from: string, to: string): string[] =>
  why(engine, from, to)
    .filter(({ explanation: { from: a, to: b } }) => ![a.address, b.address].some(each => each.includes(':')))
    .map(
      ({ from: a, to: b, protocol, port, lastPort, explanation }) =>
        `${(a.members ?? [a.name]).join()} → ${(b.members ?? [b.name]).join()} ${protocol}:${port}` +
        `${lastPort === port ? '' : `-${lastPort}`} ${explanation.verdict === 1 ? 'allowed' : 'denied'}`,
    )

describe('why: words that mean many', () => {
  it('are a workload: an answer for each verdict, with who is meant', () => {
    for (const word of ['shop/api', 'api', 'rs/api', 'replicaset/api', 'shop/rs/api'])
      expect(told(word, 'shop/cart:8080')).to.deep.equal([
        'shop/api-1,shop/api-2 → shop/cart 6:8080 denied',
        'shop/api-3 → shop/cart 6:8080 allowed',
      ])
  })

  it('are labels, as kubectl and Cilium write them', () => {
    const all = ['shop/api-1,shop/api-2 → shop/cart 6:8080 denied', 'shop/api-3 → shop/cart 6:8080 allowed']
    for (const word of ['app=api', 'k8s:app=api,ns=shop', 'app in (api, nobody)', 'app==api,namespace!=data'])
      expect(told(word, 'app=cart:8080'), word).to.deep.equal(all)
    expect(told('app=api,!tier', 'cart:8080')).to.deep.equal(['shop/api-1,shop/api-2 → shop/cart 6:8080 denied'])
    expect(told('web', 'k8s:app=cart:http/tcp')).to.deep.equal(['shop/web → shop/cart 6:8080 allowed'])
  })

  it('are pods that nobody has, judged as if they were there', () => {
    expect(told('app=new,tier=x,ns=shop', 'cart:8080')).to.deep.equal([
      'a pod with app=new, tier=x in shop → shop/cart 6:8080 allowed',
    ])
    expect(told('app=new,tier=x,ns=other', 'cart:8080')).to.deep.equal([
      'a pod with app=new, tier=x in other → shop/cart 6:8080 denied',
    ])
    expect(told('web', 'app=cart,tier=y,ns=shop:http')).to.deep.equal([
      'shop/web → a pod with app=cart, tier=y in shop 6:65535 denied',
    ])
    expect(() => told('app=a,app=b', 'cart:1')).to.throw(WeirError, 'no pod can have such labels')
  })

  it('are entities', () => {
    expect(told('world', 'cart:8080')).to.deep.equal(['world → shop/cart 6:8080 denied'])
    expect(told('host', 'cart:8080')).to.deep.equal(['host → shop/cart 6:8080 allowed'])
    expect(told('reserved:remote-node', 'cart:8080')).to.deep.equal(['node n2 → shop/cart 6:8080 denied'])
    expect(told('health', 'cart:8080')).to.deep.equal(['health → shop/cart 6:8080 denied'])
    expect(told('cluster', 'cart:8080')).to.deep.equal([
      'shop/web → shop/cart 6:8080 allowed',
      'shop/api-1,shop/api-2,shop/db → shop/cart 6:8080 denied',
      'shop/api-3 → shop/cart 6:8080 allowed',
      'host → shop/cart 6:8080 allowed',
      'node n2 → shop/cart 6:8080 denied',
    ])
    expect(() => told('kube-apiserver', 'cart:1')).to.throw(WeirError, 'no EndpointSlice')
    expect(() => told('reserved:hots', 'cart:1'))
      .to.throw(WeirError)
      .with.nested.property('payload.near[0]', 'host')
  })

  it('are blocks: the prefixes that rules name in them, pods and nodes', () => {
    expect(told('203.0.0.0/16', 'cart:8080')).to.deep.equal([
      '203.0.113.0/24 → shop/cart 6:8080 allowed',
      '203.0.0.0/16 → shop/cart 6:8080 denied',
    ])
    expect(told('203.0.113.128/25', 'cart:1-65535/any').map(line => line.replace(/.*→/, ''))).to.deep.equal(
      [6, 17, 132].map(protocol => ` shop/cart ${protocol}:1-65535 allowed`),
    )
    expect(told('10.0.1.0/30', 'cart:8080')).to.deep.equal([
      '10.0.1.0/30 → shop/cart 6:8080 denied',
      'shop/api-1,shop/api-2 → shop/cart 6:8080 denied',
      'shop/api-3 → shop/cart 6:8080 allowed',
    ])
    expect(() => told('10.0.0.0/33', 'cart:1')).to.throw(WeirError, 'no block of addresses')
  })

  it('are blocks of which the same one speaks, in whatever order rules came to name them', () => {
    const naming = (name: string, cidr: string): EventBody => ({
      kind: 'networkpolicy.upserted',
      policy: {
        ...allow(name, 'db', 'web', 1),
        ingress: [{ peers: [{ kind: 'ipBlock', cidr, except: [] }], ports: [] }],
      },
    })
    const named = [naming('a', '192.0.2.128/25'), naming('b', '192.0.2.0/25'), naming('c', '192.0.2.0/26')]
    const spoken = [named, named.toReversed()].map(policies =>
      why(engineOf([...smallShop, ...policies]), '192.0.2.0/24', 'shop/cart:8080').map(({ explanation, from }) => [
        explanation.flow.from,
        from.members,
      ]),
    )
    expect(JSON.stringify(spoken[0])).to.contain('192.0.2.0/26')
    expect(spoken[0]).to.deep.equal(spoken[1])
  })

  it('are ports: told in the parts that rules make of a range', () => {
    expect(told('api-3', 'cart:8000-9000')).to.deep.equal([
      'shop/api-3 → shop/cart 6:8000-8079 denied',
      'shop/api-3 → shop/cart 6:8080-8082 allowed',
      'shop/api-3 → shop/cart 6:8083-9000 denied',
    ])
    expect(() => told('web', 'cart:90-80')).to.throw(WeirError, 'ends before it begins')
    expect(() => told('web', 'cart:1-65536')).to.throw(WeirError, 'no port has this number')
  })

  it('are ICMP types, by number, with a code, by name', () => {
    const ports = (to: string) => why(engine, 'web', to).map(({ protocol, port }) => [protocol, port])
    expect(ports('cart:8/icmp')).to.deep.equal([[1, 8 << 8]])
    expect(ports('cart:3.1/ICMP')).to.deep.equal([[1, (3 << 8) | 1]])
    expect(ports('cart:echo-request/icmp')).to.deep.equal([
      [1, 8 << 8],
      [58, 128 << 8],
    ])
    expect(ports('cart:128/icmp6')).to.deep.equal([[58, 128 << 8]])
    expect(() => ports('cart:EchoRequst/icmp'))
      .to.throw(WeirError, 'no such ICMP type')
      .with.nested.property('payload.problems[0].expected')
      .include('EchoRequest')
  })

  it('say which of them have no port of a name', () => {
    const [answer] = why(engine, 'web', 'ns=shop,app in (cart,db):http')
    expect(answer!.to.members).to.deep.equal(['shop/cart'])
    expect(answer!.withoutPort).to.deep.equal(['shop/db'])
  })

  it('leave out who would talk to himself, unless he alone is asked about', () => {
    expect(told('shop/api', 'shop/api:1').length).to.be.above(0)
    expect(told('web', 'web:1')).to.deep.equal(['shop/web → shop/web 6:1 allowed'])
    expect(why(engine, 'web', 'web:1')[0]!.explanation.ingress.reason).to.equal('itself')
  })

  it('answer for pods without an address', () => {
    const unplaced = engineOf([
      ...cluster,
      { kind: 'pod.upserted', pod: pod('late', '10.0.0.9', { addresses: [], ports: [http], labels: { app: 'web' } }) },
    ])
    const [answer] = why(unplaced, 'late', 'cart:8080')
    expect(answer!.explanation.verdict).to.equal(1)
    expect(answer!.from).to.deep.equal({ name: 'shop/late', address: '' })
  })
})
