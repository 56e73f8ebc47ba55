import { attempt } from '@weir/adapters/demo/attempt.js'
import { type Listener, listenEcho } from '@weir/adapters/demo/echo.js'
import { run } from '@weir/adapters/network/run.js'
import { overheadBytes, overlayNames, tunnelPorts } from '@weir/adapters/routing/overlay-device.js'
import { protocolNumbers } from '@weir/core'
import type { TunnelMode } from '@weir/core/routing/node-ways.js'
import { expect } from 'chai'
import { udpSocketIn } from 'netns-napi'
import { eventually, patience, pause } from './agent-process.js'
import { client, ClusterSite, nodes, podOn, policy, port, server, stranger } from './cluster-site.js'
import { forged } from './forged-packet.js'
import { received } from './received.js'
import { requireKernel } from './stage.js'
import { whyNoTunnels } from './tunnel-devices.js'

const refused = 700
const segmentMtu = 1500

/** Only clients may call nodes, and only there where they serve; nodes may call whom they like. */
const nodePolicy = `apiVersion: cilium.io/v2
kind: CiliumClusterwideNetworkPolicy
metadata: { name: nodes }
spec:
  nodeSelector: {}
  ingress:
    - fromEndpoints: [{ matchLabels: { role: client } }]
      toPorts: [{ ports: [{ port: "${port}", protocol: TCP }] }]
`

