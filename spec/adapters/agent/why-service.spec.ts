import { type SourceOf, sourcesBySeq } from '@weir/adapters/agent/event-source.js'
import { answersTo } from '@weir/adapters/agent/question.js'
import { isServiceAnswer, type ServiceAnswer } from '@weir/adapters/agent/service-answer.js'
import { serviceLines } from '@weir/adapters/cli/render/service-answer.js'
import { plain } from '@weir/adapters/cli/terminal.js'
import type { EventBody, ServiceFact, WeirError } from '@weir/core'
import { expect } from 'chai'
import { allow, engineOf, http, pod, smallShop } from './cluster.js'

const service = (name: string, more: Partial<ServiceFact> = {}): EventBody => ({
  kind: 'service.upserted',
  service: {
    namespace: 'shop',
    name,
    type: 'ClusterIP',
    clusterIps: ['10.96.0.7'],
    selector: { app: 'cart' },
    ports: [{ name: 'http', protocol: 'TCP', port: 80, targetPort: 8080 }],
    ...more,
  },
})
const slice = (name: string, addresses: readonly string[], more: object = {}): EventBody => ({
  kind: 'endpointslice.upserted',
  slice: {
    namespace: 'shop',
    name: `${name}-${addresses[0]}`,
    service: name,
    endpoints: addresses.map(address => ({
      addresses: [address],
      ready: true,
      serving: true,
      terminating: false,
      node: 'n1',
      pod: address.endsWith('3') ? 'cart' : 'cart-b',
      ...more,
    })),
    ports: [{ name: 'http', protocol: 'TCP', port: 8080 }],
  },
})
/** web → cart is allowed at 8080, and cart-b lets nobody in. */
const shop: readonly EventBody[] = [
  ...smallShop,
  { kind: 'pod.upserted', pod: pod('cart-b', '10.0.0.5', { ports: [http] }) },
  { kind: 'networkpolicy.upserted', policy: allow('cart-b', 'cart-b', 'nobody', 8080) },
]
const source: SourceOf = async seq => ({ source: `manifests:/m/shop.yaml:${seq}` })

async function ask(bodies: readonly EventBody[], from: string, to: string): Promise<readonly ServiceAnswer[]> {
  const answers = await answersTo(engineOf([...shop, ...bodies]), from, to, source)
  return answers.filter(isServiceAnswer)
}
const outcomes = async (bodies: readonly EventBody[], from: string, to: string) =>
  (await ask(bodies, from, to)).map(({ outcome, family, backends }) => [
    outcome,
    family,
    ...backends.filter(({ isChosen }) => isChosen).map(({ address }) => address),
  ])

const web = [service('front'), slice('front', ['10.0.0.3', '10.0.0.5'])]

