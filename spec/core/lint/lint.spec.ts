import { readFileSync } from 'node:fs'
import { findingKinds, lint, parseNetworkPolicy, type EventBody, type Finding } from '@weir/core'
import { expect } from 'chai'
import { ccnp, clusterPolicy, lines, networkPolicy, reportOf, setting, told } from './linted.js'
import { agent, ipBlock, is, namespace, node, pod, pods, policy, Scene, tcp } from '../log.js'

function findings(...more: readonly EventBody[]): readonly Finding[] {
  const scene = new Scene()
  scene.apply(
    agent(),
    node('here', ['192.168.0.1']),
    namespace('a', {}),
    namespace('b', {}),
    pod('a/web', { app: 'web' }, '10.0.0.1', { ports: [{ name: 'http', protocol: 'TCP', port: 8080 }] }),
    pod('a/db', { app: 'db', role: 'main' }, '10.0.0.2', { ports: [{ name: 'pg', protocol: 'TCP', port: 5432 }] }),
    pod('b/api', { app: 'api' }, '10.0.0.3'),
    pod('a/agent', { app: 'agent' }, '192.168.0.1', { hostNetwork: true }),
    ...more,
  )
  return lint(scene.engine).findings
}

const of = (found: readonly Finding[], kind: Finding['kind']): string[] =>
  found
    .filter(each => each.kind === kind)
    .map(({ severity, path, message, suggestion }) => `${severity} ${path}: ${message}; ${suggestion ?? ''}`)

const web = [is('app', 'web')]
const fromWeb = { peers: [pods(is('app', 'web'))], ports: [tcp(5432)] }
/** Nothing to say of it. */
const sound = policy('sound', { podSelector: [is('app', 'db')], ingress: [fromWeb] })

/** Selects nobody and allows everybody. */
const policyWith = (annotation: string, name: string): string =>
  networkPolicy(name, 'podSelector: { matchLabels: { app: wbe } }\ningress: [{}]').replace(
    'namespace: a }',
    `namespace: a, annotations: { ${annotation} } }`,
  )

const acceptAll = 'ingress: [{ action: Accept, from: [{ namespaces: {} }] }]'

