import { expect } from 'chai'
import { sameAddress, sameEndpoint, samePrefix } from '@weir/core/verdict/same-row.js'

const wiring = { ifindex: 7, ifname: 'v', hostMac: '02:00:00:00:00:01', podMac: '02:00:00:00:00:02' }
const endpoint = { endpoint: 1, namespace: 'a', pod: 'x', identity: 256, subject: 1, addresses: ['10.0.0.1'], wiring }
const { wiring: _, ...unwired } = endpoint

describe('rows are the same', () => {
  it('when an address means the same identity, class, subject and endpoint', () => {
    const row = { address: '10.0.0.1', identity: 256, peerClass: 1, subject: 2, endpoint: 3 }
    expect(sameAddress(row, { ...row })).to.equal(true)
    for (const field of ['identity', 'peerClass', 'subject', 'endpoint'])
      expect(sameAddress(row, { ...row, [field]: 9 }), field).to.equal(false)
  })
  it('when a prefix means the same identity and class', () => {
    const row = { prefix: '10.0.0.0/8', identity: 256, peerClass: 1 }
    expect(samePrefix(row, { ...row })).to.equal(true)
    for (const field of ['identity', 'peerClass'])
      expect(samePrefix(row, { ...row, [field]: 9 }), field).to.equal(false)
  })
  it('when an endpoint is the same pod, judged and wired alike', () => {
    expect(sameEndpoint(endpoint, { ...endpoint, addresses: ['10.0.0.1'], wiring: { ...wiring } })).to.equal(true)
    expect(sameEndpoint(unwired, { ...unwired })).to.equal(true)
    const others = [
      ...['namespace', 'pod', 'identity', 'subject'].map(field => ({ ...endpoint, [field]: 'other' })),
      ...['ifindex', 'ifname', 'hostMac', 'podMac'].map(field => ({ ...endpoint, wiring: { ...wiring, [field]: 8 } })),
      ...[[], ['10.0.0.2'], ['10.0.0.1', '10.0.0.2']].map(addresses => ({ ...endpoint, addresses })),
      unwired,
    ] as (typeof endpoint)[]
    for (const other of others) {
      expect(sameEndpoint(endpoint, other), JSON.stringify(other)).to.equal(false)
      expect(sameEndpoint(other, endpoint), JSON.stringify(other)).to.equal(false)
    }
  })
})
