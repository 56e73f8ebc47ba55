import { deviceFacts, ObservedAddresses, type Sight } from '@weir/adapters/network/observed-addresses.js'
import { expect } from 'chai'

const device = (name: string, ifindex: number, ...addresses: readonly string[]) => ({
  name,
  ifindex,
  addresses,
  defaultRoute: false,
  mtu: 1500,
  loopback: name === 'lo',
})

const lo = device('lo', 1, '127.0.0.1', '127.0.1.1', '::1', '192.0.2.1')
const own = device('eth0', 2, '198.51.100.7', '2001:DB8::0:1', 'fe80::2')
const other = device('docker0', 3, '172.17.0.1')
const ofPod = device('weir7', 4, 'fe80::4', '169.254.1.1')

const sight = (...devices: Sight['devices']): Sight => ({
  devices,
  podIfindexes: new Set([4]),
  ownIfindexes: new Set([2]),
})

/** What is said after each of these moments, from the first look on. */
function saidAt(...moments: readonly (readonly [nowMs: number, seen: Sight])[]): readonly (readonly string[])[] {
  const observed = new ObservedAddresses()
  let said: readonly string[] = []
  return moments.map(([nowMs, seen]) => {
    said = observed.look(seen, said, nowMs).addresses
    return said
  })
}

describe('the addresses of a node’s devices', () => {
  it('are those of all but pods’ devices, in canonical text, but for loopback ones', () => {
    expect(saidAt([0, sight(lo, own, other, ofPod)])).to.deep.equal([
      ['172.17.0.1', '192.0.2.1', '198.51.100.7', '2001:db8::1', 'fe80::2'],
    ])
  })

  it('come at once with a device of the node’s own, after a second with another', () => {
    const all = ['172.17.0.1', '198.51.100.7', '2001:db8::1', 'fe80::2']
    const seen = sight(own, other)
    expect(saidAt([0, sight()], [10, seen], [1009, seen], [1010, seen])).to.deep.equal([
      [],
      all.slice(1),
      all.slice(1),
      all,
    ])
  })

  it('aren’t said of a device that turns out to be a pod’s within a second', () => {
    const young = device('weir9', 9, 'fe80::9')
    const asPod = { ...sight(young), podIfindexes: new Set([9]) }
    expect(saidAt([0, sight()], [10, sight(young)], [500, asPod], [2000, asPod]).flat()).to.deep.equal([])
  })

  it('stay when they go and come again within a second, and go when they stay away', () => {
    const [there, gone] = [sight(own), sight()]
    const texts = ['198.51.100.7', '2001:db8::1', 'fe80::2']
    expect(saidAt([0, there], [10, gone], [900, there], [950, gone], [1949, gone], [1950, gone])).to.deep.equal([
      ...Array.from({ length: 5 }, () => texts),
      [],
    ])
  })

  it('say when to look again, by what has waited longest, and only while something waits', () => {
    const observed = new ObservedAddresses()
    expect(observed.look(sight(other), [], 0)).to.not.have.property('againMs')
    expect(observed.look(sight(), ['172.17.0.1'], 100).againMs).to.equal(1000)
    const later = device('docker1', 5, '172.18.0.1')
    expect(observed.look(sight(later), ['172.17.0.1'], 400).againMs).to.equal(700)
    expect(observed.look(sight(other), ['172.17.0.1'], 600)).to.not.have.property('againMs')
  })
})

describe('the devices of a node as traffic leaves by them', () => {
  const device = (ifindex: number, name: string, addresses: readonly string[], more = {}) => ({
    ifindex,
    name,
    addresses,
    defaultRoute: false,
    mtu: 1500,
    loopback: false,
    ...more,
  })
  const eth0 = device(2, 'eth0', ['192.0.2.9', '192.0.2.8', 'fe80::1', '2001:DB8::1'], { defaultRoute: true })
  const sight = (...devices: ReturnType<typeof device>[]) => ({
    devices,
    podIfindexes: new Set([7]),
    ownIfindexes: new Set([2]),
  })
  const all = ['192.0.2.8', '192.0.2.9', '2001:db8::1', 'fe80::1', '198.51.100.1']
  const eth0Fact = {
    ifindex: 2,
    ifname: 'eth0',
    isOwn: true,
    hasDefaultRoute: true,
    addresses: ['192.0.2.9', '192.0.2.8', '2001:db8::1'],
  }

  it('are those that are its own or have addresses, in the kernel’s order, without link-local ones', () => {
    const seen = sight(
      device(9, 'other', ['198.51.100.1']),
      eth0,
      device(3, 'bare', []),
      device(7, 'pod', ['10.0.0.1']),
      device(1, 'lo', ['192.0.2.77'], { loopback: true }),
    )
    expect(deviceFacts(seen, [], all)).to.deep.equal([
      eth0Fact,
      { ifindex: 9, ifname: 'other', isOwn: false, hasDefaultRoute: false, addresses: ['198.51.100.1'] },
    ])
  })
  it('keep an address and its place while that is away for a moment', () => {
    const without = sight({ ...eth0, addresses: ['192.0.2.8', '2001:db8::1'] })
    expect(deviceFacts(without, [eth0Fact], all)).to.deep.equal([eth0Fact])
    const again = sight({ ...eth0, addresses: ['192.0.2.8', '2001:db8::1', '192.0.2.9'] })
    expect(deviceFacts(again, [eth0Fact], all)).to.deep.equal([eth0Fact])
    const gone = all.filter(address => address !== '192.0.2.9')
    expect(deviceFacts(without, [eth0Fact], gone)[0]!.addresses).to.deep.equal(['192.0.2.8', '2001:db8::1'])
  })
})