describe('lint', () => {
  it('has nothing to say of a sound policy', () => expect(findings(sound)).to.deep.equal([]))

  it('names the nearest label where a selector means nobody', () => {
    const found = findings(
      policy('p', { podSelector: [is('app', 'wbe')], ingress: [{ peers: [pods(is('ap', 'db'))], ports: [tcp(1)] }] }),
    )
    expect(of(found, 'selects-nothing')).to.deep.equal([
      'warning spec.podSelector: it selects no pod: no pod has app=wbe; there is app=web',
    ])
    expect(of(found, 'peer-matches-nothing')).to.deep.equal([
      'warning spec.ingress[0].from[0]: it means no pod: no pod has ap=db; there is app=db, app=web',
    ])
  })

  it('says when the pods meant are in another namespace, or are the node', () => {
    const other = findings(
      policy('p', { podSelector: web, ingress: [{ peers: [pods(is('app', 'api'))], ports: [tcp(1)] }] }),
    )
    expect(of(other, 'peer-matches-nothing')[0])
      .to.include('no pod in namespace a has the other labels')
      .and.include('pods in b')
    expect(of(findings(policy('p', { podSelector: [is('app', 'agent')] })), 'selects-nothing')[0]).to.include(
      'pods of the host network only',
    )
  })

  it('finds selectors that contradict themselves', () => {
    const selector = [is('app', 'db'), { key: 'app', operator: 'DoesNotExist', values: [] } as const]
    expect(of(findings(policy('p', { podSelector: selector })), 'contradiction')[0]).to.include(
      'app must not exist and must be db',
    )
  })

  it('finds allow-all by accident, and no fault in denying all', () => {
    const open = findings(policy('p', { podSelector: web, ingress: [{ peers: [], ports: [] }] }))
    expect(of(open, 'allow-all')[0]).to.include('info spec.ingress[0]: it allows every source on every port')
    const ports = findings(policy('p', { podSelector: web, ingress: [{ peers: [], ports: [tcp(8080)] }] }))
    expect(of(ports, 'allow-all')[0]).to.include('info').and.include('tcp/8080')
    expect(findings(policy('p', { podSelector: [] }))).to.deep.equal([])
  })

  it('finds policies that are equal, but for their name', () => {
    const twin = policy('twin', { podSelector: [is('app', 'db')], ingress: [fromWeb, fromWeb] })
    const found = findings(sound, twin).filter(({ kind }) => kind === 'duplicate-policy')
    expect(found.map(each => [each.policy, each.message])).to.deep.equal([
      ['NetworkPolicy a/twin', 'it says the same as NetworkPolicy a/sound'],
    ])
    expect(of(findings(sound, policy('other', { podSelector: web, ingress: [fromWeb] })), 'duplicate-policy')).to.be
      .empty
  })

  it('knows the traps of NetworkPolicy', () => {
    const found = findings(
      policy('p', {
        podSelector: [is('app', 'db')],
        policyTypes: ['ingress', 'egress'],
        ingress: [
          { peers: [pods(is('app', 'web')), { kind: 'pods', namespaceSelector: [] }], ports: [tcp('htp')] },
          { peers: [ipBlock('10.0.0.0/8', '10.1.0.0/16')], ports: [] },
          { peers: [ipBlock('10.1.0.0/16')], ports: [] },
        ],
        // Who may talk to nobody needs no names.
        egress: [{ peers: [pods(is('app', 'web'))], ports: [tcp(8080)] }],
      }),
    )
    expect(of(found, 'peers-ored')[0]).to.include('spec.ingress[0].from')
    expect(of(found, 'named-port-unknown')[0]).to.include('named htp')
    expect(of(found, 'cidr-means-pods')[0]).to.include('a/db, a/web, b/api')
    expect(of(found, 'except-allowed-elsewhere')[0]).to.include('10.1.0.0/16 is left out of 10.0.0.0/8, not denied')
    expect(of(found, 'every-pod')).to.have.length(1)
    expect(of(found, 'no-dns')[0]).to.include('a/db can ask nobody for names')
  })

  it('says what a key that is absent means to NotIn', () => {
    const selector = [{ key: 'role', operator: 'NotIn', values: ['main'] } as const]
    expect(of(findings(policy('p', { podSelector: selector })), 'absent-key-matches')[0]).to.include('a/web')
  })

  it('says what a policy isolates beside what it speaks of', () => {
    const raw = {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name: 'p', namespace: 'a' },
      spec: { podSelector: { matchLabels: { app: 'web' } }, egress: [{ to: [{ podSelector: {} }] }] },
    }
    const parsed = parseNetworkPolicy(raw)
    if (parsed._tag === 'Left') throw new Error('refused')
    const found = findings({ kind: 'networkpolicy.upserted', policy: parsed.right })
    expect(of(found, 'isolates-silently')[0]).to.include('denies all ingress')
  })

  it('knows that policies see a service’s backend', () => {
    const service: EventBody = {
      kind: 'service.upserted',
      service: {
        namespace: 'a',
        name: 'web',
        type: 'ClusterIP',
        clusterIps: ['10.96.0.1'],
        selector: { app: 'web' },
        ports: [{ name: '', protocol: 'TCP', port: 80, targetPort: 8080 }],
      },
    }
    const at = (port: number) =>
      findings(
        service,
        policy('p', { podSelector: web, ingress: [{ peers: [pods(is('app', 'db'))], ports: [tcp(port)] }] }),
      )
    expect(of(at(80), 'service-port')[0]).to.include('port 8080')
    expect(of(at(8080), 'service-port')).to.be.empty
  })

  it('sets aside what an annotation of the policy declares to be meant, and nothing of other policies', () => {
    const meant = policyWith("weir.io/lint-ignore: 'allow-all, selects-nothing'", 'p')
    const { findings: found, ignored, policies } = reportOf([meant, policyWith('owner: somebody', 'q')])
    expect(ignored.map(({ kind, policy }) => [kind, policy])).to.deep.equal([
      ['selects-nothing', 'NetworkPolicy a/p'],
      ['allow-all', 'NetworkPolicy a/p'],
    ])
    expect(found.map(({ kind, policy }) => [kind, policy])).to.deep.equal([
      ['duplicate-policy', 'NetworkPolicy a/q'],
      ['selects-nothing', 'NetworkPolicy a/q'],
      ['allow-all', 'NetworkPolicy a/q'],
    ])
    expect(policies).to.equal(2)
  })

  it('reads the annotation in every dialect', () => {
    const annotated = (yaml: string) => yaml.replace(/ \}$/m, ", annotations: { weir.io/lint-ignore: 'every-pod' } }")
    for (const yaml of [
      networkPolicy('p', 'podSelector: {}\ningress: [{ from: [{ namespaceSelector: {} }] }]'),
      ccnp('p', 'endpointSelector: {}\ningress: [{ fromEndpoints: [{}] }]'),
      clusterPolicy('p', lines('tier: Admin', 'priority: 1', 'subject: { namespaces: {} }', acceptAll)),
    ]) {
      expect(told(reportOf(yaml), 'every-pod')).to.have.length(1)
      const { findings: found, ignored } = reportOf(annotated(yaml))
      expect([found, ignored.map(({ kind }) => kind)]).to.deep.equal([[], ['every-pod']])
    }
  })

  it('knows when the annotation names what no finding is called', () => {
    const yaml = policyWith('weir.io/lint-ignore: allow-al', 'p')
    expect(told(reportOf(yaml), 'unknown-ignore')).to.deep.equal([
      'warning NetworkPolicy a/p metadata.annotations[weir.io/lint-ignore]: no finding is called allow-al; ' +
        'did you mean allow-all?',
    ])
    const right = policyWith('weir.io/lint-ignore: allow-all', 'p')
    expect(told(reportOf(right), 'unknown-ignore')).to.deep.equal([])
  })

  it('tells of objects that are refused, each problem with its line', () => {
    const object = { kind: 'NetworkPolicy', namespace: 'a', name: 'p' }
    const problem = { path: 'spec.ingress[0].ports[0].port', message: 'the number is not legal', value: '99999' }
    const problems = [{ ...problem, expected: 'a number from 1 to 65535', file: '/p.yaml', line: 7 }]
    const { findings: found } = reportOf(policyWith('owner: somebody', 'q').replace('wbe', 'web'), [
      ...setting,
      { kind: 'input.refused', object, problems },
    ])
    expect(found.filter(({ kind }) => kind === 'refused')).to.deep.equal([
      {
        kind: 'refused',
        severity: 'error',
        policy: 'NetworkPolicy a/p',
        path: 'spec.ingress[0].ports[0].port',
        seq: setting.length + 1,
        message: 'it is refused: the number is not legal (99999)',
        suggestion: 'expected a number from 1 to 65535',
        line: 7,
      },
    ])
    expect(told(reportOf(policyWith('owner: somebody', 'q')), 'refused')).to.deep.equal([])
  })

  it('holds selectors against nobody where there are no pods, and says how many there are', () => {
    const yaml = policyWith('owner: somebody', 'p')
    const alone = reportOf(yaml, [])
    expect([told(alone, 'selects-nothing'), alone.pods]).to.deep.equal([[], 0])
    const ofNodes = ccnp('p', 'nodeSelector: { matchLabels: { zone: est } }\ningress: [{ fromEntities: [cluster] }]')
    expect(told(reportOf(ofNodes, []), 'selects-nothing')).to.deep.equal([])
    const among = reportOf(yaml)
    expect([told(among, 'selects-nothing').length, among.pods]).to.deep.equal([1, 4])
  })

  it('tells errors first, then by policy and path, each thing once', () => {
    const { findings: found } = reportOf([
      networkPolicy('b', 'podSelector: { matchLabels: { app: web } }\npolicyTypes: [Ingress]\negress: [{}]'),
      networkPolicy('a', 'podSelector: { matchLabels: { app: wbe } }\ningress: [{}, {}]'),
    ])
    expect(found.map(({ severity, policy, path }) => `${severity} ${policy} ${path}`)).to.deep.equal([
      'error NetworkPolicy a/b spec.egress',
      'warning NetworkPolicy a/a spec.ingress[0]',
      'warning NetworkPolicy a/a spec.ingress[1]',
      'warning NetworkPolicy a/a spec.podSelector',
    ])
  })

  it('explains each kind, and no other, in docs/lint.md', () => {
    const text = readFileSync(new URL('../../../../docs/lint.md', import.meta.url), 'utf8')
    const headings = [...text.matchAll(/^## (.+)$/gm)].map(match => match[1])
    expect(headings.sort()).to.deep.equal([...findingKinds].sort())
  })
})
