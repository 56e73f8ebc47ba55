import type { Socket } from 'node:net'
import type { EventBody } from '@weir/core'
import { expect } from 'chai'
import { listenTcpIn } from 'netns-napi'
import { serviceBody, sliceBody } from '../datapath/service-cluster.js'
import { makeCgroup, removeCgroup, SocketProcess } from './socket-process.js'
import { requireKernel, Stage } from './stage.js'

const id = `c${process.pid}`
const port = 7070
const gone = 'red/server'
const stays = 'blue/server'

describe('connections to a backend that goes (needs root, eBPF and a cgroup 2 hierarchy)', function () {
  this.timeout(60_000)
  const closing: (() => unknown)[] = []
  const web = { name: 'held', clusterIps: ['10.96.79.9', 'fd96:79::9'], targetPort: port }
  const names = { ...web, name: 'names', clusterIps: ['10.96.79.10', 'fd96:79::10'], protocol: 'UDP' } as const
  let stage: Stage
  let inPod: SocketProcess
  let onNode: SocketProcess

  before(async function () {
    await requireKernel(this)
    const cgroup = makeCgroup(`weir-${id}`)
    if (cgroup === undefined) return this.skip()
    closing.unshift(() => removeCgroup(cgroup))
    stage = await Stage.create(id, { cgroup })
    closing.unshift(() => stage.close())
    for (const pod of [gone, stays])
      for (const family of [4, 6] as const) {
        const sockets: Socket[] = []
        const server = await listenTcpIn(stage.netnsOf(pod), {
          address: stage.addressOf(pod, family),
          port,
          onConnection: socket => sockets.push(socket.on('error', () => {}).resume()),
        })
        closing.unshift(() => {
          for (const socket of sockets) socket.destroy()
          server.close()
        })
      }
    await tell(gone, stays)
    inPod = await SocketProcess.start(cgroup, stage.netnsOf('red/client'))
    closing.unshift(() => inPod.end())
    onNode = await SocketProcess.start(cgroup, stage.netnsOf('host'))
    closing.unshift(() => onNode.end())
  })

  after(async () => {
    for (const close of closing) await close()
  })

  /** The services, on these pods. */
  async function tell(...pods: readonly string[]): Promise<void> {
    const bodies = [web, names].flatMap((service): readonly EventBody[] => [
      serviceBody(service),
      ...([4, 6] as const).map(family =>
        sliceBody(
          service,
          `v${family}`,
          pods.map(pod => ({ address: stage.addressOf(pod, family) })),
        ),
      ),
    ])
    await stage.agent.submit('test', bodies)
  }

  async function outcomes(process: SocketProcess): Promise<Record<string, number>> {
    const answer = await process.ask({ call: 'outcomes', host: '', port: 0 })
    const counts: Record<string, number> = {}
    for (const outcome of 'error' in answer ? [answer.error] : answer.said.split(' '))
      counts[outcome] = (counts[outcome] ?? 0) + 1
    return counts
  }

  it('are ended within a second, in pods and on the node, and those to others go on', async () => {
    const each = 8
    for (const process of [inPod, onNode])
      for (const [at, family] of ([4, 6] as const).entries()) {
        const hold = { call: 'hold', port: 80, count: each } as const
        expect(await process.ask({ ...hold, protocol: 'tcp', host: web.clusterIps[at]! })).to.include({ said: 'held' })
        expect(await process.ask({ ...hold, protocol: 'udp', host: names.clusterIps[at]! }), `IPv${family}`).to.include(
          { said: 'held' },
        )
      }
    expect(await outcomes(inPod)).to.deep.equal({ open: 4 * each })
    const before = Date.now()
    await tell(stays)
    let found = await outcomes(inPod)
    while (found.ECONNABORTED === undefined && Date.now() - before < 5000) found = await outcomes(inPod)
    expect(Date.now() - before, 'milliseconds until the first learns of it').to.be.lessThan(1000)
    await new Promise(resolve => setTimeout(resolve, 300))
    const all = [await outcomes(inPod), await outcomes(onNode)]
    const { connections } = (await stage.agent.status()).backend
    for (const counts of all) {
      expect(counts).to.have.all.keys('open', 'ECONNABORTED')
      expect(counts.open! + counts.ECONNABORTED!).to.equal(4 * each)
    }
    expect(connections).to.deep.equal({ closed: all[0]!.ECONNABORTED! + all[1]!.ECONNABORTED! })
    await tell(stays)
    await stage.agent.submit('test', [])
    expect((await stage.agent.status()).backend.connections, 'nothing goes').to.deep.equal(connections)
  })

  it('are those to the last backend too, when its service is deleted', async () => {
    const before = await outcomes(inPod)
    await stage.agent.submit(
      'test',
      [web, names].flatMap(({ name }): readonly EventBody[] => [
        { kind: 'service.deleted', namespace: 'shop', name },
        ...([4, 6] as const).map(
          (family): EventBody => ({ kind: 'endpointslice.deleted', namespace: 'shop', name: `${name}-v${family}` }),
        ),
      ]),
    )
    await new Promise(resolve => setTimeout(resolve, 500))
    expect(before.open).to.be.greaterThan(0)
    expect(Object.keys(await outcomes(inPod))).to.deep.equal(['ECONNABORTED'])
  })
})
