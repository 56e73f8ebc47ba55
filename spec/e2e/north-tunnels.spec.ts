import { run } from '@weir/adapters/network/run.js'
import type { DsrDispatch, LbMode } from '@weir/datapath/backend.js'
import { expect } from 'chai'
import { balanced, clientAddresses, families, forgetPods, of, sites } from './north-network.js'
import { nodePorts, NorthStage, servicePort } from './north-stage.js'
import { requireKernel } from './stage.js'

const [first] = sites
const cases: readonly { readonly lbMode: LbMode; readonly dsrDispatch: DsrDispatch }[] = [
  { lbMode: 'snat', dsrDispatch: 'opt' },
  { lbMode: 'dsr', dsrDispatch: 'opt' },
  { lbMode: 'dsr', dsrDispatch: 'ipip' },
]

for (const { lbMode, dsrDispatch } of cases)
  describe(`clients of backends beyond a tunnel, ${lbMode} by ${dsrDispatch} (needs root and eBPF)`, function () {
    this.timeout(120_000)
    let stage: NorthStage

    before(async function () {
      await requireKernel(this)
      const id = `nt${lbMode[0]}${dsrDispatch[0]}${process.pid}`
      stage = await NorthStage.create(id, { lbMode, dsrDispatch, routing: 'vxlan' })
      for (const agent of Object.values(stage.agents))
        expect((await agent.status()).routing.problem).to.equal(undefined)
      await forgetPods(stage.router.split('/').at(-1)!)
    })
    after(() => stage?.close())

    /** Packets that the first node has put into tunnels. */
    const sent = async (): Promise<number> => {
      const words = ['netns', 'exec', stage.netnsOf('n1'), 'ip', '-s', '-j', 'link', 'show', 'weir-vxlan']
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
            const said = await Promise.all(Array.from({ length: 24 }, () => stage.ask(protocol, to, port)))
            expect(new Set(said), to).to.have.all.keys(`n1 ${of(clientAddresses, family)}`, `n2 ${seen}`)
          }
          expect(await sent(), 'through the tunnel').to.be.greaterThan(before)
        })

      it(`IPv${family}: send and get what fills many packets`, async () => {
        expect(await stage.count(of(balanced, family), 300_000)).to.equal(`300000 ${seen}`)
      })
    }
  })
