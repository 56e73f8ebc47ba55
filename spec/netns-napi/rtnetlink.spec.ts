import { closeSync, openSync, readFileSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import { expect } from 'chai'
import { devicesIn, interfacesIn, NetnsError, rtnetlinkIn, type RtRequest, writeSysctlIn } from 'netns-napi'
import { ip, makePair, namespacesMissing, type Pair } from './veth.js'

const missing = namespacesMissing()

const codeOf = async (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'done',
    (error: unknown) => (error instanceof NetnsError ? error.code : error),
  )

describe(`requests of rtnetlink${missing === undefined ? '' : ` (${missing})`}`, () => {
  let pair: Pair
  let fd: number

  before(function () {
    if (missing !== undefined) this.skip()
    pair = makePair('rtnl')
    fd = openSync(pair.far.path, 'r')
  })
  after(() => {
    if (fd !== undefined) closeSync(fd)
    pair?.remove()
  })

  const veth = (name: string): RtRequest => ({
    ...{ kind: 'veth.add', name, mac: '0a:57:48:00:00:01', mtuBytes: 1400 },
    peer: { name: `${name}p`, mac: '0a:57:50:00:00:01', netnsFd: fd },
  })
  const indexOf = (path: string, name: string): number =>
    interfacesIn(path).find(each => each.name === name)?.ifindex ?? 0

  it('make a pair in two namespaces, both sides down, and take it away', async () => {
    const { near, far } = pair
    await rtnetlinkIn(near.path, [veth('weirt0')])
    const [here] = interfacesIn(near.path).filter(({ name }) => name === 'weirt0')
    const [there] = interfacesIn(far.path).filter(({ name }) => name === 'weirt0p')
    expect(here).to.deep.include({ mac: '0a:57:48:00:00:01', mtu: 1400, up: false })
    expect(there).to.deep.include({ mac: '0a:57:50:00:00:01', mtu: 1400, up: false })
    expect(await codeOf(rtnetlinkIn(near.path, [veth('weirt0')]))).to.equal('EEXIST')
    await rtnetlinkIn(near.path, [{ kind: 'link.delete', name: 'weirt0' }])
    expect(indexOf(far.path, 'weirt0p')).to.equal(0)
    expect(await codeOf(rtnetlinkIn(near.path, [{ kind: 'link.delete', name: 'weirt0' }]))).to.equal('ENODEV')
  })

  it('set names, addresses, routes and neighbours that ip(8) shows as they were asked for', async () => {
    const { near, far } = pair
    await rtnetlinkIn(near.path, [veth('weirt1')])
    try {
      const ifindex = indexOf(far.path, 'weirt1p')
      await rtnetlinkIn(far.path, [
        { kind: 'link.set', ifindex, name: 'eth7', ownLinkLocal: false },
        { kind: 'address.add', ifindex, address: '10.9.0.2', length: 32 },
        { kind: 'address.add', ifindex, address: 'fd99::a:2', length: 128 },
        { kind: 'link.set', ifindex, up: true },
        { kind: 'neighbour.replace', ifindex, address: '169.254.1.1', mac: '0a:57:48:00:00:01' },
        { kind: 'neighbour.replace', ifindex, address: 'fe80::1', mac: '0a:57:48:00:00:01' },
      ])
      await rtnetlinkIn(near.path, [{ kind: 'link.set', ifindex: indexOf(near.path, 'weirt1'), up: true }])
      await rtnetlinkIn(far.path, [
        { kind: 'route.replace', ifindex, gateway: '169.254.1.1', source: '10.9.0.2' },
        { kind: 'route.replace', ifindex, gateway: 'fe80::1' },
        { kind: 'route.replace', ifindex, destination: { address: '10.8.0.0', length: 16 } },
        { kind: 'route.replace', ifindex, destination: { address: 'fd98::', length: 32 } },
      ])
      const device = devicesIn(far.path).find(({ name }) => name === 'eth7')
      expect(device?.addresses).to.have.members(['10.9.0.2', 'fd99::a:2'])
      expect(ip('-n', far.name, 'addr', 'show', 'dev', 'eth7')).to.match(/inet6 fd99::a:2\/128 scope global nodad/)
      expect(ip('-n', far.name, 'route')).to.match(
        /default via 169\.254\.1\.1 dev eth7 proto static src 10\.9\.0\.2 onlink/,
      )
      expect(ip('-n', far.name, 'route')).to.match(/10\.8\.0\.0\/16 dev eth7 proto static scope link/)
      expect(ip('-n', far.name, '-6', 'route')).to.match(/default via fe80::1 dev eth7 proto static .*onlink/)
      expect(ip('-n', far.name, '-6', 'route')).to.match(/fd98::\/32 dev eth7 proto static/)
      expect(ip('-n', far.name, 'neigh')).to.match(/169\.254\.1\.1 dev eth7 lladdr 0a:57:48:00:00:01 PERMANENT/)
    } finally {
      await rtnetlinkIn(near.path, [{ kind: 'link.delete', name: 'weirt1' }])
    }
  })

  it('take addresses in every way to write one', async () => {
    const { far } = pair
    const ifindex = indexOf(far.path, far.device)
    const written = ['2001:db8::ffff:10.0.0.1', '1:2:3:4:5:6:7:8', 'fd97::', '0:0::5']
    await rtnetlinkIn(
      far.path,
      written.map(address => ({ kind: 'address.add', ifindex, address, length: 128 })),
    )
    const has = devicesIn(far.path).find(({ name }) => name === far.device)?.addresses
    expect(has).to.include.members(['2001:db8::ffff:a00:1', '1:2:3:4:5:6:7:8', 'fd97::', '::5'])
    for (const address of ['fe80::1%eth0', 'web', '']) {
      const bad: RtRequest = { kind: 'address.add', ifindex, address, length: 128 }
      expect(await codeOf(rtnetlinkIn(far.path, [bad])), address).to.equal('ERR_NETNS_ARGUMENT')
    }
  })

  it('stop at the first that fails and name it, with what the kernel says', async () => {
    const { near } = pair
    const failure = await rtnetlinkIn(near.path, [
      { kind: 'link.set', ifindex: indexOf(near.path, 'lo'), up: true },
      { kind: 'address.add', ifindex: 9999, address: '10.9.9.9', length: 32 },
      veth('weirt2'),
    ]).catch((error: unknown) => error)
    expect(failure).to.be.instanceOf(NetnsError)
    expect((failure as NetnsError).message).to.match(/message 1/)
    expect(indexOf(near.path, 'weirt2')).to.equal(0)
    const bad: RtRequest = { kind: 'neighbour.replace', ifindex: 1, address: '10.0.0.1', mac: 'x' }
    expect(await codeOf(rtnetlinkIn(near.path, [bad]))).to.equal('ERR_NETNS_ARGUMENT')
    expect(await codeOf(rtnetlinkIn('/run/netns/nowhere-at-all', [veth('weirt3')]))).to.equal('ENOENT')
    await rtnetlinkIn('/run/netns/nowhere-at-all', [])
  })

  it('run many at once', async () => {
    const { near } = pair
    const names = Array.from({ length: 40 }, (_, index) => `weirm${index}`)
    await Promise.all(names.map(name => rtnetlinkIn(near.path, [veth(name)])))
    expect(names.filter(name => indexOf(near.path, name) === 0)).to.deep.equal([])
    await Promise.all(names.map(name => rtnetlinkIn(near.path, [{ kind: 'link.delete', name }])))
    expect(names.filter(name => indexOf(near.path, name) > 0)).to.deep.equal([])
  })

  it('leave values of the namespace alone but those that are written', async () => {
    const { near } = pair
    const read = (): string =>
      execFileSync('ip', ['netns', 'exec', near.name, 'cat', '/proc/sys/net/ipv4/ip_forward'], { encoding: 'utf8' })
    const own = readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8')
    await writeSysctlIn(near.path, 'ipv4/ip_forward', 1)
    expect(read().trim()).to.equal('1')
    await writeSysctlIn(near.path, 'ipv4/ip_forward', 0)
    expect(read().trim()).to.equal('0')
    expect(readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8')).to.equal(own)
    expect(await codeOf(writeSysctlIn(near.path, 'ipv4/no_such_value', 1))).to.equal('ENOENT')
    expect(await codeOf(writeSysctlIn(near.path, '../kernel/pid_max', 1))).to.equal('ERR_NETNS_ARGUMENT')
  })
})
