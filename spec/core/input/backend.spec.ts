import { parseBackend } from '@weir/core/input/backend.js'
import { expect } from 'chai'
import { problemsOf, understood } from './read.js'

const targetOf = (target: string) => understood(parseBackend({ target, state: 'maintenance' })).target

describe('input: what is said of a backend', () => {
  it('names it by its socket or its pod', () => {
    expect(targetOf('10.0.0.1:8080/UDP')).deep.equals({
      kind: 'address',
      address: '10.0.0.1',
      port: 8080,
      protocol: 'UDP',
    })
    expect(targetOf('[FD00:0::1]:80')).deep.equals({ kind: 'address', address: 'fd00::1', port: 80, protocol: 'TCP' })
    expect(targetOf('10.0.0.1:80/sctp')).deep.include({ protocol: 'SCTP' })
    expect(targetOf('pod/shop/web-0')).deep.equals({ kind: 'pod', namespace: 'shop', name: 'web-0' })
  })
  it('has a weight where one counts', () => {
    const target = 'pod/shop/web-0'
    expect(understood(parseBackend({ target, state: 'active', weight: 0 }))).deep.include({ weight: 0 })
    expect(understood(parseBackend({ target, state: 'active' }))).not.to.have.property('weight')
    expect(problemsOf(parseBackend({ target, state: 'quarantined', weight: 3 }))).to.have.key('weight')
    expect(problemsOf(parseBackend({ target, state: 'active', weight: 65_536 })).weight?.expected).includes('65535')
    expect(problemsOf(parseBackend({ target, state: 'active', weight: -1 }))).to.have.key('weight')
    expect(problemsOf(parseBackend({ target, state: 'quarantine' })).state?.expected).equals('quarantined')
  })
  for (const word of [
    'web',
    '10.0.0.1',
    '10.0.0.1:0',
    '10.0.0.1:70000',
    '10.0.0.1:80/ICMP',
    'fd00::1:80',
    'pod/web',
    'pod/Shop/web',
    '300.1.1.1:80',
  ])
    it(`refuses ${word}`, () => {
      const problems = Object.entries(problemsOf(parseBackend({ target: word, state: 'active' })))
      expect(problems).has.length(1)
      expect(problems[0]?.[0]).matches(/^target/)
    })
})
