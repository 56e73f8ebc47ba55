import { run } from '@weir/adapters/network/run.js'
import { expect } from 'chai'
import { eventually } from './agent-process.js'
import { client, ClusterSite, nodes, podOn, policy, port, server, stranger } from './cluster-site.js'
import { requireKernel } from './stage.js'

const refused = 700

describe('pods of several nodes by direct routes (needs root and eBPF)', function () {
  this.timeout(180_000)
  let site: ClusterSite

  before(async function () {
    await requireKernel(this)
    site = await ClusterSite.create(`cn${process.pid}`, 'native')
  })
  after(() => site?.close())

  const routes = async (node: string, family: 4 | 6): Promise<string> =>
    run('nsenter', [`--net=${site.stage.nodeNetns(node)}`, 'ip', `-${family}`, 'route', 'show', 'proto', '119'])

  for (const family of [4, 6] as const) {
    it(`IPv${family}: reach each other as policy says, and the node reaches pods of others`, async () => {
      for (const protocol of ['TCP', 'UDP'] as const) {
        expect(await site.asks(client, server, family, protocol)).to.equal('answered')
        expect(await site.asks(stranger, server, family, protocol, refused)).to.equal('silent')
        expect(await site.asks(server, stranger, family, protocol)).to.equal('answered')
      }
      expect(await site.asks({ netns: site.stage.nodeNetns('n1') }, client, family)).to.equal('answered')
    })
  }

  it('has routes to the blocks of others and none to its own, which outlive the agent', async () => {
    for (const family of [4, 6] as const) {
      const [own, other] = [nodes[0]!.podCidrs, nodes[1]!.podCidrs].map(blocks => blocks[family === 4 ? 0 : 1]!)
      expect(await routes('n1', family))
        .to.include(other)
        .and.not.include(own)
    }
    await site.stage.agents.get('n1')!.end('SIGKILL')
    expect(await site.asks(client, server, 4)).to.equal('answered')
    await site.stage.startAgent('n1', 'native')
    expect((await site.stage.agents.get('n1')!.status()).routing).to.deep.equal({
      mode: 'native',
      blocks: 2,
      routes: 2,
    })
  })

  it('follows a node that comes and goes', async () => {
    const third = podOn(3, 1, 'client')
    await site.stage.addNode(nodes[2]!)
    await site.stage.addPods([third], [port])
    await site.stage.say(policy)
    await site.stage.startAgent('n3', 'native')
    await eventually(async () => ((await routes('n1', 6)).includes('fd41:3::/64') ? true : undefined))
    for (const family of [4, 6] as const) expect(await site.asks(third, server, family)).to.equal('answered')
    await run('nsenter', [`--net=${site.stage.nodeNetns('n1')}`, 'ip', 'route', 'delete', '10.41.3.0/24'])
    await site.stage.agents.get('n1')!.end('SIGTERM')
    await site.stage.startAgent('n1', 'native')
    expect(await routes('n1', 4), 'put back').to.include('10.41.3.0/24')
    await site.stage.agents.get('n1')!.end('SIGTERM')
    await site.stage.startAgent('n1', 'off')
    expect(await routes('n1', 4), 'switched off').to.equal('')
  })
})
