import { defaultNonMasqueradeCidrs, parseIpMasq } from '@weir/core/input/ip-masq.js'
import { expect } from 'chai'
import { problemsOf, understood } from './read.js'

const read = (raw: unknown) => understood(parseIpMasq(raw))

describe('input: the configuration of ip-masq-agent', () => {
  it('has defaults for all that it doesn’t say', () => {
    const defaults = {
      nonMasqueradeCidrs: defaultNonMasqueradeCidrs,
      masqLinkLocal: false,
      masqLinkLocalIpv6: false,
    }
    for (const nothing of [undefined, null, {}]) expect(read(nothing)).to.deep.equal(defaults)
    expect(read({ resyncInterval: '1m30s', masqLinkLocal: true })).to.deep.equal({ ...defaults, masqLinkLocal: true })
  })
  it('takes blocks of both families in place of those that are set aside; an empty list is one too', () => {
    const nonMasqueradeCIDRs = ['2001:db8::/32', '10.1.2.3/8', '10.0.0.0/8']
    expect(read({ nonMasqueradeCIDRs }).nonMasqueradeCidrs).to.deep.equal(['10.0.0.0/8', '2001:db8::/32'])
    expect(read({ nonMasqueradeCIDRs: [] }).nonMasqueradeCidrs).to.deep.equal([])
    expect(read({ masqLinkLocalIPv6: true }).masqLinkLocalIpv6).to.equal(true)
  })
  it('is refused as a whole, with each field that is wrong', () => {
    const wrong = { nonMasqueradeCIDRs: ['10.0.0.0/33'], masqLinkLocal: 'true', resyncInterval: 60, masqlinklocal: 1 }
    expect(problemsOf(parseIpMasq(wrong))).to.have.all.keys(
      'nonMasqueradeCIDRs[0]',
      'masqLinkLocal',
      'resyncInterval',
      'masqlinklocal',
    )
    expect(problemsOf(parseIpMasq(['10.0.0.0/8']))).to.have.all.keys('')
  })
})
