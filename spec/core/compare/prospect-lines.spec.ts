import { compareStates, type Comparison, Engine, type EventBody, type FlowChange } from '@weir/core'
import { partyText } from '@weir/core/compare/parties.js'
import { portsText } from '@weir/core/compare/port-text.js'
import { expect } from 'chai'
import { agent, ipBlock, is, namespace, pod, pods, policy, Scene, tcp } from '../log.js'

const base = [
  agent(),
  namespace('a', { team: 'x' }),
  namespace('b', { team: 'y' }),
  pod('a/web', { app: 'web' }, '10.0.0.1'),
  pod('a/db', { app: 'db' }, '10.0.0.3'),
] as const

function compared(
  before: readonly EventBody[],
  after: readonly EventBody[],
  limits?: Parameters<typeof compareStates>[2],
) {
  const scene = new Scene()
  scene.apply(...base, ...before)
  const first = Engine.restore(structuredClone(scene.engine.snapshot()))
  scene.apply(...after)
  return compareStates(first, scene.engine, limits)
}

const line = ({ change, from, to, families, ports, portNames }: FlowChange): string =>
  `${from.map(partyText).join(', ')} → ${to.map(partyText).join(', ')} : ${portsText(ports)} v${families.join('')} ${change}` +
  (portNames === undefined ? '' : ` named ${portNames.has.join()} not ${portNames.lacks.join()}`)

const lines = ({ changes }: Comparison): string[] => changes.map(line)

const from = (...peers: NonNullable<Parameters<typeof policy>[1]['ingress']>[number]['peers'][number][]) =>
  policy('db', { podSelector: [is('app', 'db')], ingress: [{ peers, ports: [tcp(5432)] }] })

describe('compare: lines about pods to come', () => {
  it('name those that several selectors mean at once', () => {
    const tier = policy('tier', { podSelector: [is('tier', 'x')], policyTypes: ['egress'], egress: [] })
    const before = [from(pods(is('app', 'web'))), tier]
    expect(lines(compared(before, [from(pods(is('app', 'web')), pods(is('role', 'r')))]))).to.deep.equal([
      'pods with app NotIn (web), io.kubernetes.pod.namespace In (a), role In (r), tier NotIn (x) (none now) → a/db : tcp/5432 v4 newly-allowed',
    ])
  })

  it('stand for what a pod and another of its kind would send each other', () => {
    const not = { key: 'app', operator: 'NotIn', values: ['web'] } as const
    expect(lines(compared([from(pods(is('app', 'web')))], [from(pods(is('app', 'web')), pods(not))]))).to.deep.equal([
      'a/db → pods with app In (db), io.kubernetes.pod.namespace In (a) (besides a/db) : tcp/5432 v4 newly-allowed',
      'pods with app NotIn (web), io.kubernetes.pod.namespace In (a) (besides a/db) → a/db : tcp/5432 v4 newly-allowed',
    ])
  })

  it('name those of namespaces to come', () => {
    const other = { kind: 'pods', namespaceSelector: [is('team', 'z')] } as const
    expect(lines(compared([from(pods(is('app', 'web')))], [from(pods(is('app', 'web')), other)]))).to.deep.equal([
      'pods with io.cilium.k8s.namespace.labels.team In (z) in a namespace to come (none now) → a/db : tcp/5432 v4 newly-allowed',
    ])
  })

  it('say how a port must be named', () => {
    const named = (...ports: readonly (string | number)[]) =>
      policy('new', { podSelector: [is('app', 'new')], ingress: [{ peers: [], ports: ports.map(port => tcp(port)) }] })
    const found = lines(compared([named(80)], [named(80, 'http')])).filter(each => each.startsWith('a/db'))
    expect(found).to.deep.equal([
      'a/db, a/web → pods with app In (new), io.kubernetes.pod.namespace In (a) (none now) : tcp/0-79, tcp/81-65535 v4 newly-allowed named http not ',
    ])
  })

  it('say whose ports could have more names than are tried', () => {
    const named = (...ports: readonly (string | number)[]) =>
      policy('new', { podSelector: [is('app', 'new')], ingress: [{ peers: [], ports: ports.map(port => tcp(port)) }] })
    const names = ['n1', 'n2', 'n3', 'n4', 'n5', 'n6', 'n7']
    expect(compared([named(80)], [named(80, ...names.slice(1))]).uncovered).to.deep.equal([])
    const [uncovered] = compared([named(80)], [named(80, ...names)]).uncovered
    expect(uncovered).to.include({ direction: 'ingress', role: 'names', limit: 6 })
    expect(uncovered!.selectors.flatMap(selector => selector.map(({ key }) => key))).to.include('app')
  })

  it('are none for a block written as its halves', () => {
    expect(compared([from(ipBlock('0.0.0.0/0'))], [from(ipBlock('0.0.0.0/1'), ipBlock('128.0.0.0/1'))])).to.deep.equal({
      changes: [],
      uncovered: [],
    })
  })

  it('are as many as the bound allows; who is left out is said', () => {
    const keys = ['k1', 'k2', 'k3', 'k4', 'k5']
    const isolated = keys.map(key => policy(key, { podSelector: [is(key, 'v')], policyTypes: ['egress'], egress: [] }))
    const after = [from(pods(is('app', 'web')), pods(is('app', 'new')))]
    const whole = compared([from(pods(is('app', 'web'))), ...isolated], after)
    expect(whole.uncovered).to.deep.equal([])
    const bounded = compared([from(pods(is('app', 'web'))), ...isolated], after, { labelSets: 5, pairs: 1000 })
    expect(bounded.uncovered.map(({ direction, role, limit }) => [direction, role, limit])).to.deep.equal([
      ['ingress', 'peer', 5],
    ])
    const { selectors } = bounded.uncovered[0]!
    expect(selectors).to.not.be.empty
    for (const selector of selectors) expect(selector.map(({ key }) => key)).to.include('app')
  })
})
