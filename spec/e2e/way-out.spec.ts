import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { expect } from 'chai'
import { connectTcpIn, pingIn, udpSocketIn } from 'netns-napi'
import { eventually } from './agent-process.js'
import { echoes } from './echoes.js'
import { requireKernel } from './stage.js'
import { egressIp, families, type Family, nodes, pods, serverPorts, servers, WayOutSite } from './way-out-site.js'

const policy = (gateway: string, how: string) => `
apiVersion: cilium.io/v2
kind: CiliumEgressGatewayPolicy
metadata: { name: out }
spec:
  selectors: [{ podSelector: { matchLabels: { app: app-a } } }]
  destinationCIDRs: [203.0.113.0/24, "2001:db8:113::/48"]
  egressGateway: { nodeSelector: { matchLabels: { node: ${gateway} } }${how} }
`

describe('pods’ ways out of the cluster (needs root and eBPF)', function () {
  this.timeout(60_000)
  const open: Socket[] = []
  let site: WayOutSite

  before(async function () {
    await requireKernel(this)
    site = await WayOutSite.create(`o${process.pid}`)
  })
  after(async () => {
    for (const socket of open) socket.destroy()
    await site?.close()
  })

  /** A connection from a's pod, and the address that the server saw. */
  async function connect(to: string, timeoutMs = 3000): Promise<{ socket: Socket; seen: string } | undefined> {
    const netns = site.netnsOf('a')
    const socket = await connectTcpIn(netns, { address: to, port: serverPorts.tcp, timeoutMs }).catch(() => undefined)
    if (socket === undefined) return undefined
    socket.on('error', () => {})
    open.push(socket)
    const [said] = (await once(socket, 'data')) as [Buffer]
    return {
      socket,
      seen: String(said)
        .split(' ')[0]!
        .replace(/^::ffff:/, ''),
    }
  }
  async function seenByUdp(to: string, bytes = 16): Promise<string | undefined> {
    const socket = await udpSocketIn(site.netnsOf('a'), { address: to.includes(':') ? '::' : '0.0.0.0' })
    try {
      const told = once(socket, 'message') as Promise<[Buffer]>
      socket.send(new Uint8Array(bytes), serverPorts.udp, to)
      const late = new Promise<undefined>(resolve => setTimeout(() => resolve(undefined), 2000))
      const answer = await Promise.race([told, late])
      return answer === undefined ? undefined : String(answer[0]).split(' ')[0]
    } finally {
      socket.close()
    }
  }
  const seen = async (to: string, timeoutMs?: number) => {
    const made = await connect(to, timeoutMs)
    made?.socket.destroy()
    return made?.seen
  }
  const untilSeen = (to: string, wanted: string | undefined) =>
    eventually(async () => ((await seen(to, 500)) === wanted ? true : undefined))
  const dropped = async (reason: string): Promise<number> =>
    (await site.agent('a').status()).backend.counters
      .filter(counter => counter.reason === reason)
      .reduce((sum, { packets }) => sum + packets, 0)
  const each = async (check: (family: Family) => Promise<void>): Promise<void> => {
    for (const family of families) await check(family)
  }

  it('masquerades by the node’s address, of TCP, UDP and echo requests', async () => {
    await each(async family => {
      expect(await seen(servers.plain[family]), `TCP, IPv${family}`).to.equal(nodes.a[family])
      expect(await seenByUdp(servers.plain[family]), `UDP, IPv${family}`).to.equal(nodes.a[family])
      expect(await seenByUdp(servers.plain[family], 4000), `in fragments, IPv${family}`).to.equal(nodes.a[family])
      expect(
        await pingIn(site.netnsOf('a'), servers.plain[family], { timeoutMs: 2000 }),
        `echo, IPv${family}`,
      ).to.equal(true)
    })
    const { backend, tables } = await site.agent('a').status()
    expect(tables.masquerade).to.equal(1)
    expect(backend.tallies.nat_opened).to.be.above(5)
  })
  it('leaves nodes and pods of the cluster, and what the node itself sends, alone', async () => {
    await each(async family => {
      const netns = site.nodeNetnsOf('a')
      const socket = await connectTcpIn(netns, {
        address: servers.plain[family],
        port: serverPorts.tcp,
        timeoutMs: 2000,
      })
      open.push(socket.on('error', () => {}))
      const [said] = (await once(socket, 'data')) as [Buffer]
      expect(String(said)).to.equal(`${nodes.a[family]} ${socket.localPort}\n`)
      expect(await pingIn(site.netnsOf('a'), pods.b[family], { timeoutMs: 2000 }), 'a pod elsewhere').to.equal(true)
      expect(await pingIn(site.netnsOf('a'), nodes.b[family], { timeoutMs: 2000 }), 'another node').to.equal(true)
    })
  })
  it('gives the node’s own connection another port where a pod’s has it, and the pod’s where the node’s has it', async () => {
    await each(async family => {
      const from = async (netns: string, localPort: number) => {
        const to = { address: servers.plain[family], port: serverPorts.tcp, timeoutMs: 3000 }
        const socket = await connectTcpIn(netns, { ...to, localPort })
        open.push(socket.on('error', () => {}))
        const [said] = (await once(socket, 'data')) as [Buffer]
        return { socket, port: Number(String(said).trim().split(' ')[1]) }
      }
      for (const [first, second, port] of [
        [site.netnsOf('a'), site.nodeNetnsOf('a'), 41_001],
        [site.nodeNetnsOf('a'), site.netnsOf('a'), 41_002],
      ] as const) {
        const [one, other] = [await from(first, port), await from(second, port)]
        expect(one.port).to.equal(port)
        expect(other.port).to.not.equal(port)
        for (const { socket } of [one, other]) expect(await echoes(socket)).to.equal(true)
      }
    })
  })
  it('leaves destinations alone that a followed file of ip-masq-agent’s form names; what is open stays as it is', async () => {
    const before = await connect(servers.known[4])
    expect(before?.seen).to.equal(nodes.a[4])
    writeFileSync(join(site.folder, 'ip-masq'), 'nonMasqueradeCIDRs: [203.0.113.128/25, "2001:db8:200::/48"]\n')
    await each(async family => {
      await untilSeen(servers.known[family], pods.a[family])
      expect(await seen(servers.plain[family])).to.equal(nodes.a[family])
    })
    expect(await echoes(before!.socket)).to.equal(true)
  })
  it('goes on while no agent runs, for open connections and new ones, and after it has come back', async () => {
    const made = await Promise.all(families.map(family => connect(servers.plain[family])))
    await site.agent('a').end('SIGKILL')
    for (const connection of made) expect(await echoes(connection!.socket)).to.equal(true)
    await each(async family => {
      expect(await seen(servers.plain[family])).to.equal(nodes.a[family])
    })
    await site.agent('a').start()
    for (const connection of made) expect(await echoes(connection!.socket)).to.equal(true)
  })
  it('leads chosen pods through the node that a policy names, with its address', async () => {
    site.say('out.yaml', policy('b', `, egressIP: ${egressIp}`))
    await untilSeen(servers.plain[4], egressIp)
    const made = await connect(servers.plain[4])
    expect(await echoes(made!.socket)).to.equal(true)
    expect(await seenByUdp(servers.plain[4])).to.equal(egressIp)
    expect(await pingIn(site.netnsOf('a'), servers.plain[4], { timeoutMs: 2000 })).to.equal(true)
    for (const node of ['a', 'b'] as const) await site.agent(node).end('SIGKILL')
    expect(await echoes(made!.socket), 'without agents').to.equal(true)
    expect(await seen(servers.plain[4]), 'without agents').to.equal(egressIp)
    for (const node of ['a', 'b'] as const) await site.agent(node).start()
    site.say('out.yaml', policy('b', ', interface: eth0'))
    await untilSeen(servers.plain[6], nodes.b[6])
    await untilSeen(servers.plain[4], nodes.b[4])
  })
  it('sends nothing out past a gateway that is missing, and says so', async () => {
    const before = await dropped('No egress gateway found')
    site.say('out.yaml', policy('nowhere', ''))
    await each(async family => {
      await untilSeen(servers.plain[family], undefined)
    })
    expect(await dropped('No egress gateway found')).to.be.above(before)
    expect(await seen(servers.known[6]), 'what the policy doesn’t speak of').to.equal(pods.a[6])
  })
  it('follows the device’s address when that changes', async () => {
    site.say('out.yaml', '')
    await untilSeen(servers.plain[4], nodes.a[4])
    await site.readdress('a', '192.0.2.11')
    await untilSeen(servers.plain[4], '192.0.2.11')
  })
  it('takes the pod’s own node for a gateway too', async () => {
    site.say('out.yaml', policy('a', ''))
    await untilSeen(servers.plain[6], nodes.a[6])
    await untilSeen(servers.plain[4], '192.0.2.11')
  })
})
