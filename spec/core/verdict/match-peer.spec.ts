import { expect } from 'chai'
import type { PeerSelector } from '@weir/core'
import { parseAddress } from '@weir/core/address/address.js'
import { inScope, matchesPeer } from '@weir/core/verdict/match-peer.js'
import { is } from '../log.js'

const peer = (kind: 'pod' | 'node' | 'world', labels: Readonly<Record<string, string>> = {}) => ({
  kind,
  labels: new Map(Object.entries(labels)),
})
const block = (cidr: string, ...except: string[]): PeerSelector => ({ kind: 'cidr', cidr, except, scope: 'outside' })
const matched = (selector: PeerSelector, ...addresses: readonly string[]): readonly string[] =>
  addresses.filter(address => matchesPeer(selector, peer('world'), parseAddress(address)))

describe('matching one peer', () => {
  it('by labels asks for no address', () => {
    const selector: PeerSelector = { kind: 'labels', selector: [is('app', 'web')] }
    expect(matchesPeer(selector, peer('pod', { app: 'web' }), undefined)).to.equal(true)
    expect(matchesPeer(selector, peer('pod', { app: 'db' }), undefined)).to.equal(false)
  })
  it('by blocks asks for an address in one of them and in none of the holes', () => {
    const addresses = ['10.0.0.1', '10.1.0.1', '10.2.0.1', '11.0.0.1', 'fd00::1']
    expect(matched(block('10.0.0.0/8'), ...addresses)).to.deep.equal(['10.0.0.1', '10.1.0.1', '10.2.0.1'])
    expect(matched(block('10.0.0.0/8', '10.1.0.0/16', '10.2.0.0/16'), ...addresses)).to.deep.equal(['10.0.0.1'])
    const set: PeerSelector = {
      kind: 'set',
      source: { kind: 'group', name: 'g' },
      cidrs: ['11.0.0.0/8', '10.0.0.0/15'],
      except: ['10.0.0.0/16'],
      scope: 'any',
    }
    expect(matched(set, ...addresses)).to.deep.equal(['10.1.0.1', '11.0.0.1'])
  })
  it('means nobody by a block for one without an address, or by one that can’t be read', () => {
    expect(matchesPeer(block('0.0.0.0/0'), peer('world'), undefined)).to.equal(false)
    expect(matched(block('everything'), '10.0.0.1')).to.deep.equal([])
    expect(matched(block('10.0.0.0/8', 'nothing'), '10.0.0.1')).to.deep.equal(['10.0.0.1'])
  })
  it('by blocks speaks of whom their scope lets in', () => {
    const kinds = ['pod', 'node', 'world'] as const
    const letIn = (scope: Parameters<typeof inScope>[0]) => kinds.filter(kind => inScope(scope, kind))
    expect(letIn('any')).to.deep.equal(kinds)
    expect(letIn('outside')).to.deep.equal(['world'])
    expect(letIn('outside-and-nodes')).to.deep.equal(['node', 'world'])
    expect(letIn('outside-and-pods')).to.deep.equal(['pod', 'world'])
    expect(matchesPeer(block('10.0.0.0/8'), peer('pod'), parseAddress('10.0.0.1'))).to.equal(false)
  })
})
