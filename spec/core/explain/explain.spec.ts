import { expect } from 'chai'
import { agent, is, namespace, node, pod, pods, policy, Scene, tcp } from '../log.js'

const web = '10.0.0.1'
const client = '10.0.0.2'
const far = '10.1.0.1'

/** Events: 1 agent, 2 and 3 nodes, 4 namespace, 5 web, 6 client, 7 far, 8 and 9 policies. */
function scene(): Scene {
  const made = new Scene()
  made.apply(
    agent(),
    node('here', ['192.168.0.1']),
    node('there', ['192.168.0.2']),
    namespace('a', {}),
    pod('a/web', { app: 'web' }, web),
    pod('a/client', { app: 'client' }, client),
    pod('a/far', { app: 'web' }, far, { node: 'there' }),
    policy('deny', { podSelector: [is('app', 'web')] }),
    policy('allow', {
      podSelector: [is('app', 'web')],
      ingress: [{ peers: [pods(is('app', 'client'))], ports: [tcp(80)] }],
    }),
  )
  return made
}
const explain = (made: Scene, from: string, to: string, port = 80) =>
  made.engine.explain({ from, to, protocol: 6, port })

describe('explain', () => {
  it('names the rule that allows, the event that brought it, and all that match in order', () => {
    const { verdict, ingress, egress } = explain(scene(), client, web)
    expect(verdict).to.equal(1)
    expect(ingress.reason).to.equal('rule')
    expect(ingress.decidedBy?.origin).to.deep.equal({
      policy: 'NetworkPolicy a/allow',
      path: 'spec.ingress[0]',
      seq: 9,
    })
    expect(ingress.matched.map(({ action }) => action)).to.deep.equal(['allow', 'deny', 'deny'])
    expect(egress.reason).to.equal('not-isolated')
  })
  it('names the policies that isolate where nothing allows', () => {
    const { verdict, ingress } = explain(scene(), client, web, 81)
    expect(verdict).to.equal(0)
    expect(ingress.reason).to.equal('default-deny')
    const places = ingress.isolatedBy.map(({ policy, path, seq }) => `${policy} ${path} ${seq}`)
    expect(places.sort()).to.deep.equal([
      'NetworkPolicy a/allow spec.policyTypes 9',
      'NetworkPolicy a/deny spec.policyTypes 8',
    ])
  })
  it('knows labels that identities leave out, while a rule for another node’s pods asks peers for them', () => {
    const made = scene()
    const hash = (value: string) => ({ app: 'client', 'pod-template-hash': value, 'controller-revision-hash': value })
    made.apply(
      pod('a/old', hash('1'), '10.1.0.8', { node: 'there' }),
      pod('a/new', hash('2'), '10.1.0.9', { node: 'there' }),
      pod('a/db', { app: 'db' }, '10.1.0.2', { node: 'there' }),
    )
    const taken = (): boolean[] =>
      ['10.1.0.8', '10.1.0.9'].map(from => explain(made, from, '10.1.0.2').ingress.verdict === 1)
    const takes = (key: string, value: string) =>
      policy('db', { podSelector: [is('app', 'db')], ingress: [{ peers: [pods(is(key, value))], ports: [] }] })
    made.apply(takes('pod-template-hash', '2'))
    expect(taken()).to.deep.equal([false, true])
    made.apply(takes('controller-revision-hash', '1'))
    expect(taken()).to.deep.equal([true, false])
    made.apply(policy('db', { podSelector: [is('app', 'db')], ingress: [{ peers: [], ports: [] }] }))
    expect(taken()).to.deep.equal([true, true])
    made.apply(takes('pod-template-hash', '1'))
    expect(taken()).to.deep.equal([true, false])
  })
  it('names the event of the version in force, though its rules say the same', () => {
    const made = scene()
    made.apply(policy('deny', { podSelector: [is('app', 'web')] }))
    expect(
      explain(made, '8.8.8.8', web)
        .ingress.isolatedBy.map(({ seq }) => seq)
        .sort((a, b) => a - b),
    ).to.deep.equal([9, 10])
  })
  it('judges pods of other nodes too, and says that this node does not enforce it', () => {
    const made = scene()
    const { verdict, ingress } = explain(made, '8.8.8.8', far)
    expect(verdict).to.equal(0)
    expect(ingress.enforcedHere).to.equal(false)
    expect(made.verdict('8.8.8.8', far)).to.equal(1)
  })
  it('knows the node of a pod elsewhere', () => {
    expect(explain(scene(), '192.168.0.2', far).verdict).to.equal(1)
    expect(explain(scene(), '192.168.0.1', far).verdict).to.equal(0)
    expect(explain(scene(), '192.168.0.1', web).ingress.decidedBy?.origin.policy).to.match(/^built-in/)
  })
  it('says who the ends are', () => {
    const { from, to, egress } = explain(scene(), '8.8.8.8', web)
    expect(from).to.include({ kind: 'world', name: '0.0.0.0/0', identity: 9, local: false })
    expect(from.labels).to.deep.equal(['reserved:world-ipv4'])
    expect(to).to.include({ kind: 'pod', name: 'a/web', local: true })
    expect(egress.reason).to.equal('not-a-pod')
    expect(explain(scene(), web, web).ingress.reason).to.equal('itself')
  })
})
