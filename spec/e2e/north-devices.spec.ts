import { execFileSync } from 'node:child_process'
import { ipBatch, run } from '@weir/adapters/network/run.js'
import { netnsFolder } from '@weir/adapters/network/node-network.js'
import { expect } from 'chai'
import { loadObject } from 'ebpf-napi'
import { connectTcpIn, ifindexIn, udpSocketIn } from 'netns-napi'
import { compiled } from '../ebpf-napi/programs.js'
import { families, of, sites } from './north-network.js'
import { nodePorts, NorthStage } from './north-stage.js'
import { requireKernel } from './stage.js'

const [first] = sites
const near = ['192.0.2.2', '2001:db8:e::2'] as const
const gateway = ['192.0.2.1', '2001:db8:e::1'] as const

for (const xdp of ['native', 'generic', 'off'] as const)
  describe(`a client behind another device than the other node is, XDP ${xdp} (needs root and eBPF)`, function () {
    this.timeout(60_000)
    const id = `nv${xdp[0]}${process.pid}`
    const client = `weir-${id}-near`
    const node = `weir-${id}n1-node`
    let stage: NorthStage
    const closing: (() => void)[] = []

    before(async function () {
      await requireKernel(this)
      stage = await NorthStage.create(id, { xdp, devices: ['up*'] })
      await ipBatch([`netns add ${client}`])
      await ipBatch([`link add up1 netns ${node} type veth peer name eth0 netns ${client}`])
      for (const [netns, device, addresses] of [
        [node, 'up1', gateway],
        [client, 'eth0', near],
      ] as const) {
        await ipBatch(
          [
            `link set ${device} addrgenmode none`,
            `link set ${device} up`,
            `address add ${addresses[0]}/24 dev ${device}`,
            `address add ${addresses[1]}/64 dev ${device} nodad`,
          ],
          { netns },
        )
        await run('ip', ['netns', 'exec', netns, 'ethtool', '-K', device, 'tx', 'off'])
      }
      await ipBatch([`route add default via ${gateway[0]}`, `route add default via ${gateway[1]}`], { netns: client })
      // Frames that XDP sends into a veth vanish unless its other end has a program too.
      const object = loadObject(compiled('basics'))
      closing.push(() => object.close())
      const netns = `${netnsFolder}/${client}`
      const link = object.programs.get('xdp_pass')!.attachXdp(ifindexIn(netns, 'eth0'), 'native', { netns })
      closing.push(() => link.close())
      await programsAt('up1')
    })
    after(async () => {
      for (const close of closing.reverse()) close()
      await ipBatch([`netns delete ${client}`], { force: true })
      await stage?.close()
    })

    async function programsAt(device: string): Promise<void> {
      for (const until = Date.now() + 10_000; Date.now() < until; ) {
        const { host } = await stage.agents.n1!.status()
        if (host.devices.some(({ ifname, isAttached }) => ifname === device && isAttached)) return
        await new Promise(resolve => setTimeout(resolve, 50))
      }
      throw new Error(`no programs at ${device}`)
    }

    /** Frames that XDP took at a device of the first node and sent by another. */
    function redirects(device: string): number {
      const told = execFileSync('ip', ['netns', 'exec', node, 'ethtool', '-S', device], { encoding: 'utf8' })
      return [...told.matchAll(/rx_queue_\d+_xdp_redirect: (\d+)/g)].reduce((sum, [, count]) => sum + Number(count), 0)
    }

    /** Who answered, of some connections and some datagrams. */
    async function answers(protocol: 'TCP' | 'UDP', to: string): Promise<ReadonlySet<string>> {
      const ask = protocol === 'TCP' ? askStream : askDatagram
      return new Set(await Promise.all(Array.from({ length: 24 }, () => ask(to))))
    }

    async function askStream(to: string): Promise<string> {
      const socket = await connectTcpIn(`${netnsFolder}/${client}`, {
        address: to,
        port: nodePorts.web,
        timeoutMs: 4000,
      })
      let said = ''
      for await (const data of socket) said += String(data)
      return said
    }

    async function askDatagram(to: string): Promise<string> {
      const socket = await udpSocketIn(`${netnsFolder}/${client}`, { address: to.includes(':') ? '::' : '0.0.0.0' })
      try {
        return await new Promise(resolve => {
          setTimeout(() => resolve('nothing'), 4000)
          socket.on('message', message => resolve(String(message)))
          socket.send('who?', nodePorts.web, to)
        })
      } finally {
        socket.close()
      }
    }

    for (const family of families)
      for (const protocol of ['TCP', 'UDP'] as const)
        it(`IPv${family} ${protocol}: is answered by both nodes' pods, its frames ${saidOf(xdp)}`, async () => {
          const to = of(first.node, family)
          expect(await answers(protocol, to), 'at first').to.have.all.keys(
            `n1 ${of(near, family)}`,
            `n2 ${of(first.node, family)}`,
          )
          const before = { there: redirects('up1'), back: redirects('up0') }
          expect(await answers(protocol, to), 'once neighbours are known').to.have.all.keys(
            `n1 ${of(near, family)}`,
            `n2 ${of(first.node, family)}`,
          )
          if (xdp !== 'native') return
          expect(redirects('up1'), 'to the other node').to.be.greaterThan(before.there)
          expect(redirects('up0'), 'to the client').to.be.greaterThan(before.back)
        })
  })

function saidOf(xdp: 'native' | 'generic' | 'off'): string {
  return xdp === 'off' ? 'by traffic control' : `by ${xdp} XDP from device to device`
}
