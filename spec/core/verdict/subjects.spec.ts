import { expect } from 'chai'
import type { Rule } from '@weir/core'
import { portKey, type CompiledRule, type Shape } from '@weir/core/verdict/model.js'
import { subjectOf } from '@weir/core/verdict/subjects.js'
import { agent, is, pod, pods, policy, Scene, tcp } from '../log.js'

const shape = (ports: Readonly<Record<string, number>>): Shape => ({
  key: '',
  kind: 'pod',
  labels: new Map(),
  identityLabels: [],
  ports: new Map(Object.entries(ports)),
  groups: new Set(),
  references: 0,
  judged: new Set(),
})

function compiled(id: number, more: Partial<Rule>, ...names: readonly string[]): CompiledRule {
  const rule: Rule = {
    tier: 'namespaced',
    order: 1,
    subject: [],
    direction: 'ingress',
    action: 'allow',
    peers: 'any',
    ports: 'any',
    origin: { policy: '', path: '', seq: 1 },
    ...more,
  }
  const subject = {
    selectorKey: '',
    selector: [],
    shapes: new Set<Shape>(),
    references: 0,
    rules: new Set<CompiledRule>(),
  }
  return {
    id,
    text: `text ${id}`,
    rule,
    numbered: [],
    names: names.map(name => ({ name, protocol: 6 })),
    subject,
    bound: true,
    bases: 'any',
    uses: [],
  }
}

describe('a subject', () => {
  const [http, dns] = [portKey(6, 'http'), portKey(17, 'dns')]
  const asking = compiled(10, {}, 'http', 'grpc')
  const others = [
    compiled(9, { order: 3 }),
    compiled(2, { order: 3 }),
    compiled(1, { order: 0, direction: 'egress' }, 'dns'),
  ]

  it('is one for the same rules, in whatever order', () => {
    const rules = [asking, ...others]
    const { key, data } = subjectOf(shape({ [http]: 80 }), rules)
    expect(subjectOf(shape({ [http]: 80 }), [...rules].reverse()).key).to.equal(key)
    expect(subjectOf(shape({ [http]: 80 }), [...others, asking]).key).to.equal(key)
    expect(subjectOf(shape({ [http]: 80 }), others).key).not.to.equal(key)
    expect(data.rules.map(({ id }) => id)).to.deep.equal([1, 10, 2, 9])
    expect(subjectOf(shape({}), [...rules].reverse()).data.rules.map(({ id }) => id)).to.deep.equal([1, 10, 2, 9])
  })
  it('is another where its own numbers of the names in ingress rules differ, and of no other names', () => {
    const keyOf = (ports: Readonly<Record<string, number>>) => subjectOf(shape(ports), [asking, ...others]).key
    expect(keyOf({ [http]: 80 })).not.to.equal(keyOf({ [http]: 81 }))
    expect(keyOf({ [http]: 80 })).not.to.equal(keyOf({}))
    expect(keyOf({ [http]: 80, [dns]: 53, [portKey(6, 'dns')]: 53 })).to.equal(keyOf({ [http]: 80 }))
    const grpc = portKey(6, 'grpc')
    expect(keyOf({ [http]: 80, [grpc]: 90 })).to.equal(keyOf({ [grpc]: 90, [http]: 80 }))
    expect([...subjectOf(shape({ [http]: 80, [dns]: 53 }), [asking]).data.resolution]).to.deep.equal([[http, 80]])
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
