import { expect } from 'chai'
import { agent, is, pod, pods, policy, Scene, tcp } from '../log.js'

const everybody = { podSelector: [is('app', 'own')], ingress: [{ peers: [], ports: [tcp(80), tcp('http')] }] }
const some = { podSelector: [is('tier', 'front')], ingress: [{ peers: [pods()], ports: [tcp(81), tcp('grpc')] }] }
const ports = [80, 90].map(port => ({ name: port === 80 ? 'http' : 'grpc', protocol: 'TCP', port }) as const)

describe('a subject', () => {
  it('is one for the same rules, in whatever order they and the pods come', () => {
    const bodies = [
      policy('p', everybody),
      policy('q', some),
      pod('a/y', { tier: 'front', more: 'labels', app: 'own' }, '10.0.0.2', { ports }),
    ]
    for (const order of [
      [0, 1, 2],
      [1, 0, 2],
      [2, 1, 0],
      [0, 2, 1],
      [1, 2, 0],
    ]) {
      const scene = new Scene()
      scene.apply(
        agent(),
        pod('a/x', { app: 'own', tier: 'front' }, '10.0.0.1', { ports: [...ports].reverse() }),
        pod('a/z', { app: 'own' }, '10.0.0.3', { ports }),
      )
      for (const index of order) scene.apply(bodies[index]!)
      expect(scene.subjectOf('10.0.0.2')).to.equal(scene.subjectOf('10.0.0.1'))
      expect(scene.subjectOf('10.0.0.3')).not.to.equal(scene.subjectOf('10.0.0.1'))
    }
  })
  it('has its rules in one order, whatever order their policies come in', () => {
    const named = (name: string) => policy(name, { podSelector: [], ingress: [{ peers: [pods()], ports: [] }] })
    for (const names of ['pqr', 'rqp', 'qrp']) {
      const scene = new Scene()
      scene.apply(agent(), pod('a/x', {}, '10.0.0.1'), pod('a/y', {}, '10.0.0.2'))
      for (const name of names) scene.apply(named(name))
      const { decidedBy, matched } = scene.engine.explain({
        from: '10.0.0.2',
        to: '10.0.0.1',
        protocol: 6,
        port: 80,
      }).ingress
      expect(decidedBy?.origin.policy).to.equal('NetworkPolicy a/p')
      const allowing = matched.filter(({ action }) => action === 'allow').map(({ origin }) => origin.policy.at(-1))
      expect(allowing.join('')).to.equal('pqr')
    }
  })
  it('is another where its own numbers of the names in ingress rules differ, and of no other names', () => {
    const scene = new Scene()
    const named = (...ports: readonly (readonly [string, number])[]) => ({
      ports: ports.map(([name, port]) => ({ name, protocol: 'TCP', port }) as const),
    })
    const ports = [
      [['http', 80]],
      [['http', 81]],
      [],
      [
        ['http', 80],
        ['dns', 53],
      ],
      [
        ['http', 80],
        ['grpc', 90],
      ],
      [
        ['grpc', 90],
        ['http', 80],
      ],
    ] as const
    scene.apply(
      agent(),
      ...ports.map((each, n) => pod(`a/p${n}`, {}, `10.0.0.${n}`, named(...each))),
      policy('p', {
        policyTypes: ['ingress', 'egress'],
        ingress: [{ peers: [], ports: [tcp('http'), tcp('grpc')] }],
        egress: [{ peers: [], ports: [tcp('dns')] }],
      }),
    )
    const [first, ...others] = ports.map((_, n) => scene.subjectOf(`10.0.0.${n}`))
    expect(others[2]).to.equal(first)
    expect(others[4]).to.equal(others[3])
    expect(new Set([first, others[0], others[1], others[3]]).size).to.equal(4)
  })
  it('is told from others no longer when the policy that told them apart goes', () => {
    const scene = new Scene()
    const addresses = ['10.0.0.1', '10.0.0.2', '10.0.0.3']
    scene.apply(
      agent(),
      ...addresses.map((address, n) =>
        pod(`a/p${n}`, { app: `app-${n % 2}` }, address, { ports: [{ name: 'http', protocol: 'TCP', port: 80 + n }] }),
      ),
    )
    const subjects = () => addresses.map(address => scene.subjectOf(address))
    expect(new Set(subjects()).size).to.equal(1)
    scene.apply(
      policy('p', { podSelector: [is('app', 'app-0')], ingress: [{ peers: [pods()], ports: [tcp('http')] }] }),
    )
    expect(new Set(subjects()).size).to.equal(3)
    scene.apply(policy('p', { podSelector: [is('app', 'app-0')], ingress: [{ peers: [pods()], ports: [] }] }))
    const [first, second, third] = subjects()
    expect([first === third, first === second]).to.deep.equal([true, false])
    scene.apply({ kind: 'networkpolicy.deleted', namespace: 'a', name: 'p' })
    expect(new Set(subjects()).size).to.equal(1)
  })
  it('keeps the number of the heavier part when a policy parts it', () => {
    const scene = new Scene()
    const addresses = ['10.0.0.1', '10.0.0.2', '10.0.0.3']
    scene.apply(agent(), ...addresses.map((address, n) => pod(`a/p${n}`, { app: n < 2 ? 'many' : 'one' }, address)))
    const subjects = () => addresses.map(address => scene.subjectOf(address))
    expect(subjects()).to.deep.equal([1, 1, 1])
    scene.apply(policy('p', { podSelector: [is('app', 'one')] }))
    expect(subjects()).to.deep.equal([1, 1, 2])
    scene.apply({ kind: 'networkpolicy.deleted', namespace: 'a', name: 'p' })
    scene.apply(policy('p', { podSelector: [is('app', 'many')] }))
    expect(subjects()).to.deep.equal([1, 1, 2])
  })
  it('resolves a name for itself on ingress and leaves it to the peer on egress, when both ask', () => {
    const scene = new Scene()
    const http = (port: number) => ({ ports: [{ name: 'http', protocol: 'TCP', port }] as const })
    const rules = [{ peers: [], ports: [tcp('http')] }]
    scene.apply(
      agent(),
      pod('a/own', { app: 'own' }, '10.0.0.1', http(80)),
      pod('a/peer', { app: 'peer' }, '10.0.0.2', http(81)),
      policy('p', {
        podSelector: [is('app', 'own')],
        policyTypes: ['ingress', 'egress'],
        ingress: rules,
        egress: rules,
      }),
    )
    const allowed = (from: string, to: string) => [80, 81].filter(port => scene.verdict(from, to, port) === 1)
    expect(allowed('10.0.0.2', '10.0.0.1')).to.deep.equal([80])
    expect(allowed('10.0.0.1', '10.0.0.2')).to.deep.equal([81])
  })
})
