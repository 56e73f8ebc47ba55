import { expect } from 'chai'
import type { PeerSelector, Rule } from '@weir/core'
import { KeyUse } from '@weir/core/verdict/key-use.js'
import type { CompiledRule, Shape } from '@weir/core/verdict/model.js'
import { Peers } from '@weir/core/verdict/peers.js'
import { RuleSet } from '@weir/core/verdict/rule-set.js'
import { worldShape } from '@weir/core/verdict/shapes.js'
import { is } from '../log.js'

const asks = (...apps: readonly string[]): PeerSelector[] =>
  apps.map(app => ({ kind: 'labels', selector: [is('app', app)] }))

const rule = (peers: Rule['peers'], more: Partial<Rule> = {}): Rule => ({
  tier: 'namespaced',
  order: 0,
  subject: [is('app', 'web')],
  direction: 'ingress',
  action: 'allow',
  peers,
  ports: 'any',
  origin: { policy: 'p', path: 'rules', seq: 1 },
  ...more,
})

const labels = (app: string) =>
  new Map([
    ['io.kubernetes.pod.namespace', 'a'],
    ['app', app],
  ] as const)

const shapeOf = (app: string): Shape => ({
  key: app,
  kind: 'pod',
  labels: labels(app),
  identityLabels: [],
  ports: new Map(),
  references: 1,
  judged: new Set(),
})

/** Rules of policy `p`, of a node that has a pod `web`. */
class Rules {
  readonly peers = new Peers(new KeyUse(), [worldShape('world', 'world-ipv4'), worldShape('world', 'world-ipv6')])
  readonly set = new RuleSet(new KeyUse(), this.peers.atoms)
  readonly web = shapeOf('web')

  constructor() {
    this.set.addShape(this.web)
  }

  /** The rules in force after they were replaced, and which of them ask whom else. */
  replace(...rules: readonly Rule[]) {
    this.set.replace('p', rules)
    this.set.sweep()
    const changes = this.set.settle().map(({ rule, begun, ended }) => ({
      rule,
      begun: begun.map(({ text }) => text),
      ended: ended.map(({ text }) => text),
    }))
    this.peers.settle()
    return { all: [...this.set.all()], changes }
  }

  /** Whether anything is asked of pods with this label. */
  isAsked(app: string): boolean {
    return this.peers.atoms.matching(labels(app)).length > 0
  }
}

const text = (app: string): string => {
  const [peer] = asks(app)
  const rules = new Rules()
  const [made] = rules.replace(rule([peer!])).all as [CompiledRule]
  return [...(made.bases as ReadonlyMap<string, unknown>).keys()][0]!
}

describe('RuleSet', () => {
  it('keeps the rules that a new version of a policy says as well, wherever they stand in it', () => {
    const rules = new Rules()
    const [x, y, all] = [rule(asks('x')), rule(asks('y')), rule('any')]
    const before = rules.replace(x, y, all).all
    const { all: after, changes } = rules.replace(all, y, x)
    expect(after).to.deep.equal([before[2], before[1], before[0]])
    expect(after[0]).to.equal(before[2])
    expect(changes).to.deep.equal([])
  })

  it('takes a peer that is named twice for one that is named once, in what rules mean too', () => {
    const [twice, once] = [new Rules(), new Rules()]
    const [before] = twice.replace(rule(asks('x', 'x'))).all as [CompiledRule]
    const [made] = once.replace(rule(asks('x'))).all as [CompiledRule]
    expect(before.saying.text).to.equal(made.saying.text)
    const { all, changes } = twice.replace(rule(asks('x')))
    expect([all[0] === before, changes.length]).to.deep.equal([true, 0])
    expect(all[0]!.saying.text).to.equal(made.saying.text)
  })

  it('has a rule ask others that differs from one that went in its peers alone', () => {
    const http = { ranges: [], named: [{ name: 'http', protocol: 6 }] }
    const plain = { ranges: [{ protocol: 6, first: 80, last: 80 }], named: [] }
    for (const more of [
      { ports: http },
      { ports: plain },
      { ports: plain, direction: 'egress' },
      { direction: 'egress' },
    ] as const) {
      const rules = new Rules()
      const [kept, changed] = rules.replace(rule(asks('x'), more), rule(asks('y', 'v'), more)).all as CompiledRule[]
      const { all, changes } = rules.replace(rule(asks('v', 'z'), more), rule(asks('x'), more))
      expect(all[0]).to.equal(changed)
      expect(all[1]).to.equal(kept)
      expect(changes).to.deep.equal([{ rule: changed, begun: [text('z')], ended: [text('y')] }])
      expect(['x', 'y', 'v', 'z'].map(app => rules.isAsked(app))).to.deep.equal([true, false, true, true])
    }
  })

  it('makes a rule anew that names ports of its peers, or asks some where it took all', () => {
    const http = { ports: { ranges: [], named: [{ name: 'http', protocol: 6 }] }, direction: 'egress' } as const
    for (const [one, other] of [
      [rule(asks('x'), http), rule(asks('y'), http)],
      [rule('any'), rule(asks('y'))],
      [rule(asks('x')), rule('any')],
    ] as const) {
      const rules = new Rules()
      const [before] = rules.replace(one).all as [CompiledRule]
      const { all, changes } = rules.replace(other)
      expect(all.length).to.equal(1)
      expect(all[0]!.id).not.to.equal(before.id)
      expect(changes).to.deep.equal([])
      expect(rules.isAsked('x')).to.equal(false)
    }
  })

  it('asks nothing of peers once its rules are gone, or select no pod of this node', () => {
    const http = { ports: { ranges: [], named: [{ name: 'http', protocol: 6 }] }, direction: 'egress' } as const
    for (const each of [rule(asks('x')), rule(asks('x'), http), rule('any', http)]) {
      const rules = new Rules()
      rules.replace(each)
      expect(rules.isAsked('x')).to.equal(true)
      rules.set.removeShape(rules.web)
      rules.set.settle()
      rules.peers.settle()
      expect(rules.isAsked('x')).to.equal(false)
      // A change of what is asked of nobody is none.
      expect(rules.replace(each.peers === 'any' ? each : { ...each, peers: asks('y') }).changes).to.deep.equal([])
      expect(rules.isAsked('y')).to.equal(false)
      rules.set.addShape(rules.web)
      rules.set.settle()
      expect(rules.isAsked(each.peers === 'any' ? 'x' : 'y')).to.equal(true)
      expect(rules.replace().all).to.deep.equal([])
      expect(['x', 'y'].some(app => rules.isAsked(app))).to.equal(false)
    }
  })
})
