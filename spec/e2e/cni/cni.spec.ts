import { expect } from 'chai'
import { devicesIn, interfacesIn } from 'netns-napi'
import { requireKernel } from '../stage.js'
import { podArgs, PluginFailure, type Sandbox } from './runtime.js'
import { CniSite, podCidrs } from './site.js'

const failureOf = async (work: Promise<unknown>): Promise<{ readonly code?: number; readonly cniVersion?: unknown }> =>
  work.then(
    () => ({}),
    (error: unknown) => (error instanceof PluginFailure ? error.answer : Promise.reject(error)),
  )

describe('the CNI plugin (needs root and eBPF)', function () {
  this.timeout(60_000)
  let site: CniSite

  before(async function () {
    await requireKernel(this)
    site = await CniSite.open('cni')
    await site.start()
  })
  after(() => site?.close())

  const attached = (sandbox: Sandbox) => site.agent.engine.state.attachments.get(`${sandbox.container}/eth0`)?.fact

  it('gives a container an interface, an address of each family, and its pod that address', async () => {
    const [sandbox] = await site.sandboxes(1, () => 'web')
    await site.tell('web', { app: 'web' })
    const result = await site.runtime().add(sandbox!)
    const own = attached(sandbox!)!
    expect(own.addresses).to.have.length(2)
    expect(result).to.deep.include({
      cniVersion: '1.1.0',
      ips: own.addresses.map((address, at) => ({
        address: `${address}/${at === 0 ? 32 : 128}`,
        gateway: at === 0 ? '169.254.1.1' : 'fe80::1',
        interface: 1,
      })),
      routes: [
        { dst: '0.0.0.0/0', gw: '169.254.1.1' },
        { dst: '::/0', gw: 'fe80::1' },
      ],
      dns: {},
    })
    const [host, inside] = result.interfaces as readonly { name: string; mac: string; mtu: number; sandbox?: string }[]
    expect(host).to.deep.include({ name: own.device, mtu: 1500 })
    expect(inside).to.deep.include({ name: 'eth0', mtu: 1500, sandbox: sandbox!.netnsPath })
    const eth0 = interfacesIn(sandbox!.netnsPath).find(({ name }) => name === 'eth0')
    expect(eth0).to.deep.include({ mac: inside!.mac, up: true, mtu: 1500 })
    expect(devicesIn(sandbox!.netnsPath).find(({ name }) => name === 'eth0')?.addresses).to.include.members([
      ...own.addresses,
    ])
    expect(site.agent.engine.state.pods.get('shop/web')?.fact).to.deep.include({
      addresses: own.addresses,
      labels: { app: 'web' },
    })
    await site.runtime().del(sandbox!)
    expect(site.devices()).to.deep.equal([])
    expect(site.agent.engine.state.pods.get('shop/web')?.fact.addresses).to.deep.equal([])
    expect(site.agent.engine.state.endpoints.size).to.equal(0)
    await site.say({ kind: 'pod.deleted', namespace: 'shop', name: 'web' })
  })

  it('answers each version in its own form', async () => {
    for (const version of ['0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0']) {
      const [sandbox] = await site.sandboxes(1)
      const runtime = site.runtime(site.list(version))
      const { cniVersion, ips, interfaces } = (await runtime.add(sandbox!)) as {
        readonly cniVersion: string
        readonly ips: readonly { readonly version?: string }[]
        readonly interfaces: readonly { readonly mtu?: number }[]
      }
      expect(cniVersion).to.equal(version)
      expect(ips.map(ip => ip.version)).to.deep.equal(version < '1' ? ['4', '6'] : [undefined, undefined])
      expect(interfaces[0]!.mtu).to.equal(version === '1.1.0' ? 1500 : undefined)
      if (version >= '0.4.0') await runtime.check(sandbox!)
      else expect((await failureOf(runtime.check(sandbox!))).code).to.equal(1)
      if (version !== '1.1.0') {
        expect((await failureOf(runtime.status())).code).to.equal(1)
        expect(await failureOf(runtime.collect([]))).to.deep.include({ code: 1, cniVersion: version })
      }
      await runtime.del(sandbox!)
    }
  })

  it('gives the same again to a container that asks again, and nothing twice', async () => {
    const [sandbox] = await site.sandboxes(1)
    const runtime = site.runtime()
    const results = await Promise.all([runtime.add(sandbox!), runtime.add(sandbox!), runtime.add(sandbox!)])
    expect(results[1]).to.deep.equal(results[0])
    expect(results[2]).to.deep.equal(results[0])
    expect(site.devices()).to.have.length(1)
    await Promise.all([runtime.del(sandbox!), runtime.del(sandbox!)])
    await runtime.del(sandbox!)
    await runtime.del({ ...sandbox!, container: 'never-there', netnsPath: '' })
    expect(site.devices()).to.deep.equal([])
  })

  it('refuses a container a second interface, and leaves the first as it is', async () => {
    const [sandbox] = await site.sandboxes(1)
    await site.runtime().add(sandbox!)
    const environment = {
      ...{ CNI_COMMAND: 'ADD', CNI_CONTAINERID: sandbox!.container, CNI_NETNS: sandbox!.netnsPath },
      ...{ CNI_IFNAME: 'net1', CNI_ARGS: sandbox!.args ?? '' },
    }
    const { name, cniVersion, plugins } = site.list()
    const answer = await site.runtime().execute('weir-cni', environment, { name, cniVersion, ...plugins[0] })
    expect(JSON.parse(answer.output)).to.deep.include({ code: 4 })
    const runtime = site.runtime()
    await runtime.add(sandbox!)
    await runtime.check(sandbox!)
    await runtime.del(sandbox!)
    expect(site.agent.engine.state.attachments.size).to.equal(0)
  })

  it('checks what there is, and says what is not as it was', async () => {
    const [sandbox] = await site.sandboxes(1)
    const runtime = site.runtime()
    await runtime.add(sandbox!)
    await runtime.check(sandbox!)
    const { run } = await import('@weir/adapters/network/run.js')
    const [device] = site.devices()
    await run('ip', ['-n', site.network.netns, 'link', 'set', device!, 'down'])
    const failure = (await failureOf(runtime.check(sandbox!))) as { readonly code: number; readonly details: string }
    expect(failure.code).to.equal(102)
    expect(failure.details).to.include(`${device} is down`)
    const again = await runtime.add(sandbox!)
    expect(site.devices()).to.deep.equal([device])
    expect(again.ips).not.to.equal(undefined)
    await runtime.check(sandbox!)
    await runtime.del(sandbox!)
    expect((await failureOf(runtime.check(sandbox!))).code).to.equal(7)
  })

  it('takes away what the runtime does not know of, and nothing of other networks', async () => {
    const [kept, leaked, other] = await site.sandboxes(3)
    const runtime = site.runtime()
    const others = site.runtime({ ...site.list(), name: 'other' })
    await runtime.add(kept!)
    await runtime.add(leaked!)
    await others.add(other!)
    await runtime.collect([kept!.container])
    expect([kept, leaked, other].map(each => attached(each!) !== undefined)).to.deep.equal([true, false, true])
    expect(site.devices()).to.have.length(2)
    expect(await failureOf(runtime.collect([]).then(() => others.collect([])))).to.deep.equal({})
    expect(site.devices()).to.deep.equal([])
  })

  it('answers what can not be understood with the codes of the specification', async () => {
    const [sandbox] = await site.sandboxes(1)
    const runtime = site.runtime()
    const environment = {
      CNI_COMMAND: 'ADD',
      CNI_CONTAINERID: 'c1',
      CNI_NETNS: sandbox!.netnsPath,
      CNI_IFNAME: 'eth0',
      CNI_ARGS: podArgs('shop', 'odd'),
    }
    const config = { cniVersion: '1.1.0', name: 'weir', type: 'weir-cni', socket: site.socketPath }
    const codeOf = async (env: object, conf: object | string = config): Promise<unknown> => {
      const { code, output } = await runtime.execute('weir-cni', { ...environment, ...env }, conf as typeof config)
      expect(code).to.equal(1)
      return (JSON.parse(output) as { code: number }).code
    }
    expect(await codeOf({}, { ...config, cniVersion: '2.0.0' })).to.equal(1)
    expect(await codeOf({}, { ...config, ipam: { type: 'host-local' } })).to.equal(2)
    expect(await codeOf({ CNI_NETNS: '/run/netns/weir-no-such' })).to.equal(3)
    expect(await codeOf({ CNI_COMMAND: 'NONSENSE' })).to.equal(4)
    expect(await codeOf({ CNI_COMMAND: '' })).to.equal(4)
    expect(await codeOf({ CNI_IFNAME: 'much-too-long-a-name' })).to.equal(4)
    expect(await codeOf({ CNI_CONTAINERID: '' })).to.equal(4)
    expect(await codeOf({ CNI_ARGS: 'K8S_POD_NAMESPACE=../x' })).to.equal(4)
    expect(await codeOf({}, `{"socket":"${site.socketPath}",`)).to.equal(6)
    expect(await codeOf({}, { ...config, name: '' })).to.equal(7)
    expect(await codeOf({}, { ...config, mtu: 99 })).to.equal(7)
    expect(await codeOf({ CNI_COMMAND: 'CHECK' })).to.equal(7)
    expect(await codeOf({ CNI_COMMAND: 'GC' })).to.equal(7)
    expect(await codeOf({ CNI_NETNS: '/etc/hostname' })).to.equal(8)
    expect(site.agent.engine.state.attachments.size).to.equal(0)
    expect(site.devices()).to.deep.equal([])
  })

  it('says when no address is left, and leaves nothing behind', async () => {
    const blocks = (...podCidrs: readonly string[]): Promise<void> =>
      site.say({
        kind: 'node.upserted',
        node: { name: site.node, labels: {}, addresses: site.network.nodeAddresses, podCidrs },
      })
    await blocks('10.78.2.0/30')
    const [first, second] = await site.sandboxes(2)
    const runtime = site.runtime()
    await runtime.status()
    await runtime.add(first!)
    expect((await failureOf(runtime.add(second!))).code).to.equal(100)
    expect(site.devices()).to.have.length(1)
    await runtime.del(first!)
    expect((await failureOf(runtime.add(second!))).code, 'cooling down').to.equal(100)
    await blocks('none')
    expect((await failureOf(runtime.status())).code).to.equal(50)
    await blocks(...podCidrs)
    await runtime.status()
  })

  it('plugs a hundred in at once', async () => {
    const sandboxes = await site.sandboxes(100)
    const runtime = site.runtime()
    const results = await Promise.allSettled(sandboxes.map(sandbox => runtime.add(sandbox)))
    expect(results.flatMap(each => (each.status === 'rejected' ? [String(each.reason)] : []))).to.deep.equal([])
    const addresses = sandboxes.flatMap(sandbox => attached(sandbox)?.addresses ?? [])
    expect(new Set(addresses).size).to.equal(200)
    expect(site.devices()).to.have.length(100)
    await Promise.all(sandboxes.map(sandbox => runtime.del(sandbox)))
    expect(site.devices()).to.deep.equal([])
    expect(site.agent.engine.state.attachments.size).to.equal(0)
    expect(site.agent.engine.tables.endpoints.size).to.equal(0)
  })
  it('is to be tried again while no agent answers, and makes nothing', async () => {
    await site.stop()
    const [sandbox] = await site.sandboxes(1)
    const runtime = site.runtime()
    expect(await failureOf(runtime.add(sandbox!))).to.deep.include({ code: 11, cniVersion: '1.1.0' })
    const older = site.runtime(site.list('0.4.0'))
    expect(await failureOf(older.del(sandbox!))).to.deep.include({ code: 11, cniVersion: '0.4.0' })
    expect((await failureOf(runtime.status())).code).to.equal(50)
    expect(site.devices()).to.deep.equal([])
    const { code, output } = await runtime.execute('weir-cni', { CNI_COMMAND: 'VERSION' }, { cniVersion: '0.4.0' })
    expect(code).to.equal(0)
    expect(JSON.parse(output)).to.deep.equal({
      cniVersion: '0.4.0',
      supportedVersions: ['0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0'],
    })
  })
})
