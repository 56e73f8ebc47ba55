import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer, request, type Server } from 'node:http'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { expect } from 'chai'
import { connectTcpIn, listenTcpIn } from 'netns-napi'
import { eventually, pause } from './agent-process.js'
import { AgentSite } from './agent-site.js'
import { actors, requireKernel } from './stage.js'

const clients = 64
const port = 8080
const clusterIps = ['10.96.0.80', 'fd96::80'] as const
const service = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'server', namespace: 'red' },
  spec: {
    selector: { app: 'server' },
    clusterIP: clusterIps[0],
    clusterIPs: clusterIps,
    ipFamilyPolicy: 'RequireDualStack',
    ipFamilies: ['IPv4', 'IPv6'],
    ports: [{ port, targetPort: port }],
  },
}
const noIperf = spawnSync('iperf3', ['--version']).error === undefined ? '' : ': needs iperf3'

describe('an update of the agent (needs root and eBPF)', function () {
  this.timeout(120_000)
  let site: AgentSite
  let server: Server | undefined
  const closing: (() => void)[] = []

  before(async function () {
    await requireKernel(this)
    site = await AgentSite.create(`u${process.pid}`)
    server = createServer((asked, answer) => answer.end(asked.url))
    for (const address of ['0.0.0.0', '::']) {
      const onConnection = (socket: Socket): void => void server!.emit('connection', socket)
      const listener = await listenTcpIn(netns('red/server'), { address, port, v6Only: address === '::', onConnection })
      closing.push(() => listener.close())
    }
    writeFileSync(join(site.inputs, 'service.json'), JSON.stringify(service))
    for (const address of clusterIps)
      await eventually(() =>
        get(netns('red/client'), address, '/', 500).then(
          () => true,
          () => undefined,
        ),
      )
  })
  after(async () => {
    for (const close of closing) close()
    server?.closeAllConnections()
    await site?.destroy()
  })

  const netns = (pod: string): string => site.links.get(pod)!.netnsPath
  /** The pod, and the service that leads to it. */
  const served = [...actors[1]!.addresses, ...clusterIps]

  /** New programs under what is pinned, after a polite end and after none. */
  async function update(): Promise<void> {
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      const before = site.program()
      await pause(200)
      await site.agent.end(signal)
      await pause(200)
      await site.startUpdated()
      expect(site.program(), 'the program of the new process').not.to.equal(before)
      await pause(200)
    }
  }

  it(`is noticed by none of ${clients} HTTP clients, of a pod and of a service`, async () => {
    let isOver = false
    const failures: string[] = []
    const rounds = await (async () => {
      const running = Array.from({ length: clients }, async (_, at) => {
        let done = 0
        for (; !isOver; done++)
          await get(netns('red/client'), served[at % served.length]!, `/${at}/${done}`).catch((error: Error) =>
            failures.push(`client ${at}, request ${done}: ${error.message}`),
          )
        return done
      })
      await update()
      isOver = true
      return await Promise.all(running)
    })()
    expect(failures).to.deep.equal([])
    // Each was under way in every phase.
    expect(Math.min(...rounds)).to.be.greaterThan(10)
  })

  it(`doesn’t stop a transfer${noIperf}`, async function () {
    if (noIperf !== '') return this.skip()
    const listening = inside('blue/server', 'iperf3', '--server', '--one-off', '--port', '8081')
    try {
      await pause(500)
      const words = [
        '--client',
        actors[3]!.addresses[0]!,
        '--port',
        '8081',
        '--json',
        '--time',
        '600',
        '--interval',
        '0.5',
      ]
      const sending = inside('blue/client', 'iperf3', ...words)
      let told = ''
      sending.stdout!.setEncoding('utf8').on('data', (part: string) => {
        told += part
      })
      const ended = once(sending, 'exit')
      await pause(1000)
      await update()
      sending.kill('SIGINT')
      await ended
      const { intervals, error } = JSON.parse(told) as {
        intervals: readonly { sum: { bytes: number; seconds: number } }[]
        error?: string
      }
      expect(error).to.match(/interrupt/)
      const whole = intervals.filter(({ sum }) => sum.seconds > 0.4)
      expect(whole.length).to.be.greaterThan(3)
      expect(whole.filter(({ sum }) => sum.bytes === 0)).to.deep.equal([])
    } finally {
      listening.kill('SIGKILL')
    }
  })

  function inside(pod: string, ...words: string[]): ChildProcess {
    return spawn('nsenter', [`--net=${netns(pod)}`, ...words], { stdio: ['ignore', 'pipe', 'inherit'] })
  }
})

/** Asks over a connection of its own; rejects unless the answer is whole and right. */
async function get(netns: string, address: string, path: string, timeoutMs = 10_000): Promise<void> {
  const socket = await connectTcpIn(netns, { address, port, timeoutMs })
  try {
    const text = await new Promise<string>((resolve, reject) => {
      const asking = request({ createConnection: () => socket, path, timeout: 10_000 }, response => {
        let body = ''
        response.setEncoding('utf8').on('data', (part: string) => {
          body += part
        })
        response.on('end', () => resolve(body)).on('error', reject)
      })
      asking.on('error', reject).on('timeout', () => asking.destroy(new Error('no answer')))
      asking.end()
    })
    if (text !== path) throw new Error(`answered ${text}`)
  } finally {
    socket.destroy()
  }
}