/** What must hold of tunnels of either kind. */
export function tunnelsOf(mode: TunnelMode): void {
  const missing = whyNoTunnels(mode)
  describe(`pods of several nodes by ${mode} (needs root and eBPF${missing === undefined ? '' : `; ${missing}`})`, function () {
    this.timeout(240_000 * patience)
    let site: ClusterSite

    before(async function () {
      if (missing !== undefined) return this.skip()
      await requireKernel(this)
      site = await ClusterSite.create(`c${mode[0]}${process.pid}`, mode)
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

    it('lead pods to other nodes themselves, whose policy knows them', async () => {
      const [first] = nodes
      const netns = site.stage.nodeNetns('n1')
      const listeners: Listener[] = []
      const asks = async (from: typeof client, at: 0 | 1, timeoutMs = 2000 * patience): Promise<string> => {
        const flow = {
          ...{ from: from.addresses[at]!, to: first!.addresses[at]!, protocol: protocolNumbers.TCP, port },
        }
        const cell = { from: from.name, to: 'n1', family: at === 0 ? 4 : 6, protocol: 'TCP', port, flow } as const
        return (await attempt(site.stage.netnsOf(from.name), cell, timeoutMs)).kind
      }
      try {
        for (const address of first!.addresses) listeners.push(await listenEcho(netns, address, 'TCP', port))
        for (const at of [0, 1] as const) {
          const before = await received(netns, overlayNames[mode])
          expect(await asks(stranger, at), 'while nothing isolates the node').to.equal('answered')
          expect(await received(netns, overlayNames[mode]), 'through the tunnel').to.be.greaterThan(before)
        }
        await site.stage.say(`${policy}---\n${nodePolicy}`)
        await eventually(async () => ((await asks(stranger, 0, refused)) === 'silent' ? true : undefined))
        for (const at of [0, 1] as const) {
          const family = at === 0 ? 4 : 6
          expect(await asks(client, at), `IPv${family}`).to.equal('answered')
          expect(await asks(stranger, at, refused), `IPv${family}`).to.equal('silent')
          // Tunnels go on, and so do answers to what the node itself asks through them.
          expect(await site.asks(client, server, family)).to.equal('answered')
          expect(await site.asks({ netns }, client, family)).to.equal('answered')
        }
      } finally {
        for (const listener of listeners) await listener.close()
        await site.stage.say(policy)
      }
    })

    it('are the only way by which packets of other nodes’ pods come', async () => {
      const { routerPath } = site.stage.segment
      for (const at of [0, 1] as const) {
        const [from, to] = [client.addresses[at]!, server.addresses[at]!]
        await within(routerPath, 'ip', 'address', 'add', from, 'dev', 'lo', ...(at === 1 ? ['nodad'] : []))
        await within(routerPath, 'ip', 'route', 'add', to, 'via', nodes[0]!.addresses[at]!)
        const before = await dropped('Invalid source ip')
        const socket = await udpSocketIn(routerPath, { address: from })
        try {
          await eventually(async () => {
            socket.send('forged', port, to, () => {})
            return (await dropped('Invalid source ip')) > before ? true : undefined
          })
        } finally {
          await new Promise<void>(resolve => socket.close(() => resolve()))
          await within(routerPath, 'ip', 'address', 'delete', from, 'dev', 'lo')
          await within(routerPath, 'ip', 'route', 'delete', to)
        }
      }
    })

    it('refuse what comes from no node of the cluster, and what a node says for another one’s pods', async () => {
      const frame = forged(mode, client.addresses[0]!, server.addresses[0]!, port)
      const send = async (netns: string): Promise<void> => {
        const socket = await udpSocketIn(netns, { address: '0.0.0.0' })
        await new Promise(resolve => socket.send(frame, tunnelPorts[mode], nodes[0]!.addresses[0]!, resolve))
        await new Promise<void>(resolve => socket.close(() => resolve()))
      }
      const unknown = await dropped('Unknown sender')
      await send(site.stage.segment.routerPath)
      await eventually(async () => ((await dropped('Unknown sender')) > unknown ? true : undefined))
      await site.stage.addNode(nodes[2]!)
      await site.stage.say(policy)
      await site.stage.startAgent('n3', mode)
      await eventually(async () =>
        (await site.stage.agents.get('n1')!.status()).routing.blocks === 4 ? true : undefined,
      )
      const invalid = await dropped('Invalid source ip')
      await send(site.stage.nodeNetns('n3'))
      await eventually(async () => ((await dropped('Invalid source ip')) > invalid ? true : undefined))
    })

    it('tell pods how large their packets may be, and carry what fits', async () => {
      const mtuBytes = segmentMtu - overheadBytes[mode][4]
      expect((await site.stage.agents.get('n1')!.status()).routing.mtuBytes).to.equal(mtuBytes)
      const big = Buffer.alloc(1460, 1)
      for (const [at, address] of server.addresses.entries()) {
        const netns = site.stage.netnsOf(client.name)
        const echoed = await echo(netns, address, big)
        expect(echoed, `IPv${at === 0 ? 4 : 6}`).to.equal(big.length)
        const cached = await within(netns, 'ip', `-${at === 0 ? 4 : 6}`, 'route', 'get', address)
        expect(cached).to.include(`mtu ${mtuBytes}`)
      }
    })

    it('go on while an agent is away, and end with a change of the mode on both sides', async () => {
      await site.stage.agents.get('n1')!.end('SIGKILL')
      expect(await site.asks(client, server, 4)).to.equal('answered')
      for (const node of ['n1', 'n2']) {
        await site.stage.agents.get(node)!.end('SIGTERM')
        await site.stage.startAgent(node, 'native')
      }
      for (const family of [4, 6] as const) expect(await site.asks(client, server, family)).to.equal('answered')
      const netns = site.stage.nodeNetns('n1')
      expect(await within(netns, 'ip', 'link', 'show')).to.not.include(overlayNames[mode])
      for (const family of ['-4', '-6']) expect(await within(netns, 'ip', family, 'rule')).to.not.include('119')
    })
  })
}

/** How many bytes come back of a datagram that is sent again until some do: the first ones tell how large it may be. */
async function echo(netns: string, address: string, payload: Buffer): Promise<number> {
  const socket = await udpSocketIn(netns, { address: address.includes(':') ? '::' : '0.0.0.0' })
  try {
    let came = 0
    socket.on('error', () => {})
    socket.on('message', message => {
      came = message.length
    })
    for (let left = 10 * patience; left > 0 && came === 0; left -= 1) {
      socket.send(payload, port, address, () => {})
      await pause(300)
    }
    return came
  } finally {
    socket.close()
  }
}