describe('why a service', () => {
  it('is found by its names, and by its address', async () => {
    const words = ['front', 'shop/front', 'svc/front', 'shop/svc/front', 'front.shop.svc.cluster.local', '10.96.0.7']
    for (const word of words)
      for (const to of [word, `${word}:80`])
        expect(await outcomes(web, 'web', to), to).deep.equals([['balanced', 4, '10.0.0.3', '10.0.0.5']])
    expect(await outcomes(web, 'web', 'front:http')).has.length(1)
  })

  it('that has the name of pods is asked for as such, and told of', async () => {
    const same = [service('cart'), slice('cart', ['10.0.0.3'])]
    expect(await outcomes(same, 'web', 'svc/cart')).deep.equals([['balanced', 4, '10.0.0.3']])
    const answers = await answersTo(engineOf([...shop, ...same]), 'web', 'cart', source)
    expect(answers.some(isServiceAnswer)).equals(false)
    expect(answers[0]).includes({ namesake: 'shop/cart' })
  })

  it('that nobody has is refused with what comes close, and so is a port', async () => {
    const failure = (to: string) =>
      ask(web, 'web', to).then(
        () => undefined,
        (error: unknown) => error as WeirError,
      )
    expect((await failure('svc/fromt'))?.payload).deep.include({ kind: 'service', near: ['shop/front'] })
    expect((await failure('svc/front:81'))?.payload).deep.include({ kind: 'port', near: ['http 80/TCP'] })
    expect(await outcomes(web, 'web', '10.96.0.7:81')).deep.equals([['notThere', 4]])
  })

  it('judges the client and each backend, with the rules and their events', async () => {
    const [answer] = await ask(web, 'web', 'front')
    const verdicts = answer!.flows.map(({ to, port, explanation }) => [to.name, port, explanation.verdict])
    expect(verdicts).deep.equals([
      ['shop/cart', 8080, 1],
      ['shop/cart-b', 8080, 0],
    ])
    const seq = answer!.flows[0]!.explanation.ingress.decidedBy!.origin.seq
    expect(sourcesBySeq(answer!.flows[0]!.sources).get(seq)?.source).equals(`manifests:/m/shop.yaml:${seq}`)
    expect(answer!.frontend?.causes.length).equals(2)
    expect(sourcesBySeq(answer!.sources).has(answer!.frontend!.causes[0]!)).equals(true)
  })

  it('says of each endpoint why it is chosen or not, and its share', async () => {
    const told: EventBody = {
      kind: 'backend.configured',
      backend: {
        target: { kind: 'address', address: '10.0.0.5', port: 8080, protocol: 'TCP' },
        state: 'active',
        weight: 3,
      },
    }
    const unready = slice('front', ['10.0.0.9'], { ready: false, serving: false, node: 'n2', pod: 'gone' })
    const [answer] = await ask([...web, unready, told], 'web', 'front')
    expect(answer!.backends.map(({ address, standing, share, pod: of }) => [address, standing, share, of])).deep.equals(
      [
        ['10.0.0.3', 'ready', 0.25, 'cart'],
        ['10.0.0.5', 'ready', 0.75, 'cart-b'],
        ['10.0.0.9', 'notReady', 0, 'gone'],
      ],
    )
    const lines = serviceLines([answer!], plain).join('\n')
    expect(lines).includes('goes to any of 2 backends, by weight').includes('75.0 %').includes('not ready')
  })

  it('without a backend refuses, and says what it lacks', async () => {
    const [answer] = await ask([service('front', { selector: { app: 'kart' } })], 'web', 'front')
    expect(answer!.outcome).equals('refused')
    expect(answer!.lack?.message).includes('no pod in shop has app=kart; nearest: shop/cart has app=cart')
    expect(serviceLines([answer!], plain).join('\n'))
      .includes('refused: TCP is reset')
      .includes('select app=cart')
  })

  it('is by its node port what clients inside and outside see', async () => {
    const ports = [{ name: 'http', protocol: 'TCP', port: 80, targetPort: 8080, nodePort: 30080 }] as const
    const bodies = (more: Partial<ServiceFact> = {}) => [
      service('front', { type: 'NodePort', ports, ...more }),
      slice('front', ['10.0.0.3']),
      slice('front', ['10.0.0.5'], { node: 'n2' }),
    ]
    const both = ['balanced', 4, '10.0.0.3', '10.0.0.5']
    for (const to of ['host:30080', '10.0.0.1:30080', 'front:30080']) {
      expect((await outcomes(bodies(), 'web', to))[0], to).deep.equals(both)
      expect((await outcomes(bodies(), 'world', to))[0], to).deep.equals(both)
    }
    const local = bodies({ externalTrafficPolicy: 'Local' })
    expect((await outcomes(local, 'world', 'host:30080'))[0]).deep.equals(['balanced', 4, '10.0.0.3'])
    expect((await outcomes(local, 'web', 'host:30080'))[0]).deep.equals(both)
    expect((await ask(local, 'world', 'host:30080'))[0]!.backends[1]?.standing).equals('otherNode')
    expect(await outcomes(bodies(), 'world', '10.96.0.7:80')).deep.equals([['notThere', 4]])
  })

  it('lets those in who come from its source ranges', async () => {
    const bodies = [
      service('front', {
        type: 'LoadBalancer',
        loadBalancerIps: ['203.0.113.9'],
        loadBalancerSourceRanges: ['198.51.100.0/24'],
      }),
      slice('front', ['10.0.0.3']),
    ]
    expect(await outcomes(bodies, '198.51.100.7', '203.0.113.9:80')).deep.equals([['balanced', 4, '10.0.0.3']])
    const [outside] = await ask(bodies, '192.0.2.77', '203.0.113.9:80')
    expect(outside).includes({ outcome: 'outsideRanges' })
    expect(outside!.flows).empty
    expect(serviceLines([outside!], plain).join('\n')).includes('only for 198.51.100.0/24')
    expect((await outcomes(bodies, 'web', '203.0.113.9:80'))[0]?.[0]).equals('balanced')
  })

  it('tells of clients outside the slots of each backend, and which one a port of theirs comes to', async () => {
    const bodies = [
      service('front', { type: 'LoadBalancer', loadBalancerIps: ['203.0.113.9'] }),
      slice('front', ['10.0.0.3', '10.0.0.5']),
    ]
    const engine = engineOf([...shop, ...bodies])
    const maglev = { size: 251, seed: 7 }
    const asked = async (from: string, to: string, fromPort?: number) =>
      (await answersTo(engine, from, to, source, { maglev, ...(fromPort !== undefined && { fromPort }) }))
        .filter(isServiceAnswer)
        .map(answer => ({ lines: serviceLines([answer], plain).join('\n'), table: answer.frontend?.table }))
    const [inside] = await asked('web', 'front', 40_000)
    expect(inside!.table, 'a process draws by chance').equals(undefined)
    const [plainly] = await asked('198.51.100.7', '203.0.113.9:80')
    expect(plainly!.table).includes({ slots: 251, seed: 7 })
    expect(plainly!.table!.entries, 'no port was said').equals(undefined)
    expect(plainly!.table!.shares.reduce((sum, { slots }) => sum + slots, 0)).equals(251)
    expect(plainly!.lines).matches(/SLOTS/)
    const met = new Set<string>()
    for (let port = 40_000; port < 40_016; port += 1) {
      const [{ table, lines }] = (await asked('198.51.100.7', '203.0.113.9:80', port)) as [typeof plainly & {}]
      const [entry, ...others] = table!.entries!
      expect(others).empty
      expect(entry!.slot).within(0, 250)
      expect(lines).includes(`from 198.51.100.7:${port} to 203.0.113.9: slot ${entry!.slot} of 251, ${entry!.backend}`)
      met.add(entry!.backend)
    }
    expect([...met].sort()).deep.equals(['10.0.0.3:8080/TCP', '10.0.0.5:8080/TCP'])
    const [block] = await asked('198.51.100.0/24', '203.0.113.9:80', 40_000)
    expect(block!.table!.entries, 'many clients').equals(undefined)
  })

  it('that is headless or another name is told as that', async () => {
    const [headless] = await ask([service('front', { clusterIps: ['None'] })], 'web', 'front')
    expect(headless).includes({ outcome: 'headless' })
    expect(headless!.flows.map(({ to, explanation }) => [to.name, explanation.verdict])).deep.equals([['shop/cart', 1]])
    const alias = service('front', { type: 'ExternalName', clusterIps: [], ports: [], selector: {} })
    expect(await outcomes([alias], 'web', 'front')).deep.equals([['externalName', 4]])
  })

  it('whose address another has says whose it is', async () => {
    const thief = service('a-thief', { clusterIps: ['10.96.0.7'] })
    const [answer] = await ask([...web, thief], 'web', 'front')
    expect(answer!.outcome).equals('notThere')
    expect(answer!.lack?.message).equals('10.96.0.7:80/TCP belongs to shop/a-thief')
    expect(answer!.conflicts).has.length(1)
  })

  it('keeps the families apart', async () => {
    const bodies = [
      service('front', { clusterIps: ['10.96.0.7', 'fd00:96::7'] }),
      slice('front', ['10.0.0.3']),
      slice('front', ['fd00::3']),
    ]
    expect(await outcomes(bodies, 'web', 'front')).deep.equals([
      ['balanced', 4, '10.0.0.3'],
      ['balanced', 6, 'fd00::3'],
    ])
    expect(await outcomes(bodies, 'web', '[fd00:96::7]:80')).deep.equals([['balanced', 6, 'fd00::3']])
  })

  it('tells a redirect that spares its own backends from everybody else’s', async () => {
    const bodies: readonly EventBody[] = [
      ...web,
      {
        kind: 'localredirect.upserted',
        redirect: {
          namespace: 'shop',
          name: 'near',
          frontend: { kind: 'service', service: 'front', ports: [] },
          selector: [{ key: 'app', operator: 'In', values: ['db'] }],
          backendPorts: [{ name: 'http', protocol: 'TCP', port: 9090 }],
          skipRedirectFromBackend: true,
        },
      },
    ]
    expect(await outcomes(bodies, 'web', 'front')).deep.equals([['balanced', 4, '10.0.0.4']])
    expect(await outcomes(bodies, 'db', 'front')).deep.equals([['balanced', 4, '10.0.0.3', '10.0.0.5']])
  })
})
