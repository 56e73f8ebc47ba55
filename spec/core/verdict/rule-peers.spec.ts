import { expect } from 'chai'
import { Engine, type NetworkPolicyPeer, verdicts } from '@weir/core'
import { agent, ipBlock, is, noPod, noPolicy, pod, pods, policy, Scene, tcp } from '../log.js'

const remote = { node: 'there' }

/** A local web, remote clients x, y and z, and a policy whose one rule says whom web takes or asks. */
function scene() {
  const made = new Scene()
  made.apply(agent(), pod('a/web', { app: 'web' }, '10.0.0.1'))
  for (const [at, app] of ['x', 'y', 'z'].entries()) made.apply(pod(`a/${app}`, { app }, `10.1.0.${at}`, remote))
  return made
}

const takes = (name: string, peers: readonly NetworkPolicyPeer[], port: number | string) =>
  policy(name, { podSelector: [is('app', 'web')], ingress: [{ peers, ports: [tcp(port)] }] })
const asks = (name: string, peers: readonly NetworkPolicyPeer[], port: number | string) =>
  policy(name, {
    podSelector: [is('app', 'web')],
    policyTypes: ['egress'],
    egress: [{ peers, ports: [tcp(port)] }],
  })
const byApp = (...apps: readonly string[]) => apps.map(app => pods(is('app', app)))

/** Which of x, y and z web takes on a port. */
const taken = (made: Scene, port: number): string =>
  ['x', 'y', 'z'].filter((_, at) => made.verdict(`10.1.0.${at}`, '10.0.0.1', port) === verdicts.allow).join('')

/** The digest of a state that nobody changed step by step. */
function agreesWithReplay(made: Scene): void {
  const anew = new Engine()
  anew.fold(made.log.events)
  expect(made.engine.digest()).to.deep.equal(anew.digest())
}

