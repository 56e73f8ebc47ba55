import { once } from 'node:events'
import { expect } from 'chai'
import { connectTcpIn } from 'netns-napi'
import { eventually } from './agent-process.js'
import { received } from './received.js'
import { requireKernel } from './stage.js'
import { egressIp, families, nodes, serverPorts, servers, WayOutSite } from './way-out-site.js'

const policy = (how: string) => `
apiVersion: cilium.io/v2
kind: CiliumEgressGatewayPolicy
metadata: { name: out }
spec:
  selectors: [{ podSelector: { matchLabels: { app: app-a } } }]
  destinationCIDRs: [203.0.113.0/24, "2001:db8:113::/48"]
  egressGateway: { nodeSelector: { matchLabels: { node: b } }, ${how} }
`

describe('ways out of the cluster beyond a tunnel (needs root and eBPF)', function () {
  this.timeout(60_000)
  let site: WayOutSite

  before(async function () {
    await requireKernel(this)
    site = await WayOutSite.create(`ot${process.pid}`, ['--routing', 'vxlan'])
  })
  after(() => site?.close())

  /** Whom the server saw, asked by a's pod; undefined when nothing came back. */
  async function seen(to: string): Promise<string | undefined> {
    const ends = { address: to, port: serverPorts.tcp, timeoutMs: 1000 }
    const socket = await connectTcpIn(site.netnsOf('a'), ends).catch(() => undefined)
    if (socket === undefined) return undefined
    try {
      socket.on('error', () => {})
      const [said] = (await once(socket, 'data')) as [Buffer]
      return String(said).split(' ')[0]
    } finally {
      socket.destroy()
    }
  }
  const untilSeen = (to: string, wanted: string) =>
    eventually(async () => ((await seen(to)) === wanted ? true : undefined))

  it('go by the pod’s own node, outside of tunnels, while no policy names another', async () => {
    for (const family of families) await untilSeen(servers.plain[family], nodes.a[family])
  })

  it('go through the tunnel to a gateway on another node, and back', async () => {
    const before = await received(site.nodeNetnsOf('b'), 'weir-vxlan')
    site.say('out.yaml', policy(`egressIP: ${egressIp}`))
    await untilSeen(servers.plain[4], egressIp)
    site.say('out.yaml', policy('interface: eth0'))
    await untilSeen(servers.plain[6], nodes.b[6])
    await untilSeen(servers.plain[4], nodes.b[4])
    expect(await received(site.nodeNetnsOf('b'), 'weir-vxlan')).to.be.greaterThan(before + 3)
  })
})
