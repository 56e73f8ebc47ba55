import { once } from 'node:events'
import type { Socket } from 'node:net'
import { expect } from 'chai'
import { balanced, clientAddresses, families, of, sites } from './north-network.js'
import { nodePorts, NorthStage, servicePort } from './north-stage.js'
import { requireKernel } from './stage.js'

const [first] = sites
const each = 6
const part = 50_000

for (const [name, options] of [
  ['by the node they called, in XDP', { xdp: 'native' }],
  ['by the node they called, in traffic control', { xdp: 'off' }],
  ['straight, by options', { xdp: 'native', lbMode: 'dsr' }],
  ['straight, by packets within packets', { xdp: 'off', lbMode: 'dsr', dsrDispatch: 'ipip' }],
] as const)
  describe(`clients outside while agents are killed, answered ${name} (needs root and eBPF)`, function () {
    this.timeout(90_000)
    let stage: NorthStage
    const sockets: Socket[] = []

    before(async function () {
      await requireKernel(this)
      const id = `nk${options.xdp[0]}${'lbMode' in options ? 'd' : 's'}${'dsrDispatch' in options ? 'i' : 'o'}${process.pid}`
      stage = await NorthStage.create(id, options, true)
    })
    after(async () => {
      for (const socket of sockets) socket.destroy()
      await stage?.close()
    })

    it('keep their connections over kill -9 and a new start, and open new ones all the time', async () => {
      const held = await Promise.all(
        families.flatMap(family =>
          Array.from({ length: each }, async () => {
            const socket = await stage.hold(of(balanced, family))
            sockets.push(socket)
            let said = ''
            let failure = ''
            socket.on('data', data => {
              said += String(data)
            })
            socket.on('error', error => {
              failure = error.message
            })
            return { socket, family, outcome: () => failure || said.trimEnd() }
          }),
        ),
      )
      const send = async (): Promise<void> => {
        for (const { socket } of held) socket.write(new Uint8Array(part))
        await new Promise(resolve => setTimeout(resolve, 100))
      }
      let isOver = false
      const failures: string[] = []
      let asked = 0
      const asking = Promise.all(
        families.map(async family => {
          while (!isOver)
            for (const [protocol, to, port] of [
              ['TCP', of(balanced, family), servicePort],
              ['UDP', of(first.node, family), nodePorts.web],
            ] as const) {
              const said = await stage.ask(protocol, to, port).catch((error: Error) => error.message)
              asked += 1
              if (!/^n[12] /.test(said ?? '')) failures.push(`${protocol} ${to}: ${said}`)
            }
        }),
      )
      await send()
      for (const agent of stage.processes) await agent.kill()
      await send()
      for (const agent of stage.processes) await agent.start()
      await send()
      await Promise.all(
        held.map(async ({ socket }) => {
          socket.end()
          if (!socket.destroyed) await once(socket, 'close')
        }),
      )
      isOver = true
      await asking
      for (const { family, outcome } of held) {
        const whom = 'lbMode' in options ? of(clientAddresses, family) : of(first.node, family)
        expect(outcome(), `IPv${family}`).to.equal(`${3 * part} ${whom}`)
      }
      expect(failures, `of ${asked} asked meanwhile`).to.deep.equal([])
      expect(asked).to.be.greaterThan(20)
    })
  })
