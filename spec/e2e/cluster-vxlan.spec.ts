import { run } from '@weir/adapters/network/run.js'
import { expect } from 'chai'
import { udpSocketIn } from 'netns-napi'
import { eventually, pause } from './agent-process.js'
import { client, ClusterSite, nodes, podOn, policy, port, server, stranger } from './cluster-site.js'
import { requireKernel } from './stage.js'

const refused = 700
const vxlanPort = 8472

describe('pods of several nodes by VXLAN (needs root and eBPF)', function () {
  this.timeout(240_000)
  let site: ClusterSite

  before(async function () {
    await requireKernel(this)
    site = await ClusterSite.create(`cv${process.pid}`, 'vxlan')
  })
  after(() => site?.close())

  const within = (netns: string, ...words: readonly string[]): Promise<string> =>
    run('nsenter', [`--net=${netns}`, ...words])
  /** Packets that n1 has dropped for a reason. */
  const dropped = async (reason: string): Promise<number> => {
    const { backend } = await site.stage.agents.get('n1')!.status()
    return backend.counters.filter(row => row.reason === reason).reduce((sum, { packets }) => sum + packets, 0)
  }

  for (const family of [4, 6] as const) {
    it(`IPv${family}: reach each other as policy says, and the node reaches pods of others`, async () => {
      for (const protocol of ['TCP', 'UDP'] as const) {
        expect(await site.asks(client, server, family, protocol)).to.equal('answered')
        expect(await site.asks(stranger, server, family, protocol, refused)).to.equal('silent')
        expect(await site.asks(server, stranger, family, protocol)).to.equal('answered')
      }
      expect(await site.asks({ netns: site.stage.nodeNetns('n1') }, client, family)).to.equal('answered')
    })

    it(`IPv${family}: a pod that the receiver hasn’t heard of is judged by the identity that it comes with`, async () => {
      const [late, lateStranger] = [podOn(2, 10 + family, 'client'), podOn(2, 20 + family, 'stranger')]
      const known = site.stage.pods
      await site.stage.addPods([late, lateStranger], [port])
      await site.stage.say(policy, ['n2'])
      await site.stage.say(policy, ['n1'], known)
      await site.stage.attachAll()
      await eventually(async () => {
        const { tables } = await site.stage.agents.get('n2')!.status()
        return tables.endpoints === site.stage.pods.filter(({ node }) => node === 'n2').length ? true : undefined
      })
      for (const protocol of ['TCP', 'UDP'] as const) {
        expect(await site.asks(late, server, family, protocol)).to.equal('answered')
        expect(await site.asks(lateStranger, server, family, protocol, refused)).to.equal('silent')
      }
      const stray = podOn(2, 30 + family, `unheard-of-${family}`)
      await site.stage.addPods([stray], [port])
      await site.stage.say(policy, ['n2'])
      await site.stage.attachAll()
      const before = await dropped('Invalid identity')
      expect(await site.asks(stray, server, family, 'TCP', refused)).to.equal('silent')
      expect(await dropped('Invalid identity'), 'of an identity that nobody here has').to.be.greaterThan(before)
      await site.stage.say(policy)
    })
  }

  it('refuses what comes from no node of the cluster, and what a node says for another one’s pods', async () => {
    const frame = forged(client.addresses[0]!, server.addresses[0]!)
    const send = async (netns: string): Promise<void> => {
      const socket = await udpSocketIn(netns, { address: '0.0.0.0' })
      await new Promise(resolve => socket.send(frame, vxlanPort, nodes[0]!.addresses[0]!, resolve))
      await new Promise<void>(resolve => socket.close(() => resolve()))
    }
    const unknown = await dropped('Unknown sender')
    await send(site.stage.segment.routerPath)
    await eventually(async () => ((await dropped('Unknown sender')) > unknown ? true : undefined))
    await site.stage.addNode(nodes[2]!)
    await site.stage.say(policy)
    await site.stage.startAgent('n3', 'vxlan')
    await eventually(async () =>
      (await site.stage.agents.get('n1')!.status()).routing.blocks === 4 ? true : undefined,
    )
    const invalid = await dropped('Invalid source ip')
    await send(site.stage.nodeNetns('n3'))
    await eventually(async () => ((await dropped('Invalid source ip')) > invalid ? true : undefined))
  })

  it('tells pods how large their packets may be, and carries what fits', async () => {
    expect((await site.stage.agents.get('n1')!.status()).routing.mtuBytes).to.equal(1450)
    const big = Buffer.alloc(1460, 1)
    for (const [at, address] of server.addresses.entries()) {
      const netns = site.stage.netnsOf(client.name)
      const echoed = await echo(netns, address, big)
      expect(echoed, `IPv${at === 0 ? 4 : 6}`).to.equal(big.length)
      const cached = await within(netns, 'ip', `-${at === 0 ? 4 : 6}`, 'route', 'get', address)
      expect(cached).to.include('mtu 1450')
    }
  })

  it('goes on while an agent is away, and after a change of the mode on both sides', async () => {
    await site.stage.agents.get('n1')!.end('SIGKILL')
    expect(await site.asks(client, server, 4)).to.equal('answered')
    for (const node of ['n1', 'n2']) {
      await site.stage.agents.get(node)!.end('SIGTERM')
      await site.stage.startAgent(node, 'native')
    }
    for (const family of [4, 6] as const) expect(await site.asks(client, server, family)).to.equal('answered')
    expect(await within(site.stage.nodeNetns('n1'), 'ip', 'link', 'show')).to.not.include('weir-vxlan')
  })
})

/** How many bytes come back of a datagram that is sent again until some do: the first ones tell how large it may be. */
async function echo(netns: string, address: string, payload: Buffer): Promise<number> {
  const socket = await udpSocketIn(netns, { address: address.includes(':') ? '::' : '0.0.0.0' })
  try {
    let came = 0
    socket.on('error', () => {})
    socket.on('message', message => {
      came = message.length
    })
    for (let left = 10; left > 0 && came === 0; left -= 1) {
      socket.send(payload, port, address, () => {})
      await pause(300)
    }
    return came
  } finally {
    socket.close()
  }
}

/** A VXLAN packet with a SYN in it, of whomever it says. */
function forged(from: string, to: string): Buffer {
  const ip = Buffer.alloc(40)
  ip.writeUInt8(0x45, 0)
  ip.writeUInt16BE(40, 2)
  ip.writeUInt8(64, 8)
  ip.writeUInt8(6, 9)
  Buffer.from(from.split('.').map(Number)).copy(ip, 12)
  Buffer.from(to.split('.').map(Number)).copy(ip, 16)
  let sum = 0
  for (let at = 0; at < 20; at += 2) sum += ip.readUInt16BE(at)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  ip.writeUInt16BE(~sum & 0xffff, 10)
  ip.writeUInt16BE(40_000, 20)
  ip.writeUInt16BE(port, 22)
  ip.writeUInt8(5 << 4, 32)
  ip.writeUInt8(2, 33)
  const header = Buffer.from([8, 0, 0, 0, 0, 1, 0, 0])
  const ethernet = Buffer.from([2, 0x57, 0x65, 0x69, 0x72, 0, 6, 0, 0, 0, 0, 0, 8, 0])
  return Buffer.concat([header, ethernet, ip])
}
