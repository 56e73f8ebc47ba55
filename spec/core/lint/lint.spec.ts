import { readFileSync } from 'node:fs'
import { findingKinds, lint, parseNetworkPolicy, type EventBody, type Finding } from '@weir/core'
import { expect } from 'chai'
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
  return lint(scene.engine)
}

const of = (found: readonly Finding[], kind: Finding['kind']): string[] =>
  found
    .filter(each => each.kind === kind)
    .map(({ severity, path, message, suggestion }) => `${severity} ${path}: ${message}; ${suggestion ?? ''}`)

const web = [is('app', 'web')]
const fromWeb = { peers: [pods(is('app', 'web'))], ports: [tcp(5432)] }
/** Nothing to say of it. */
const sound = policy('sound', { podSelector: [is('app', 'db')], ingress: [fromWeb] })

describe('lint', () => {
  it('has nothing to say of a sound policy', () => expect(findings(sound)).to.deep.equal([]))

  it('names the nearest label where a selector means nobody', () => {
    const found = findings(
      policy('p', { podSelector: [is('app', 'wbe')], ingress: [{ peers: [pods(is('ap', 'db'))], ports: [tcp(1)] }] }),
    )
    expect(of(found, 'selects-nothing')).to.deep.equal([
      'warning : it selects no pod: no pod has app=wbe; there is app=web',
    ])
    expect(of(found, 'peer-matches-nothing')).to.deep.equal([
      'warning spec.ingress[0]: a peer selector means no pod: no pod has ap=db; there is app=db, app=web',
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
      'must exist and must not',
    )
  })

  it('finds allow-all by accident, and no fault in denying all', () => {
    const open = findings(policy('p', { podSelector: web, ingress: [{ peers: [], ports: [] }] }))
    expect(of(open, 'allow-all')[0]).to.include('warning spec.ingress[0]: it allows every source on every port')
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

  it('explains each kind, and no other, in docs/lint.md', () => {
    const text = readFileSync(new URL('../../../../docs/lint.md', import.meta.url), 'utf8')
    const headings = [...text.matchAll(/^## (.+)$/gm)].map(match => match[1])
    expect(headings.sort()).to.deep.equal([...findingKinds].sort())
  })
})
