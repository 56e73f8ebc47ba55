import type { Socket } from 'node:dgram'
import { once } from 'node:events'
import { statusLines } from '@weir/adapters/cli/render/status.js'
import { streamTerminal } from '@weir/adapters/cli/terminal.js'
import { expect } from 'chai'
import { udpSocketIn } from 'netns-napi'
import { eventually } from './agent-process.js'
import { requireKernel } from './stage.js'
import { families, serverPorts, servers, WayOutSite } from './way-out-site.js'

const [first, ports] = [1500, 3]
const firstTaken = { 4: 40_000, 6: 40_100 } as const
const range = `${first}-${first + ports - 1}`

const anyOf = (to: string): string => (to.includes(':') ? '::' : '0.0.0.0')
const { colour } = streamTerminal(process.stdout, process.stderr, { NO_COLOR: '1' })

describe('a node whose ports for translated flows are all taken (needs root and eBPF)', function () {
  this.timeout(60_000)
  const open: Socket[] = []
  let site: WayOutSite

  before(async function () {
    await requireKernel(this)
    site = await WayOutSite.create(`wp${process.pid}`, ['--nat-port-range', range])
  })
  after(async () => {
    for (const socket of open) socket.close()
    await site?.close()
  })

  /** Sends from a port of the pod's, and waits for what the server saw. */
  async function ask(to: string, port: number, timeoutMs: number): Promise<string | undefined> {
    const socket = await udpSocketIn(site.netnsOf('a'), { address: anyOf(to), port })
    open.push(socket)
    const told = once(socket, 'message') as Promise<[Buffer]>
    socket.send('who?', serverPorts.udp, to)
    const late = new Promise<undefined>(resolve => setTimeout(() => resolve(undefined), timeoutMs))
    const answer = await Promise.race([told, late])
    return answer && String(answer[0]).split(' ')[1]
  }

  const withoutPort = async (): Promise<number> => (await site.agent('a').status()).backend.withoutPort

  for (const family of families)
    it(`IPv${family}: goes on for flows that have one, and says that others are dropped`, async () => {
      const to = servers.plain[family]
      const before = await withoutPort()
      // A flow keeps its port unless somebody has it, as the node has these.
      for (let flow = 0; flow <= ports; flow++)
        open.push(await udpSocketIn(site.nodeNetnsOf('a'), { address: anyOf(to), port: firstTaken[family] + flow }))
      const given: (string | undefined)[] = []
      for (let flow = 0; flow < ports; flow++) given.push(await ask(to, firstTaken[family] + flow, 5000))
      expect(given.sort()).to.deep.equal(Array.from({ length: ports }, (_, at) => String(first + at)))
      expect(await ask(to, firstTaken[family] + ports, 500)).to.equal(undefined)
      const said = await eventually(async () =>
        (await withoutPort()) > before ? await site.agent('a').status() : undefined,
      )
      expect(said.backend.counters.map(({ reason }) => reason)).to.include('No mapping for NAT masquerade')
      expect(statusLines(said, colour)[0]).to.match(
        / packets? w\w+ dropped lately for want of a free port \(--nat-port-range\)$/,
      )
    })
})
