import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, rmSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { agentClient } from '@weir/adapters/cli/client.js'
import { cniPlugin } from '@weir/adapters/files.js'
import { createNodeNetwork, netnsFolder, type NodeNetwork } from '@weir/adapters/network/node-network.js'
import { ipBatch } from '@weir/adapters/network/run.js'
import type { Bench, BenchReport } from './bench.js'
import { Closing } from './closing.js'

const nodeAddresses = ['10.88.0.1', 'fd88::1']
const podCidrs = ['10.88.0.0/16', 'fd88:1::/64']
const weir = join(dirname(fileURLToPath(import.meta.resolve('@weir/adapters/cli/main.js'))), '../../bin/weir.mjs')

/** As a runtime waits for it: from the plugin's start to its end. */
export const bench: Bench = {
  name: 'cni',
  summary: 'a pod plugged in and taken out, as a container runtime waits for it; an agent’s start with pods there',
  options: {
    pods: { value: 55, help: 'pods that are there when the agent starts' },
    rounds: { value: 40, help: 'pods plugged in one after another, and as many at once' },
    starts: { value: 3, help: 'starts of the agent' },
  },
  async run(options, say): Promise<BenchReport> {
    const [pods, rounds, starts] = ['pods', 'rounds', 'starts'].map(name => options.number(name)) as [
      number,
      number,
      number,
    ]
    const closing = new Closing()
    try {
      const site = await Site.open(closing)
      await site.start()
      const there = await site.sandboxes(pods)
      for (const sandbox of there) await site.call('ADD', sandbox)
      say(`${pods} pods are there`)
      const more = await site.sandboxes(rounds)
      const added: number[] = []
      const removed: number[] = []
      const before = site.cpuMs()
      for (const sandbox of more) added.push(await site.call('ADD', sandbox))
      const addCpuMs = (site.cpuMs() - before) / rounds
      for (const sandbox of more) removed.push(await site.call('DEL', sandbox))
      const begun = performance.now()
      await Promise.all(more.map(sandbox => site.call('ADD', sandbox)))
      const togetherMs = performance.now() - begun
      for (const sandbox of more) await site.call('DEL', sandbox)
      const ready: number[] = []
      const cpu: number[] = []
      for (let start = 0; start < starts; start++) {
        await site.kill()
        ready.push(await site.start())
        cpu.push(site.cpuMs())
        say(`an agent was ready after ${ready.at(-1)?.toFixed(0)} ms`)
      }
      const ms = (value: number) => ({ value, unit: 'ms' })
      return {
        workload: { pods, rounds, starts },
        figures: {
          'ADD, p50': { ...ms(quantile(added, 0.5)), goal: { atMost: 60 } },
          'ADD, p99': ms(quantile(added, 0.99)),
          'ADD, least': ms(Math.min(...added)),
          'ADD, CPU of the agent': ms(addCpuMs),
          'DEL, p50': ms(quantile(removed, 0.5)),
          'ADDs at once': { value: (rounds * 1000) / togetherMs, unit: 'pods/s' },
          'start to ready, least': { ...ms(Math.min(...ready)), goal: { atMost: 2000 } },
          'start to ready, CPU, least': ms(Math.min(...cpu)),
        },
        ratios: {},
      }
    } finally {
      await closing.close()
    }
  },
}

class Site {
  readonly #network: NodeNetwork
  readonly #folder: string
  readonly #id: string
  readonly #closing: Closing
  #agent: ChildProcess | undefined
  #made = 0

  private constructor(id: string, network: NodeNetwork, folder: string, closing: Closing) {
    this.#id = id
    this.#network = network
    this.#folder = folder
    this.#closing = closing
    closing.add(() => rmSync(`/sys/fs/bpf/weir/${this.#node}`, { recursive: true, force: true }))
    closing.add(() => this.kill())
  }

  static async open(closing: Closing): Promise<Site> {
    const id = `cnib${process.pid}`
    const network = await createNodeNetwork({ id, nodeAddresses })
    closing.add(() => network.destroy())
    const folder = await mkdtemp(join(tmpdir(), 'weir-bench-cni-'))
    closing.add(() => rm(folder, { recursive: true, force: true }))
    return new Site(id, network, folder, closing)
  }

  get #node(): string {
    return `bench-${this.#id}`
  }

  get #socketPath(): string {
    return join(this.#folder, 'agent.sock')
  }

  /** @returns milliseconds until it answers */
  async start(): Promise<number> {
    const begun = performance.now()
    const words = [
      ...['--state', join(this.#folder, 'state'), '--node', this.#node, '--backend', 'kernel', '--cgroup', 'none'],
      ...['--netns', this.#network.netnsPath, '--node-address', ...nodeAddresses, '--pod-cidr', ...podCidrs],
      ...['--cni', '--masquerade', 'off', '--socket', this.#socketPath],
    ]
    this.#agent = spawn(process.execPath, [weir, 'agent', ...words], { stdio: 'ignore' })
    const client = agentClient(this.#socketPath)
    while ((await client.get('/v1/status').catch(() => undefined)) === undefined) {
      if (this.#agent.exitCode !== null) throw new Error('the agent ended')
      await new Promise(resolve => setTimeout(resolve, 5))
    }
    return performance.now() - begun
  }

  /** Processor time that the agent has used since it was started, in milliseconds. */
  cpuMs(): number {
    const [, rest = ''] = readFileSync(`/proc/${this.#agent?.pid}/stat`, 'utf8').split(') ')
    const fields = rest.split(' ')
    // User and system time, in ticks of USER_HZ, which is 100 wherever Node runs.
    return (Number(fields[11]) + Number(fields[12])) * 10
  }

  async kill(): Promise<void> {
    const agent = this.#agent
    this.#agent = undefined
    if (agent === undefined || agent.exitCode !== null) return
    const gone = once(agent, 'exit')
    agent.kill('SIGKILL')
    await gone
  }

  async sandboxes(count: number): Promise<readonly string[]> {
    const names = Array.from({ length: count }, () => `weir-${this.#id}-c${this.#made++}`)
    this.#closing.add(() =>
      ipBatch(
        names.map(name => `netns delete ${name}`),
        { force: true },
      ),
    )
    await ipBatch(names.map(name => `netns add ${name}`))
    return names
  }

  /** @returns milliseconds that the plugin took */
  async call(command: 'ADD' | 'DEL', sandbox: string): Promise<number> {
    const begun = performance.now()
    const child = spawn(fileURLToPath(cniPlugin), [], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: {
        ...{ CNI_COMMAND: command, CNI_CONTAINERID: sandbox, CNI_NETNS: `${netnsFolder}/${sandbox}` },
        ...{ CNI_IFNAME: 'eth0', CNI_ARGS: `K8S_POD_NAMESPACE=bench;K8S_POD_NAME=${sandbox}` },
      },
    })
    let said = ''
    child.stdout.on('data', chunk => {
      said += String(chunk)
    })
    child.stdin.end(JSON.stringify({ cniVersion: '1.1.0', name: 'weir', type: 'weir-cni', socket: this.#socketPath }))
    const [code] = (await once(child, 'close')) as [number]
    if (code !== 0) throw new Error(`${command}: ${said}`)
    return performance.now() - begun
  }
}

function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0
}
