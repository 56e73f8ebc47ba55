import { canMakeNamespaces, netnsFolder } from '@weir/adapters/network/node-network.js'
import { run, setSysctls } from '@weir/adapters/network/run.js'
import { allowForwarding } from '@weir/adapters/routing/forwarding.js'
import { bringRoutes, bringRules, routesIn } from '@weir/adapters/routing/kernel-routes.js'
import { netnsAt } from '@weir/adapters/routing/netns.js'
import { overlayDevice, overlays, removeOverlay } from '@weir/adapters/routing/overlay-device.js'
import { nodeRules, nodeTable } from '@weir/adapters/routing/wanted.js'
import { WeirError } from '@weir/core'
import { expect } from 'chai'
import { ifindexIn, readSysctlIn } from 'netns-napi'

describe('what routing makes in the kernel (needs root)', function () {
  this.timeout(30_000)
  const name = `weir-routing-${process.pid}`
  const path = `${netnsFolder}/${name}`
  const netns = netnsAt(path)
  const ip = (...words: readonly string[]): Promise<string> => run('ip', ['-n', name, ...words])

  before(async function () {
    if (!(await canMakeNamespaces())) return this.skip()
    await run('ip', ['netns', 'add', name])
    await ip('link', 'add', 'up0', 'type', 'veth', 'peer', 'name', 'far0')
    await ip('link', 'set', 'far0', 'up')
    await ip('link', 'set', 'up0', 'up')
    await ip('address', 'add', '192.0.2.1/24', 'dev', 'up0')
  })
  after(async () => {
    await run('ip', ['netns', 'delete', name]).catch(() => {})
  })

  it('forwards of both families, and keeps default routes that routers announce', async () => {
    await setSysctls(name, { 'ipv4/ip_forward': 0, 'ipv6/conf/all/forwarding': 0 })
    await setSysctls(name, { 'ipv6/conf/up0/accept_ra': 1, 'ipv6/conf/far0/accept_ra': 0 })
    expect(await allowForwarding(netns)).to.include.members([
      'net.ipv4.ip_forward=1',
      'net.ipv6.conf.up0.accept_ra=2',
      'net.ipv6.conf.all.forwarding=1',
    ])
    const values = [
      'ipv4/ip_forward',
      'ipv6/conf/all/forwarding',
      'ipv6/conf/up0/accept_ra',
      'ipv6/conf/far0/accept_ra',
    ]
    expect(await Promise.all(values.map(file => readSysctlIn(path, file)))).to.deep.equal(['1', '1', '2', '0'])
    expect(await allowForwarding(netns), 'once more').to.deep.equal([])
  })

  it('has a device of tunnels that believes sources to which no route leads, however strict all are', async () => {
    for (const [all, own] of [
      [0, '0'],
      [1, '2'],
      [2, '2'],
    ] as const) {
      await setSysctls(name, { 'ipv4/conf/all/rp_filter': all })
      const ifindex = await overlayDevice(netns, 'vxlan', 1450)
      expect(await readSysctlIn(path, 'ipv4/conf/weir-vxlan/rp_filter'), `all ${all}`).to.equal(own)
      expect(await overlayDevice(netns, 'vxlan', 1400), 'the same one').to.equal(ifindex)
    }
    const said = await ip('-d', 'link', 'show', 'weir-vxlan')
    for (const word of [
      'mtu 1400',
      'NOARP',
      'external',
      'dstport 8472',
      'nolearning',
      '02:57:65:69:72:00',
      'addrgenmode none',
    ])
      expect(said).to.include(word)
    const ifindex = ifindexIn(path, 'weir-vxlan')
    expect(overlays(netns)).to.deep.equal([{ mode: 'vxlan', name: 'weir-vxlan', ifindex }])
    await removeOverlay(netns, 'vxlan')
    await removeOverlay(netns, 'vxlan')
    expect(overlays(netns)).to.deep.equal([])
  })

  it('writes what differs of routes and rules, and nothing else', async () => {
    const ifindex = ifindexIn(path, 'up0')
    const wanted = [
      { block: '10.7.1.0/24', family: 4, ifindex, via: '192.0.2.7', src: '192.0.2.1' },
      { block: '192.0.2.7/32', family: 4, ifindex, table: nodeTable },
    ] as const
    expect(await bringRoutes(netns, wanted)).to.equal(2)
    expect(await bringRoutes(netns, wanted)).to.equal(0)
    expect(await routesIn(netns, 4)).to.have.deep.members([...wanted])
    expect(
      await bringRoutes(netns, [{ ...wanted[0], via: '192.0.2.8' }, wanted[1]], wanted),
      'by what is known',
    ).to.equal(1)
    expect(await ip('route', 'show', 'proto', '119')).to.match(/^10\.7\.1\.0\/24 via 192\.0\.2\.8 /)
    const rules = nodeRules(['10.7.0.0/24', 'fd07::/64'])
    expect(await bringRules(netns, rules)).to.equal(2)
    expect(await bringRules(netns, rules)).to.equal(0)
    expect(await bringRules(netns, rules.slice(1))).to.equal(1)
    expect(await bringRules(netns, [])).to.equal(1)
    expect(await bringRoutes(netns, [])).to.equal(2)
  })

  it('says which route the kernel refuses, and makes the others', async () => {
    const ifindex = ifindexIn(path, 'up0')
    const bad = { block: '10.7.2.0/24', family: 4, ifindex: 999_999 } as const
    const good = { block: '10.7.3.0/24', family: 4, ifindex } as const
    const error = await bringRoutes(netns, [bad, good]).catch((problem: unknown) => problem)
    expect(error).to.be.instanceOf(WeirError)
    expect((error as WeirError).code).to.equal('WEIR_NETWORK_COMMAND')
    expect((error as WeirError).message).to.match(/^route replace 10\.7\.2\.0\/24 table 254 dev 999999: .*ENODEV/)
    expect((await routesIn(netns, 4)).map(({ block }) => block)).to.deep.equal(['10.7.3.0/24'])
    await bringRoutes(netns, [])
  })
})
