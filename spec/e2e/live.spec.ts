import { once } from 'node:events'
import type { Socket } from 'node:net'
import { expect } from 'chai'
import { connectTcpIn, udpSocketIn } from 'netns-napi'
import { isRefused } from './refused-datagram.js'
import { policy, requireKernel, Stage } from './stage.js'

const denyServer = policy('red', 'deny', { podSelector: { matchLabels: { app: 'server' } } })
const bothFamilies = [4, 6] as const

/** Whether what is written comes back within the time. */
async function echoes(socket: Socket, text: string, timeoutMs: number): Promise<boolean> {
  let got = ''
  const onData = (chunk: Buffer): void => {
    got += chunk.toString()
  }
  socket.on('data', onData)
  socket.write(text)
  const end = performance.now() + timeoutMs
  while (!got.includes(text) && performance.now() < end) await new Promise(resolve => setTimeout(resolve, 5))
  socket.off('data', onData)
  return got.includes(text)
}

describe('a change of policy, live (needs root and eBPF)', function () {
  let stage: Stage
  this.timeout(20_000)

  before(async function () {
    await requireKernel(this)
    stage = await Stage.create(`l${process.pid}`)
  })
  after(() => stage?.close())
  beforeEach(() => stage.set([]))

  for (const family of bothFamilies) {
    it(`holds for the next packet of an existing connection, and lets it go on when taken back (IPv${family})`, async () => {
      const socket = await connectTcpIn(stage.netnsOf('blue/client'), {
        address: stage.addressOf('red/server', family),
        port: 8080,
        timeoutMs: 2000,
      })
      socket.on('error', () => {})
      try {
        expect(await echoes(socket, 'one', 2000), 'before').to.equal(true)
        await stage.set([denyServer])
        expect(await echoes(socket, 'two', 400), 'denied').to.equal(false)
        await stage.set([])
        // TCP sends again what was dropped.
        expect(await echoes(socket, 'three', 5000), 'after').to.equal(true)
      } finally {
        socket.destroy()
      }
    })

    it(`leaves connections alone that it doesn't concern (IPv${family})`, async () => {
      const socket = await connectTcpIn(stage.netnsOf('blue/client'), {
        address: stage.addressOf('blue/server', family),
        port: 8081,
        timeoutMs: 2000,
      })
      try {
        for (let round = 0; round < 10; round++) {
          await stage.set(round % 2 === 0 ? [denyServer] : [])
          // Well under the 200 ms after which TCP would send a lost segment again.
          expect(await echoes(socket, `round ${round}.`, 150), `round ${round}`).to.equal(true)
        }
      } finally {
        socket.destroy()
      }
    })

    it(`passes datagrams in fragments (IPv${family})`, async () => {
      const socket = await udpSocketIn(stage.netnsOf('red/client'), { address: stage.addressOf('red/client', family) })
      try {
        const large = Buffer.alloc(4000, 'x')
        socket.send(large, 5353, stage.addressOf('red/server', family))
        const [answer] = (await Promise.race([
          once(socket, 'message'),
          new Promise(resolve => setTimeout(() => resolve([Buffer.alloc(0)]), 2000)),
        ])) as [Buffer]
        expect(answer.equals(large)).to.equal(true)
      } finally {
        socket.close()
      }
    })

    it(`passes the error for a datagram to a port where nobody listens, and stops those that the policy stops (IPv${family})`, async () => {
      const refused = await isRefused(stage, 'red/client', stage.addressOf('red/server', family), 4444)
      expect(refused, 'allowed').to.equal(true)
      await stage.set([denyServer])
      expect(await isRefused(stage, 'red/client', stage.addressOf('red/server', family), 4444), 'denied').to.equal(
        false,
      )
    })
  }

  it('is seen with its cause: the flow names both pods and the policy', async () => {
    await stage.set([denyServer])
    await stage.passes('blue/client', 'red/server', 'TCP', 8080, 4)
    for (let waited = 0; waited < 100 && denied().length === 0; waited++)
      await new Promise(resolve => setTimeout(resolve, 10))
    const flow = denied().at(-1)!
    expect(flow.source).to.deep.include({ namespace: 'blue', pod: 'client' })
    expect(flow.destination).to.deep.include({ namespace: 'red', pod: 'server', port: 8080 })
    expect(flow.source.labels.join()).to.include('app=client')
    expect(flow.causes).to.deep.equal(['default deny (ingress) by NetworkPolicy red/deny'])
  })

  it('is repaired when somebody deletes what the kernel had of it', async () => {
    await stage.set([denyServer])
    const { weir_cells: cells } = stage.agent.datapath.backend.maps
    for (const [key] of cells.entries()) cells.delete(key)
    expect(await stage.agent.datapath.verify(), 'entries repaired').to.be.greaterThan(0)
    expect(await stage.passes('blue/client', 'red/server', 'TCP', 8080, 4)).to.equal(false)
    expect(await stage.passes('host', 'red/server', 'TCP', 8080, 4, 2000)).to.equal(true)
    expect(await stage.agent.datapath.verify()).to.equal(0)
  })

  function denied() {
    return [...stage.agent.flows.kept()].filter(
      each =>
        each.verdict === 'denied' &&
        each.destination.pod === 'server' &&
        each.protocol === 'TCP' &&
        each.source.address === '10.77.1.3',
    )
  }
})
