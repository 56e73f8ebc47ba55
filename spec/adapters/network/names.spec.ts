import { address, deviceName, linkLocal, macAddress, namespaceName, pairMacs } from '@weir/adapters/network/names.js'
import { WeirError } from '@weir/core'
import { expect } from 'chai'

describe('words for a batch of ip', () => {
  const refusals: readonly (readonly [string, (word: string) => string, string])[] = [
    ['a namespace of somebody else', namespaceName, 'cni-1'],
    ['a second command behind a line break', namespaceName, 'weir-1\nlink delete eth0'],
    ['a path out of the folder', namespaceName, 'weir-../../etc'],
    ['a device name past 15 characters', deviceName, 'weir567890123456'],
    ['a device name with a blank', deviceName, 'weir1 up'],
    ['a name for an address', address, 'example.org'],
    ['a zone', address, 'fe80::1%eth0'],
    ['a prefix length', address, '10.0.0.1/8'],
    ['half a MAC address', macAddress, '0a:57:48'],
  ]
  for (const [what, check, word] of refusals)
    it(`are refused: ${what}`, () => {
      expect(() => check(word))
        .to.throw(WeirError)
        .with.property('code', 'WEIR_NETWORK_NAME')
    })

  it('pass when they are what they should be', () => {
    expect(namespaceName('weir-1-p2')).to.equal('weir-1-p2')
    expect(deviceName('weir16777215')).to.equal('weir16777215')
    expect(address('2001:db8::1')).to.equal('2001:db8::1')
  })
})

describe('addresses of a veth pair', () => {
  it('differ between sides and pairs, and are locally administered unicast', () => {
    const macs = [0, 1, 255, 256, 65_536].flatMap(index => Object.values(pairMacs(index)))
    expect(new Set(macs).size).to.equal(macs.length)
    for (const mac of macs) expect(Number.parseInt(mac.slice(0, 2), 16) & 3).to.equal(2)
  })

  it('give a link-local address by RFC 4291', () => {
    expect(linkLocal('00:1b:63:84:45:e6')).to.equal('fe80::21b:63ff:fe84:45e6')
  })
})
