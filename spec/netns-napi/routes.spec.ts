import { SocketAddress } from 'node:net'
import { expect } from 'chai'
import fc from 'fast-check'
import {
  hopsIn,
  ifindexIn,
  readSysctlIn,
  routesIn,
  rtnetlinkIn,
  type RtRequest,
  rulesIn,
  tryRtnetlinkIn,
} from 'netns-napi'
import { ip, makePair, namespacesMissing, type Pair } from './veth.js'

const missing = namespacesMissing()
const protocol = 119
const table = 119

describe(`routes of a namespace${missing === undefined ? '' : ` (${missing})`}`, () => {
  let pair: Pair
  let netns: string
  let ifindex: number

  before(function () {
    if (missing !== undefined) this.skip()
    pair = makePair('routes')
    netns = pair.near.path
    ifindex = ifindexIn(netns, pair.near.device)
  })
  after(() => pair?.remove())

  const route = (address: string, length: number, more: object = {}): RtRequest => ({
    ...{ kind: 'route.replace', destination: { address, length }, ifindex, protocol },
    ...more,
  })

  it('are told by who made them, in all tables, and end', async () => {
    const { ipv4, ipv6 } = pair.far
    const routes = [
      route('10.9.1.0', 24, { gateway: ipv4, source: pair.near.ipv4 }),
      route('10.9.2.0', 24, { table }),
      route('fd99:1::', 64, { gateway: ipv6, source: pair.near.ipv6 }),
      route('fd99:2::', 64, { table }),
    ]
    await rtnetlinkIn(netns, [...routes, { ...route('10.9.3.0', 24), protocol: 4 } as RtRequest])
    const common = { ifindex, protocol }
    expect(await routesIn(netns, 4, protocol)).to.have.deep.members([
      {
        ...{ ...common, table: 254, destination: { address: '10.9.1.0', length: 24 } },
        ...{ gateway: ipv4, source: pair.near.ipv4 },
      },
      { ...common, table, destination: { address: '10.9.2.0', length: 24 } },
    ])
    expect(await routesIn(netns, 6, protocol)).to.have.deep.members([
      {
        ...{ ...common, table: 254, destination: { address: 'fd99:1::', length: 64 } },
        ...{ gateway: ipv6, source: pair.near.ipv6 },
      },
      { ...common, table, destination: { address: 'fd99:2::', length: 64 } },
    ])
    expect((await routesIn(netns, 4)).map(({ destination }) => destination.address)).to.include('10.9.3.0')
    await rtnetlinkIn(netns, [
      { kind: 'route.delete', destination: { address: '10.9.1.0', length: 24 }, ifindex, protocol },
      { kind: 'route.delete', destination: { address: '10.9.2.0', length: 24 }, ifindex, table, protocol },
      { kind: 'route.delete', destination: { address: 'fd99:1::', length: 64 }, ifindex, protocol },
      { kind: 'route.delete', destination: { address: 'fd99:2::', length: 64 }, ifindex, table, protocol },
    ])
    for (const family of [4, 6] as const) expect(await routesIn(netns, family, protocol)).to.deep.equal([])
  })

  it('are tried one and all: what fails is named by its place', async () => {
    const failures = await tryRtnetlinkIn(netns, [
      route('10.9.4.0', 24),
      { ...route('10.9.5.0', 24), ifindex: 999_999 } as RtRequest,
      route('10.9.6.0', 24),
    ])
    expect([...failures].map(([at, { code }]) => [at, code])).to.deep.equal([[1, 'ENODEV']])
    const there = (await routesIn(netns, 4, protocol)).map(({ destination }) => destination.address)
    expect(there).to.have.members(['10.9.4.0', '10.9.6.0'])
  })

  it('tell how packets leave: on a link, by a router, not at all', async () => {
    await rtnetlinkIn(netns, [route('10.9.7.0', 24, { gateway: pair.far.ipv4 })])
    const asked = [pair.far.ipv4, '10.9.7.1', '203.0.113.1', pair.near.ipv4, pair.far.ipv6]
    const [onLink, routed, nowhere, own, six] = await hopsIn(netns, asked)
    expect(onLink).to.deep.equal({ ifindex, leaves: true })
    expect(routed).to.deep.equal({ ifindex, leaves: true, gateway: pair.far.ipv4 })
    expect(nowhere).to.equal(undefined)
    expect(own?.leaves).to.equal(false)
    expect(six).to.deep.equal({ ifindex, leaves: true })
  })

  it('are looked for elsewhere by rules', async () => {
    const rules = (kind: 'rule.add' | 'rule.delete'): RtRequest[] => [
      { kind, source: { address: '10.8.0.0', length: 16 }, table, priority: 119, protocol },
      { kind, source: { address: 'fd98::', length: 32 }, table, priority: 119, protocol },
    ]
    await rtnetlinkIn(netns, rules('rule.add'))
    expect(ip('-n', pair.near.name, 'rule')).to.match(/119:\s+from 10\.8\.0\.0\/16 lookup 119 proto 119/)
    const told = { table, priority: 119, protocol }
    expect(await rulesIn(netns, 4, protocol)).to.deep.equal([{ source: { address: '10.8.0.0', length: 16 }, ...told }])
    expect(await rulesIn(netns, 6, protocol)).to.deep.equal([{ source: { address: 'fd98::', length: 32 }, ...told }])
    await rtnetlinkIn(netns, rules('rule.delete'))
    for (const family of [4, 6] as const) expect(await rulesIn(netns, family, protocol)).to.deep.equal([])
  })

  it('by the thousand are read whole, each address in its canonical text', async function () {
    this.timeout(60_000)
    const given = fc.sample(fc.ipV6(), 1500).map(address => new SocketAddress({ address, family: 'ipv6' }).address)
    const usable = [...new Set(given)].filter(address => !/^(::|ff|fe80|.*\.)/.test(address))
    const failures = await tryRtnetlinkIn(
      netns,
      usable.map(address => route(address, 128)),
    )
    expect([...failures]).to.deep.equal([])
    const found = (await routesIn(netns, 6, protocol)).map(({ destination }) => destination.address)
    expect(found.sort()).to.deep.equal(usable.sort())
  })

  it('have settings beside them that can be read', async () => {
    expect(await readSysctlIn(netns, 'ipv4/conf/lo/forwarding')).to.match(/^[01]$/)
    expect(await readSysctlIn(netns, 'ipv4/none').catch(({ code }) => code)).to.equal('ENOENT')
    expect(await readSysctlIn(netns, '../sys/x').catch(({ code }) => code)).to.equal('ERR_NETNS_ARGUMENT')
  })
})
