import { expect } from 'chai'
import type { PeerSelector, Rule } from '@weir/core'
import { sourceText } from '@weir/core/policy/address-source.js'
import { peerText, portSetText, ruleText } from '@weir/core/policy/text.js'
import { is } from '../log.js'

const block = (cidr: string, ...except: string[]): PeerSelector => ({ kind: 'cidr', cidr, except, scope: 'any' })
const rule: Rule = {
  tier: 'namespaced',
  order: 1,
  subject: [is('app', 'web')],
  direction: 'ingress',
  action: 'allow',
  peers: [{ kind: 'labels', selector: [is('app', 'client')] }, block('10.0.0.0/8')],
  ports: { ranges: [{ protocol: 6, first: 80, last: 81 }], named: [] },
  origin: { policy: 'NetworkPolicy a/p', path: 'spec.ingress[0]', seq: 7 },
}

describe('texts', () => {
  it('of peers name what they ask', () => {
    expect(peerText({ kind: 'labels', selector: [] })).to.equal('labels everything')
    expect(peerText(block('10.0.0.0/8'))).to.equal('cidr 10.0.0.0/8 any')
    expect(peerText(block('10.0.0.0/8', '10.2.0.0/16', '10.1.0.0/16'))).to.equal(
      'cidr 10.0.0.0/8 except 10.1.0.0/16 10.2.0.0/16 any',
    )
  })
  it('of sets name the source, and the members where they are filled in', () => {
    const set = {
      kind: 'set',
      source: { kind: 'name', name: 'x.org' },
      cidrs: [],
      except: [],
      scope: 'outside',
    } as const
    expect(peerText(set)).to.equal('name x.org outside')
    expect(peerText({ ...set, cidrs: ['8.8.8.8/32', '1.1.1.1/32'], except: ['1.1.1.0/24'] })).to.equal(
      'name x.org except 1.1.1.0/24 outside now 1.1.1.1/32 8.8.8.8/32',
    )
  })
  it('of sources differ between kinds', () => {
    expect(sourceText({ kind: 'pattern', pattern: '*.x.org' })).to.equal('names *.x.org')
    expect(sourceText({ kind: 'group', name: 'g' })).to.equal('CIDR group g')
    expect(sourceText({ kind: 'groups', selector: [is('team', 'x')] })).to.equal('CIDR groups with team In (x)')
    expect(sourceText({ kind: 'endpoints', namespace: 'a', service: 's' })).to.equal('endpoints of a/s')
  })
  it('of ports are sorted', () => {
    const ranges = [
      { protocol: 6, first: 80, last: 81 },
      { protocol: 17, first: 53, last: 53 },
    ]
    expect(portSetText('any')).to.equal('any')
    expect(portSetText({ ranges, named: [{ protocol: 6, name: 'http' }] })).to.equal('17:53-53 6:80-81 6:http')
    expect(portSetText({ ranges: [], named: [] })).to.equal('')
  })
  it('of rules are the same whatever order peers stand in, wherever the rule stands and whichever event brought it', () => {
    const peers = [...(rule.peers as readonly PeerSelector[])].reverse()
    const origin = { ...rule.origin, path: 'spec.ingress[4]', seq: 9 }
    expect(ruleText({ ...rule, peers, origin })).to.equal(ruleText(rule))
    expect(ruleText(rule)).to.equal(
      [
        'namespaced 1 allow ingress',
        'subject app In (web)',
        'peers cidr 10.0.0.0/8 any; labels app In (client)',
        'ports 6:80-81',
        'NetworkPolicy a/p',
      ].join('\n'),
    )
  })
  it('of rules differ in all that decides', () => {
    const others: readonly Partial<Rule>[] = [
      { tier: 'admin' },
      { order: 2 },
      { action: 'deny' },
      { direction: 'egress' },
      { subject: [] },
      { peers: 'any' },
      { peers: [] },
      { ports: 'any' },
      { l7: {} },
      { l7: { serverNames: ['x.org'] } },
      { origin: { ...rule.origin, policy: 'NetworkPolicy a/q' } },
    ]
    const texts = others.map(other => ruleText({ ...rule, ...other }))
    expect(new Set([ruleText(rule), ...texts]).size).to.equal(others.length + 1)
  })
})
