import { execFileSync } from 'node:child_process'
import type { AgentOptions } from '@weir/adapters/agent/agent-options.js'
import { outsideDevice } from '@weir/adapters/network/node-network.js'
import { setSysctls } from '@weir/adapters/network/run.js'
import { devicesIn, interfacesIn } from 'netns-napi'
import { expect } from 'chai'
import { requireKernel } from '../stage.js'
import type { Sandbox } from './runtime.js'
import { CniSite } from './site.js'

describe('a pod’s interface (needs root and eBPF)', function () {
  this.timeout(60_000)
  let site: CniSite

  before(async function () {
    await requireKernel(this)
    site = await CniSite.open('cniif')
  })
  afterEach(() => site?.stop())
  after(() => site?.close())

  /** A pod's interface, as the runtime was told of it and as it is. */
  async function plugged(sandbox?: Sandbox): Promise<{ readonly told: number; readonly has: number }> {
    const [made] = sandbox === undefined ? await site.sandboxes(1) : [sandbox]
    const { interfaces } = await site.runtime().add(made!)
    const has = interfacesIn(made!.netnsPath).find(({ name }) => name === 'eth0')!.mtu
    await site.runtime().del(made!)
    return { told: (interfaces as readonly { readonly mtu: number }[])[1]!.mtu, has }
  }

  const mtu = async (mtuBytes: number, more: Partial<AgentOptions>): Promise<void> => {
    await site.start(more)
    expect(await plugged()).to.deep.equal({ told: mtuBytes, has: mtuBytes })
    await site.stop()
  }

  it('takes what fits into tunnels, or what the node’s own devices take, or what is asked for', async () => {
    const netns = site.network.netns
    execFileSync('ip', ['-n', netns, 'link', 'set', outsideDevice, 'mtu', '1400'])
    try {
      await mtu(1500, {})
      await mtu(1400, { devices: [outsideDevice] })
      await mtu(1450, { routing: 'vxlan', devices: [outsideDevice] })
      await mtu(1420, { routing: 'vxlan', cni: { podWaitMs: 50, mtuBytes: 1420 } })
      execFileSync('ip', ['-n', netns, 'link', 'set', outsideDevice, 'mtu', '600'])
      await mtu(1280, { devices: [outsideDevice] })
    } finally {
      execFileSync('ip', ['-n', netns, 'link', 'set', outsideDevice, 'mtu', '1500'])
    }
  })

  it('is told of as it is when it is asked for again', async () => {
    const [sandbox] = await site.sandboxes(1)
    await site.start({ cni: { podWaitMs: 50, mtuBytes: 1420 } })
    const first = await site.runtime().add(sandbox!)
    await site.stop()
    await site.start({ cni: { podWaitMs: 50, mtuBytes: 1380 } })
    expect(await site.runtime().add(sandbox!)).to.deep.equal(first)
    await site.runtime().del(sandbox!)
  })

  it('has the settings that it needs, whatever those of new devices are', async () => {
    await setSysctls(site.network.netns, {
      'ipv4/conf/default/rp_filter': 1,
      'ipv4/conf/default/forwarding': 0,
      'ipv4/conf/default/send_redirects': 1,
      'ipv6/conf/default/forwarding': 0,
      'ipv6/conf/default/accept_ra': 1,
    })
    const [sandbox] = await site.sandboxes(1)
    const inside = sandbox!.netnsPath.slice(sandbox!.netnsPath.lastIndexOf('/') + 1)
    await setSysctls(inside, { 'ipv6/conf/default/disable_ipv6': 1, 'ipv6/conf/default/accept_ra': 1 })
    const { engine } = await site.start()
    await site.runtime().add(sandbox!)
    const { device, addresses } = [...engine.state.attachments.values()][0]!.fact
    expect(settings(site.network.netnsPath, device)).to.deep.equal({
      'ipv4/forwarding': '1',
      'ipv4/rp_filter': '0',
      'ipv4/send_redirects': '0',
      'ipv6/forwarding': '1',
      'ipv6/accept_ra': '0',
      'ipv6/disable_ipv6': '0',
    })
    expect(settings(sandbox!.netnsPath, 'eth0')).to.deep.include({ 'ipv6/accept_ra': '0', 'ipv6/disable_ipv6': '0' })
    const eth0 = devicesIn(sandbox!.netnsPath).find(({ name }) => name === 'eth0')
    expect(eth0?.addresses).to.include.members([...addresses])
    await site.runtime().del(sandbox!)
  })
})

const read = ['ipv4/forwarding', 'ipv4/rp_filter', 'ipv4/send_redirects'] as const
const readSix = ['ipv6/forwarding', 'ipv6/accept_ra', 'ipv6/disable_ipv6'] as const

/** Settings of a device, as a process of its namespace sees them. */
function settings(netnsPath: string, device: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    [...read, ...readSix].map(name => {
      const [family, value] = name.split('/') as [string, string]
      const file = `/proc/sys/net/${family}/conf/${device}/${value}`
      return [name, execFileSync('nsenter', [`--net=${netnsPath}`, 'cat', file], { encoding: 'utf8' }).trim()]
    }),
  )
}
