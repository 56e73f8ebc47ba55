import { chooseDevices, type DeviceChoice } from '@weir/adapters/network/node-devices.js'
import { expect } from 'chai'

const device = (name: string, ifindex: number, addresses: readonly string[] = [], defaultRoute = false) => ({
  name,
  ifindex,
  addresses,
  defaultRoute,
  mtu: 1500,
  loopback: name === 'lo',
})

const devices = [
  device('lo', 1, ['127.0.0.1', '10.0.0.1'], true),
  device('eth0', 2, ['192.0.2.5'], true),
  device('eth0.100', 3, ['fd00::1', 'fe80::3']),
  device('eth1', 4, ['198.51.100.7']),
  device('weir7', 5, ['10.0.0.1']),
]

describe('the devices of a node', () => {
  const chosen = (choice: Partial<DeviceChoice>): string[] =>
    chooseDevices(devices, { nodeAddresses: ['10.0.0.1', 'fd00::1'], podIfindexes: new Set(), ...choice }).map(
      ({ ifname, why }) => `${ifname}: ${why}`,
    )

  it('are those of default routes and with its addresses, never the loopback or a pod’s', () => {
    expect(chosen({ podIfindexes: new Set([5]) })).to.deep.equal([
      'eth0: default route',
      'eth0.100: address of the node',
    ])
    expect(chosen({})).to.include('weir7: address of the node')
  })

  it('are those that a pattern names, when there are patterns', () => {
    expect(chosen({ patterns: ['eth*'] })).to.deep.equal(['eth0: eth*', 'eth0.100: eth*', 'eth1: eth*'])
    expect(chosen({ patterns: ['eth0', 'w*7'] })).to.deep.equal(['eth0: eth0', 'weir7: w*7'])
    expect(chosen({ patterns: ['eth0.*'] })).to.deep.equal(['eth0.100: eth0.*'])
    expect(chosen({ patterns: ['*'], podIfindexes: new Set([5]) })).to.have.length(3)
    expect(chosen({ patterns: [] })).to.deep.equal([])
  })

  it('send on under the node’s addresses, their own first, and never under a link-local one', () => {
    const sources = (nodeAddresses: readonly string[]): Record<string, readonly string[]> =>
      Object.fromEntries(
        chooseDevices(devices, { nodeAddresses, podIfindexes: new Set(), patterns: ['eth*'] }).map(device => [
          device.ifname,
          device.sources,
        ]),
      )
    expect(sources(['10.0.0.1', 'fd00::1'])).to.deep.include({
      'eth0.100': ['fd00::1', '10.0.0.1'],
      eth1: ['10.0.0.1', 'fd00::1', '198.51.100.7'],
    })
    expect(sources([])).to.deep.include({ 'eth0.100': ['fd00::1'], eth1: ['198.51.100.7'] })
  })

  it('come with all of their addresses', () => {
    const [, vlan] = chooseDevices(devices, { nodeAddresses: ['fd00::1'], podIfindexes: new Set() })
    expect(vlan).to.deep.equal({
      ifindex: 3,
      ifname: 'eth0.100',
      why: 'address of the node',
      mtuBytes: 1500,
      addresses: ['fd00::1', 'fe80::3'],
      sources: ['fd00::1'],
    })
  })
})
