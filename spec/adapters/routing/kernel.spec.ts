import { systemClock } from '@weir/adapters/agent/clock.js'
import { canMakeNamespaces, netnsFolder } from '@weir/adapters/network/node-network.js'
import { run, setSysctls } from '@weir/adapters/network/run.js'
import { allowForwarding } from '@weir/adapters/routing/forwarding.js'
import { bringRoutes, bringRules, routesIn } from '@weir/adapters/routing/kernel-routes.js'
import { kernelRtnetlink, netnsAt } from '@weir/adapters/routing/netns.js'
import { overlayDevice, overlays, removeOverlay } from '@weir/adapters/routing/overlay-device.js'
import { Routing, takenText } from '@weir/adapters/routing/routing.js'
import { nodeRules, nodeTable } from '@weir/adapters/routing/wanted.js'
import { type ClusterState, WeirError } from '@weir/core'
import { emptyState } from '@weir/core/state/state.js'
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
    expect((await bringRoutes(netns, wanted)).changed).to.equal(2)
    expect((await bringRoutes(netns, wanted)).changed).to.equal(0)
    expect(await routesIn(netns, 4)).to.have.deep.members([...wanted])
    expect(
      (await bringRoutes(netns, [{ ...wanted[0], via: '192.0.2.8' }, wanted[1]], wanted)).changed,
      'by what is known',
    ).to.equal(1)
    expect(await ip('route', 'show', 'proto', '119')).to.match(/^10\.7\.1\.0\/24 via 192\.0\.2\.8 /)
    const rules = nodeRules(['10.7.0.0/24', 'fd07::/64'])
    expect(await bringRules(netns, rules)).to.equal(2)
    expect(await bringRules(netns, rules)).to.equal(0)
    expect(await bringRules(netns, rules.slice(1))).to.equal(1)
    expect(await bringRules(netns, [])).to.equal(1)
    expect((await bringRoutes(netns, [])).changed).to.equal(2)
  })

  it('leaves routes of others to the very block where they are, and takes their place when they are gone', async () => {
    const ifindex = ifindexIn(path, 'up0')
    const blocks = ['10.7.4.0/24', '10.7.5.0/24', 'fd07:4::/64', '10.7.6.0/24'] as const
    const wanted = blocks.map(block => ({ block, family: block.includes(':') ? 6 : 4, ifindex }) as const)
    const free = { block: '10.7.7.0/24', family: 4, ifindex } as const
    await ip('route', 'add', blocks[0], 'via', '192.0.2.9')
    await ip('route', 'add', blocks[1], 'via', '192.0.2.9', 'metric', '700')
    await ip('-6', 'route', 'add', blocks[2], 'dev', 'up0')
    await ip('route', 'add', 'blackhole', blocks[3])
    const others = async () => [await ip('route', 'show'), await ip('-6', 'route', 'show')].join('\n')
    const before = await others()
    const brought = await bringRoutes(netns, [...wanted, free])
    expect(brought).to.deep.equal({ changed: 1, routes: [free], waiting: wanted })
    expect((await others()).replace(/^10\.7\.7\..*\n/m, '')).to.equal(before)
    // Somebody takes the place of one of Weir's, which isn't looked at before it is to lead elsewhere.
    await ip('route', 'replace', free.block, 'via', '192.0.2.9')
    const elsewhere = { ...free, via: '192.0.2.8' }
    expect((await bringRoutes(netns, [elsewhere], [free])).waiting).to.deep.equal([elsewhere])
    expect(await ip('route', 'show', free.block)).to.match(/via 192\.0\.2\.9 /)
    for (const block of [blocks[0], blocks[1], free.block]) await ip('route', 'delete', block)
    await ip('-6', 'route', 'delete', blocks[2])
    await ip('route', 'delete', 'blackhole', blocks[3])
    expect(await bringRoutes(netns, wanted, [])).to.deep.include({ changed: 4, waiting: [] })
    await bringRoutes(netns, [])
  })

  it('tells to which blocks others have routes, and looks whether those are gone', async () => {
    const nodes = new Map(
      ['here', 'there', 'yonder'].map((node, at) => {
        const fact = { name: node, labels: {}, addresses: [`192.0.2.${at + 1}`], podCidrs: [`10.7.${8 + at}.0/24`] }
        return [node, { fact, seq: 1 }] as const
      }),
    )
    const state: ClusterState = {
      ...emptyState(),
      nodes,
      agent: { fact: { node: 'here', cluster: 'default', labelFilter: [] }, seq: 1 },
    }
    const told: string[] = []
    const routing = new Routing({
      ...{ asked: 'native', rtnetlink: kernelRtnetlink, path, clock: systemClock, state: () => state },
      ...{ addOverlays: async () => {}, useOverlays: async () => {}, addTunnels: () => {}, useTunnels: () => {} },
      report: message => void told.push(message),
    })
    try {
      await ip('route', 'add', '10.7.9.0/24', 'via', '192.0.2.99', 'metric', '50')
      await routing.start()
      expect(routing.view).to.deep.equal({ mode: 'native', blocks: 2, routes: 1, taken: ['10.7.9.0/24'] })
      expect(told.at(-1)).to.equal(takenText(['10.7.9.0/24']))
      expect(await ip('route', 'get', '10.7.9.1')).to.match(/via 192\.0\.2\.99 /)
      await ip('route', 'delete', '10.7.9.0/24')
      await routing.refresh()
      expect(routing.view).to.deep.equal({ mode: 'native', blocks: 2, routes: 2 })
      expect(await ip('route', 'get', '10.7.9.1')).to.match(/via 192\.0\.2\.2 /)
      expect(told.at(-1)).to.include('are gone')
    } finally {
      await routing.close()
      await bringRoutes(netns, [])
    }
  })

  it('says which route the kernel refuses, and makes the others', async () => {
    const ifindex = ifindexIn(path, 'up0')
    const bad = { block: '10.7.2.0/24', family: 4, ifindex: 999_999 } as const
    const good = { block: '10.7.3.0/24', family: 4, ifindex } as const
    const error = await bringRoutes(netns, [bad, good]).catch((problem: unknown) => problem)
    expect(error).to.be.instanceOf(WeirError)
    expect((error as WeirError).code).to.equal('WEIR_NETWORK_COMMAND')
    expect((error as WeirError).message).to.match(/^route add 10\.7\.2\.0\/24 table 254 dev 999999: .*ENODEV/)
    expect((await routesIn(netns, 4)).map(({ block }) => block)).to.deep.equal(['10.7.3.0/24'])
    await bringRoutes(netns, [])
  })
})
