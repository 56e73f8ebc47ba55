import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { StatusReport } from '@weir/adapters/agent/protocol.js'
import { agentClient } from '@weir/adapters/cli/client.js'
import { type Listener, listenEcho } from '@weir/adapters/demo/echo.js'
import { createNodeNetwork, type NodeNetwork, type PodLink } from '@weir/adapters/network/node-network.js'
import { queryClsact, queryTcx } from 'ebpf-napi'
import { connectTcpIn } from 'netns-napi'
import type { Enforcement, SessionReport } from './session-report.js'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const command = join(root, 'adapters/bin/weir.mjs')
const node = 'guest-node'
const nodeAddresses = ['10.78.0.1', 'fd78::1']
const pods = [
  { name: 'client', addresses: ['10.78.1.1', 'fd78::1:1'] },
  { name: 'server', addresses: ['10.78.1.2', 'fd78::1:2'] },
] as const
const server = pods[1].addresses[0]
const allowedPort = 8080
const deniedPort = 9090
/**
 * An emulated machine is slow, and slower where others run beside it. Whoever waits for what comes loses nothing by waiting
 * for long; whoever waits for what doesn't come waits for several times as long as the other took.
 */
const startsWithinMs = 1_800_000
const answersWithinMs = 60_000
const silenceLeastMs = 1500

const manifests = [
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'red' } },
  ...pods.map(({ name, addresses }) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'red', labels: { app: name } },
    spec: { nodeName: node, containers: [{ name: 'c', image: 'i' }] },
    status: { podIP: addresses[0], podIPs: addresses.map(ip => ({ ip })) },
  })),
  {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: 'server', namespace: 'red' },
    spec: { podSelector: { matchLabels: { app: 'server' } }, ingress: [{ ports: [{ port: allowedPort }] }] },
  },
]

/** Two pods, an agent as a process of its own, and a connection that is to live through the agent's end. */
export class Restart {
  readonly #folder: string
  readonly #network: NodeNetwork
  readonly #links: readonly PodLink[]
  readonly #listeners: readonly Listener[]
  #agent: ChildProcess | undefined

  private constructor(folder: string, network: NodeNetwork, links: readonly PodLink[], listeners: readonly Listener[]) {
    this.#folder = folder
    this.#network = network
    this.#links = links
    this.#listeners = listeners
  }

  static async create(): Promise<Restart> {
    const folder = mkdtempSync(join(tmpdir(), 'weir-guest-'))
    mkdirSync(join(folder, 'manifests'))
    writeFileSync(join(folder, 'manifests', 'all.yaml'), manifests.map(each => JSON.stringify(each)).join('\n---\n'))
    const network = await createNodeNetwork({ id: 'guest', nodeAddresses })
    try {
      const links = await network.addPods(pods)
      const ports = [allowedPort, deniedPort]
      const listening = ports.map(port => listenEcho(links[1]!.netnsPath, server, 'TCP', port))
      return new Restart(folder, network, links, await Promise.all(listening))
    } catch (error) {
      await network.destroy()
      throw error
    }
  }

  async run(): Promise<SessionReport> {
    await this.#start()
    for (const [at, { name }] of pods.entries()) {
      const { ifindex, ifname, hostMac, podMac } = this.#links[at]!
      await this.#post('/v1/endpoints', { namespace: 'red', pod: name, ifindex, ifname, hostMac, podMac })
    }
    const old = await connectTcpIn(this.#links[0]!.netnsPath, {
      address: server,
      port: allowedPort,
      timeoutMs: answersWithinMs,
    })
    try {
      const running = await this.#enforcement(old)
      const first = this.#program()
      await this.#kill()
      const killed = await this.#enforcement(old)
      const { backend } = await this.#start('--flow-rate', '12345')
      const startedAgain = await this.#enforcement(old)
      const { attach } = backend.features
      const programs = [first, this.#program()]
      return {
        kind: 'restarted',
        attach: String(attach),
        notes: backend.notes,
        programs,
        running,
        killed,
        startedAgain,
      }
    } finally {
      old.destroy()
    }
  }

  async close(): Promise<void> {
    await this.#kill()
    await Promise.all(this.#listeners.map(listener => listener.close()))
    rmSync(`/sys/fs/bpf/weir/${node}`, { recursive: true, force: true })
    await this.#network.destroy()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  get #socketPath(): string {
    return join(this.#folder, 'agent.sock')
  }

  /** Resolves when the agent has read its manifests and enforces them. With other options it has other programs. */
  async #start(...more: readonly string[]): Promise<StatusReport> {
    const folders = ['--state', join(this.#folder, 'state'), '--manifests', join(this.#folder, 'manifests')]
    const place = ['--node', node, '--netns', this.#network.netnsPath, '--socket', this.#socketPath]
    const args = [command, 'agent', ...folders, ...place, '--backend', 'kernel', '--cgroup', 'none']
    const agent = spawn(process.execPath, [...args, '--node-address', ...nodeAddresses, ...more], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    this.#agent = agent
    let said = ''
    agent.stderr.on('data', chunk => {
      said += String(chunk)
    })
    const client = agentClient(this.#socketPath)
    for (const start = performance.now(); performance.now() - start < startsWithinMs; await pause(1500)) {
      const status = await client.get<StatusReport>('/v1/status').catch(() => undefined)
      if (status?.sources[0]?.state === 'watching') return status
      if (agent.exitCode !== null) break
    }
    throw new Error(`the agent didn't start: ${said}`)
  }

  async #kill(): Promise<void> {
    const agent = this.#agent
    this.#agent = undefined
    if (agent === undefined || agent.exitCode !== null || agent.signalCode !== null) return
    const ended = new Promise(resolve => agent.once('exit', resolve))
    agent.kill('SIGKILL')
    await ended
  }

  async #enforcement(old: Socket): Promise<Enforcement> {
    const isAlive = await echoes(old)
    const start = performance.now()
    const isAllowed = await this.#connects(allowedPort, answersWithinMs)
    const silenceMs = Math.max(silenceLeastMs, 5 * (performance.now() - start))
    return { isAlive, isAllowed, isDenied: !(await this.#connects(deniedPort, silenceMs)) }
  }

  async #connects(port: number, timeoutMs: number): Promise<boolean> {
    const netns = this.#links[0]!.netnsPath
    const socket = await connectTcpIn(netns, { address: server, port, timeoutMs }).catch(() => undefined)
    socket?.destroy()
    return socket !== undefined
  }

  #program(): number | undefined {
    const { ifindex } = this.#links[1]!
    const netns = this.#network.netnsPath
    try {
      return queryTcx(ifindex, 'ingress', { netns }).programs[0]?.programId
    } catch {
      // A kernel without TCX.
      return queryClsact(ifindex, 'ingress', { netns })
    }
  }

  #post(path: string, body: object): Promise<void> {
    return new Promise((resolve, reject) => {
      const asking = request({ socketPath: this.#socketPath, path, method: 'POST' }, response => {
        response.resume()
        const { statusCode } = response
        response.on('end', () => (statusCode === 200 ? resolve() : reject(new Error(`${path}: status ${statusCode}`))))
      })
      asking.on('error', reject)
      asking.end(JSON.stringify(body))
    })
  }
}

async function echoes(socket: Socket): Promise<boolean> {
  return await new Promise(resolve => {
    const timer = setTimeout(() => resolve(false), answersWithinMs)
    const end = (alive: boolean) => () => {
      clearTimeout(timer)
      resolve(alive)
    }
    socket.once('data', end(true))
    socket.once('error', end(false))
    socket.write('still there?')
  })
}