describe('a rule with other peers', () => {
  it('takes those whom it names now, and those no more whom it named before', () => {
    const made = scene()
    for (const apps of [['x'], ['x', 'y'], ['y', 'z'], ['z'], ['x', 'y', 'z'], []]) {
      made.apply(takes('p', apps.length === 0 ? byApp('nobody') : byApp(...apps), 80))
      expect(taken(made, 80)).to.equal(apps.join(''))
      agreesWithReplay(made)
    }
  })

  it('takes everybody once it names nobody, and only some once it names them again', () => {
    const made = scene()
    for (const apps of [['x'], [], ['y'], []]) {
      made.apply(takes('p', byApp(...apps), 80))
      expect(taken(made, 80)).to.equal(apps[0] ?? 'xyz')
      agreesWithReplay(made)
    }
  })

  it('leaves other rules alone that ask for the same peers, in both directions', () => {
    const made = scene()
    made.apply(takes('p', byApp('x', 'y'), 80), takes('q', byApp('x'), 81), asks('r', byApp('x', 'y'), 82))
    made.apply(takes('p', byApp('y'), 80))
    expect([taken(made, 80), taken(made, 81)]).to.deep.equal(['y', 'x'])
    expect(made.verdict('10.0.0.1', '10.1.0.0', 82)).to.equal(verdicts.allow)
    // The direction that went on asking follows its peers still.
    made.apply(pod('a/x2', { app: 'x' }, '10.1.0.9', remote), asks('r', byApp('y'), 82))
    expect(made.verdict('10.0.0.1', '10.1.0.9', 82)).to.equal(verdicts.deny)
    expect(made.verdict('10.1.0.9', '10.0.0.1', 81)).to.equal(verdicts.allow)
    agreesWithReplay(made)
  })

  it('leaves the other direction asking for a peer that one direction asks for no more', () => {
    const made = scene()
    const other = policy('db', {
      podSelector: [is('app', 'db')],
      ingress: [{ peers: [pods(is('more', 'yes'))], ports: [] }],
    })
    made.apply(pod('a/db', { app: 'db' }, '10.0.0.2'), other, takes('p', byApp('x'), 80), asks('r', byApp('x'), 82))
    made.apply(takes('p', byApp('y'), 80))
    // A class that only the selector of x tells web of.
    made.apply(pod('a/x2', { app: 'x', more: 'yes' }, '10.1.0.9', remote))
    expect(made.verdict('10.0.0.1', '10.1.0.9', 82)).to.equal(verdicts.allow)
    expect(made.verdict('10.1.0.9', '10.0.0.1', 80)).to.equal(verdicts.deny)
    agreesWithReplay(made)
  })

  it('may change with what else changes at once: its subject’s pods, its end, its change back', () => {
    const made = scene()
    made.apply(takes('p', byApp('x'), 80))
    made.apply(takes('p', byApp('y'), 80), pod('a/web2', { app: 'web', more: 'labels' }, '10.0.0.2'))
    expect(made.verdict('10.1.0.1', '10.0.0.2', 80)).to.equal(verdicts.allow)
    expect(taken(made, 80)).to.equal('y')
    // A pod that the changed rule and one more select: a subject that was not there before.
    const third = policy('third', { podSelector: [is('third', 'yes')], ingress: [] })
    made.apply(takes('p', byApp('x'), 80), third, pod('a/web3', { app: 'web', third: 'yes' }, '10.0.0.3'))
    expect(made.verdict('10.1.0.0', '10.0.0.3', 80)).to.equal(verdicts.allow)
    expect(taken(made, 80)).to.equal('x')
    made.apply(takes('p', byApp('z'), 80), takes('p', byApp('y'), 80))
    expect(taken(made, 80)).to.equal('y')
    made.apply(takes('p', byApp('z'), 80), noPolicy('p'))
    expect(taken(made, 80)).to.equal('xyz')
    agreesWithReplay(made)
    made.apply(takes('p', byApp('x'), 80))
    made.apply(takes('p', byApp('y'), 80), noPolicy('p'), noPod('a/web'), noPod('a/web2'), noPod('a/web3'))
    expect(made.engine.tables.endpoints.size).to.equal(0)
    agreesWithReplay(made)
  })

  it('resolves a named port at the peers that it names now', () => {
    const made = scene()
    const http = (port: number) => ({ ports: [{ name: 'http', protocol: 'TCP', port }] as const, ...remote })
    made.apply(pod('a/x', { app: 'x' }, '10.1.0.0', http(80)), pod('a/y', { app: 'y' }, '10.1.0.1', http(81)))
    const passes = (): boolean[] =>
      [80, 81].map((port, at) => made.verdict('10.0.0.1', `10.1.0.${at}`, port) === verdicts.allow)
    made.apply(asks('p', byApp('x'), 'http'))
    expect(passes()).to.deep.equal([true, false])
    made.apply(asks('p', byApp('y'), 'http'))
    expect(passes()).to.deep.equal([false, true])
    agreesWithReplay(made)
  })

  it('leaves peers’ named ports told apart for another rule that asks for the same', () => {
    const made = scene()
    const http = (port: number) => ({ ports: [{ name: 'http', protocol: 'TCP', port }] as const, ...remote })
    made.apply(asks('p', byApp('x'), 'http'), asks('q', byApp('x'), 'http'))
    made.apply(noPolicy('q'))
    made.apply(pod('a/x', { app: 'x' }, '10.1.0.0', http(80)), pod('a/x2', { app: 'x' }, '10.1.0.9', http(81)))
    const passes = (to: string, port: number): boolean => made.verdict('10.0.0.1', to, port) === verdicts.allow
    expect([passes('10.1.0.0', 80), passes('10.1.0.9', 81)]).to.deep.equal([true, true])
    expect([passes('10.1.0.0', 81), passes('10.1.0.9', 80)]).to.deep.equal([false, false])
    agreesWithReplay(made)
  })

  it('may ask for a port that its subject has no number for, then has', () => {
    const made = scene()
    made.apply(takes('p', byApp('x'), 'http'))
    made.apply(takes('p', byApp('y', 'z'), 'http'))
    expect(taken(made, 80)).to.equal('')
    const http = { ports: [{ name: 'http', protocol: 'TCP', port: 80 }] } as const
    made.apply(takes('p', byApp('z'), 'http'), pod('a/web', { app: 'web' }, '10.0.0.1', http))
    expect(taken(made, 80)).to.equal('z')
    agreesWithReplay(made)
  })

  it('keeps blocks that both versions name, whatever the order', () => {
    const made = scene()
    made.apply(asks('p', [ipBlock('20.0.0.0/8'), ipBlock('30.0.0.0/8')], 80))
    const before = made.engine.tables.prefixes.get('30.0.0.0/8')
    made.apply(asks('p', [ipBlock('30.0.0.0/8'), ipBlock('40.0.0.0/8')], 80))
    expect(made.engine.tables.prefixes.get('30.0.0.0/8')).to.deep.equal(before)
    const allowed = (to: string): boolean => made.verdict('10.0.0.1', to, 80) === verdicts.allow
    expect(['20.0.0.1', '30.0.0.1', '40.0.0.1'].map(allowed)).to.deep.equal([false, true, true])
    agreesWithReplay(made)
  })
})
