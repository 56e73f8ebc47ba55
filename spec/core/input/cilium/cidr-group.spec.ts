import { parseCidrGroup, parseCidrGroupAlpha } from '@weir/core/input/cilium/cidr-group.js'
import { expect } from 'chai'
import { problemsOf, understood } from '../read.js'

const group = (version: string, spec: unknown) => ({
  apiVersion: `cilium.io/${version}`,
  kind: 'CiliumCIDRGroup',
  metadata: { name: 'offices', labels: { place: 'town' } },
  spec,
})

describe('input: CiliumCIDRGroup', () => {
  it('is a name, labels and canonical blocks, in both versions of the API', () => {
    const spec = { externalCIDRs: ['fd00::9/64', '192.0.2.7/24', '10.0.0.0/8', '10.0.0.0/8'] }
    const fact = { name: 'offices', labels: { place: 'town' }, cidrs: ['10.0.0.0/8', '192.0.2.0/24', 'fd00::/64'] }
    expect(understood(parseCidrGroup(group('v2', spec)))).to.deep.equal(fact)
    expect(understood(parseCidrGroupAlpha(group('v2alpha1', spec)))).to.deep.equal(fact)
    expect(problemsOf(parseCidrGroup(group('v2alpha1', spec))).apiVersion?.expected).to.equal('cilium.io/v2')
  })
  it('may be empty, but not without a list', () => {
    expect(understood(parseCidrGroup(group('v2', { externalCIDRs: [] }))).cidrs).to.deep.equal([])
    for (const spec of [{}, { externalCIDRs: null }])
      expect(problemsOf(parseCidrGroup(group('v2', spec)))).to.have.key('spec.externalCIDRs')
    expect(problemsOf(parseCidrGroup(group('v2', undefined)))).to.have.key('spec')
  })
  it('tells of every block that is none', () => {
    const spec = { externalCIDRs: ['10.0.0.1', 'fd00::/129', '10.0.0.0/8'], cidrs: [] }
    expect(problemsOf(parseCidrGroup(group('v2', spec)))).to.have.all.keys(
      'spec.externalCIDRs[0]',
      'spec.externalCIDRs[1]',
      'spec.cidrs',
    )
  })
})
