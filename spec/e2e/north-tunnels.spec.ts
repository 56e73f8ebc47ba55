import { run } from '@weir/adapters/network/run.js'
import { overlayNames } from '@weir/adapters/routing/overlay-device.js'
import type { TunnelMode } from '@weir/core/routing/node-ways.js'
import type { DsrDispatch, LbMode } from '@weir/datapath/backend.js'
import { expect } from 'chai'
import { patience } from './agent-process.js'
import { balanced, clientAddresses, families, forgetPods, of, sites } from './north-network.js'
import { nodePorts, NorthStage, servicePort } from './north-stage.js'
import { requireKernel } from './stage.js'
import { whyNoTunnels } from './tunnel-devices.js'

const [first] = sites
interface Case {
  readonly routing: TunnelMode
  readonly lbMode: LbMode
  readonly dsrDispatch: DsrDispatch
}

const cases: readonly Case[] = [
  { routing: 'vxlan', lbMode: 'snat', dsrDispatch: 'opt' },
  { routing: 'vxlan', lbMode: 'dsr', dsrDispatch: 'opt' },
  { routing: 'vxlan', lbMode: 'dsr', dsrDispatch: 'ipip' },
  { routing: 'geneve', lbMode: 'snat', dsrDispatch: 'opt' },
]

for (const { routing, lbMode, dsrDispatch } of cases) {
  const missing = whyNoTunnels(routing)
  const needs = `needs root and eBPF${missing === undefined ? '' : `; ${missing}`}`
  describe(`clients of backends beyond a tunnel of ${routing}, ${lbMode} by ${dsrDispatch} (${needs})`, function () {
    this.timeout(120_000 * patience)
    let stage: NorthStage

    before(async function () {
      if (missing !== undefined) return this.skip()
      await requireKernel(this)
      const id = `nt${routing[0]}${lbMode[0]}${dsrDispatch[0]}${process.pid}`
      stage = await NorthStage.create(id, { lbMode, dsrDispatch, routing })
      for (const agent of Object.values(stage.agents))
        expect((await agent.status()).routing.problem).to.equal(undefined)
      await forgetPods(stage.router.split('/').at(-1)!)
    })
    after(() => stage?.close())

    /** Packets that the first node has put into tunnels. */
    const sent = async (): Promise<number> => {
      const words = ['netns', 'exec', stage.netnsOf('n1'), 'ip', '-s', '-j', 'link', 'show', overlayNames[routing]]
      const [link] = JSON.parse(await run('ip', words)) as {
        readonly stats64: { readonly tx: { readonly packets: number } }
      }[]
      return link!.stats64.tx.packets
    }

    for (const family of families) {
      const seen = lbMode === 'snat' ? of(first.node, family) : of(clientAddresses, family)

      for (const protocol of ['TCP', 'UDP'] as const)
        it(`IPv${family} ${protocol}: reach them by a node port and by the load balancer’s address`, async () => {
          const before = await sent()
          for (const [to, port] of [
            [of(first.node, family), nodePorts.web],
            [of(balanced, family), servicePort],
          ] as const) {
            const said = await Promise.all(
              Array.from({ length: 24 }, () => stage.ask(protocol, to, port, { timeoutMs: 5000 * patience })),
            )
            expect(new Set(said), to).to.have.all.keys(`n1 ${of(clientAddresses, family)}`, `n2 ${seen}`)
          }
          expect(await sent(), 'through the tunnel').to.be.greaterThan(before)
        })

      it(`IPv${family}: send and get what fills many packets`, async () => {
        expect(await stage.count(of(balanced, family), 300_000, 10_000 * patience)).to.equal(`300000 ${seen}`)
      })
    }
  })
}
