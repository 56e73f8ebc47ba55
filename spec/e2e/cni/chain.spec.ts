import { existsSync } from 'node:fs'
import { listenTcpIn, connectTcpIn } from 'netns-napi'
import { run } from '@weir/adapters/network/run.js'
import { expect } from 'chai'
import { requireKernel } from '../stage.js'
import type { NetworkList } from './runtime.js'
import { CniSite, referencePlugins } from './site.js'

const missing = existsSync(`${referencePlugins}/tuning`)
  ? ''
  : ' (skipped: containernetworking-plugins is not installed)'

describe(`the CNI plugin in a chain (needs root and eBPF)${missing}`, function () {
  this.timeout(60_000)
  let site: CniSite

  before(async function () {
    await requireKernel(this)
    if (missing !== '') this.skip()
    site = await CniSite.open('chain')
    await site.start()
  })
  after(() => site?.close())

  const inside = (netnsPath: string, ...words: readonly string[]): Promise<string> =>
    run('nsenter', [`--net=${netnsPath}`, ...words])
  const chain = (...more: NetworkList['plugins']): NetworkList => site.list('1.0.0', ...more)

  it('hands its result to tuning, which sets a value of the pod’s', async () => {
    const [sandbox] = await site.sandboxes(1)
    const runtime = site.runtime(chain({ type: 'tuning', sysctl: { 'net.core.somaxconn': '511' } }))
    const result = await runtime.add(sandbox!)
    expect((await inside(sandbox!.netnsPath, 'cat', '/proc/sys/net/core/somaxconn')).trim()).to.equal('511')
    expect(result.ips).to.have.length(2)
    await runtime.check(sandbox!)
    await runtime.del(sandbox!)
    expect(site.devices()).to.deep.equal([])
  })

  it('hands its result to bandwidth, which shapes what goes to the pod', async () => {
    const [sandbox] = await site.sandboxes(1)
    const runtime = site.runtime(chain({ type: 'bandwidth', ingressRate: 8_000_000, ingressBurst: 8_000_000 }))
    await runtime.add(sandbox!)
    const [device] = site.devices()
    expect(await inside(site.network.netnsPath, 'tc', 'qdisc', 'show', 'dev', device!)).to.match(
      /qdisc tbf .* rate 8Mbit/,
    )
    await runtime.check(sandbox!)
    await runtime.del(sandbox!)
    expect(site.devices()).to.deep.equal([])
  })

  it('hands its result to portmap, by which the outside reaches the pod at a port of the node', async () => {
    const [sandbox] = await site.sandboxes(1)
    await site.tell(sandbox!.args!.match(/K8S_POD_NAME=([^;]+)/)![1]!)
    const runtime = site.runtime(chain({ type: 'portmap', capabilities: { portMappings: true } }))
    const portMappings = [{ hostPort: 8089, containerPort: 80, protocol: 'tcp' }]
    await runtime.add({ ...sandbox!, capabilities: { portMappings } })
    const server = await listenTcpIn(sandbox!.netnsPath, { address: '0.0.0.0', port: 80 })
    server.on('connection', socket => socket.end('from the pod'))
    try {
      const socket = await connectTcpIn(site.network.world!.netnsPath, {
        address: site.network.nodeAddresses[0]!,
        port: 8089,
        timeoutMs: 5000,
      })
      let said = ''
      for await (const chunk of socket) said += String(chunk)
      expect(said).to.equal('from the pod')
    } finally {
      server.close()
      await runtime.del({ ...sandbox!, capabilities: { portMappings } })
    }
    expect(site.devices()).to.deep.equal([])
  })

  it('keeps what plugins before it gave', async () => {
    const [sandbox] = await site.sandboxes(1)
    const prevResult = {
      cniVersion: '1.0.0',
      interfaces: [{ name: 'other0' }],
      ips: [{ address: '192.0.2.7/24', interface: 0 }],
      routes: [{ dst: '192.0.2.0/24' }],
      dns: { nameservers: ['192.0.2.53'] },
    }
    const runtime = site.runtime({ ...chain(), plugins: [{ ...chain().plugins[0], prevResult }] })
    const { interfaces, ips, routes, dns } = (await runtime.add(sandbox!)) as typeof prevResult
    expect(interfaces.map(({ name }) => name)).to.deep.equal(['other0', site.devices()[0], 'eth0'])
    expect(ips.map(ip => ip.interface)).to.deep.equal([0, 2, 2])
    expect(routes.map(({ dst }) => dst)).to.deep.equal(['192.0.2.0/24', '0.0.0.0/0', '::/0'])
    expect(dns).to.deep.equal(prevResult.dns)
    await runtime.del(sandbox!)
  })
})
