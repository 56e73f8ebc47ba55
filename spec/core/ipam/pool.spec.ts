import { expect } from 'chai'
import { poolOf } from '@weir/core'
import { addressesIn, sizeOf } from '@weir/core/ipam/pool.js'

const all = (cidr: string, last?: string): readonly string[] => [...addressesIn(poolOf(cidr)!, last)]
const firstOf = (cidr: string, last?: string): unknown => addressesIn(poolOf(cidr)!, last).next().value

describe('a pool of addresses', () => {
  it('has neither the network’s address nor the gateway’s nor the broadcast address', () => {
    expect(all('10.0.0.0/29')).to.deep.equal(['10.0.0.2', '10.0.0.3', '10.0.0.4', '10.0.0.5', '10.0.0.6'])
    expect(all('fd00::/126')).to.deep.equal(['fd00::2', 'fd00::3'])
  })
  it('has nothing where nothing is left', () => {
    for (const cidr of ['10.0.0.0/31', '10.0.0.0/32', 'fd00::/127', 'fd00::/128']) {
      expect(all(cidr), cidr).to.deep.equal([])
      expect(sizeOf(poolOf(cidr)!), cidr).to.equal(0n)
    }
    expect(sizeOf(poolOf('10.0.0.0/24')!)).to.equal(253n)
    expect(sizeOf(poolOf('fd00::/64')!)).to.equal(2n ** 64n - 2n)
  })
  it('goes on after an address of it, around', () => {
    expect(all('10.0.0.0/29', '10.0.0.4')).to.deep.equal(['10.0.0.5', '10.0.0.6', '10.0.0.2', '10.0.0.3', '10.0.0.4'])
    expect(all('10.0.0.0/29', '10.0.0.6')).to.deep.equal(all('10.0.0.0/29'))
    expect(firstOf('fd00::/64', 'fd00::ff')).to.equal('fd00::100')
  })
  it('begins at its start after what is no address of it', () => {
    for (const last of ['9.9.9.9', '11.0.0.1', '10.0.0.1', 'fd00::9', 'x'])
      expect(firstOf('10.0.0.0/29', last), last).to.equal('10.0.0.2')
  })
  it('is of a block alone', () => {
    expect(poolOf('10.0.0.0')).to.equal(undefined)
    expect(poolOf('10.0.0.7/29')?.text).to.equal('10.0.0.0/29')
  })
})
