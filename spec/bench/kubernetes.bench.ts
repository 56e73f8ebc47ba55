import { type ChildProcess, fork } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { kernelObstacle } from '@weir/adapters/agent/datapath.js'
import { networkPolicy, resource } from '../adapters/kubernetes/objects.js'
import { RealCluster } from '../adapters/kubernetes/real-cluster.js'
import { RealServer, realServerObstacle } from '../adapters/kubernetes/real-server.js'
import type { Bench, BenchOptions, Figure } from './bench.js'
import { Closing } from './closing.js'
import type { FollowingAgentMessage, FollowingAgentOptions } from './kubernetes-agent.js'

const program = fileURLToPath(new URL('./kubernetes-agent.js', import.meta.url))

/** How many requests are under way while the cluster is made. */
const atOnce = 16

export const bench: Bench = {
  name: 'kubernetes',
  summary: 'a real API server: time to ready, CPU and memory of an agent; delay from an API change to the kernel’s map',
  options: {
    pods: { value: 10_000, help: 'pods, of which none has an interface here' },
    policies: { value: 1000, help: 'NetworkPolicies, each of a label of its own' },
    seconds: { value: 30, help: 'how long pods change; must hold for 300' },
    rate: { value: 100, help: 'changes of a pod’s address a second' },
  },
  async run(options, say) {
    const obstacle = realServerObstacle()
    if (obstacle !== undefined) throw new Error(obstacle)
    const closing = new Closing()
    try {
      return await measure(options, say, closing)
    } finally {
      await closing.close()
    }
  },
}

async function measure(options: BenchOptions, say: (line: string) => void, closing: Closing) {
  const [pods, policies] = [options.number('pods'), options.number('policies')]
  const server = new RealServer()
  closing.add(() => server.stop())
  await server.start()
  const cluster = new RealCluster(server)
  await cluster.prepare()
  await inParallel(policies, at =>
    cluster.create(resource('NetworkPolicy'), networkPolicy(`p${at}`, `a${at}`, `a${at + 1}`)),
  )
  await inParallel(pods, at => cluster.pod(`pod${at}`, addressOf(0, at), { app: `a${at % policies}` }))
  say(`${pods} pods and ${policies} policies are in place`)
  const stateFolder = await mkdtemp(join(tmpdir(), 'weir-bench-kubernetes-'))
  closing.add(() => rm(stateFolder, { recursive: true, force: true }))
  const pinName = `kubernetes${process.pid}`
  closing.add(() => rm(`/sys/fs/bpf/weir/${pinName}`, { recursive: true, force: true }))
  const backend = (await kernelObstacle()) === undefined ? 'kernel' : 'memory'
  const agent = new FollowingAgent({
    ...{ stateFolder, backend, node: 'n2', pinName },
    kubernetes: { kubeconfig: server.kubeconfig },
  })
  closing.add(() => agent.stop())
  const first = await agent.ready(pods)
  const firstPeak = agent.peakMiB()
  say(`ready after ${first.seconds.toFixed(1)} s, ${firstPeak.toFixed(0)} MiB at most`)
  const before = agent.residentMiB()
  const memory: number[] = []
  const watch = setInterval(() => memory.push(agent.residentMiB()), 1000)
  closing.add(() => clearInterval(watch))
  const { delays, answers, afterAnswer } = await churn(cluster, agent, options)
  clearInterval(watch)
  const cpu = agent.cpuMs - first.cpuMs
  await agent.stop()
  const again = new FollowingAgent(agent.options)
  closing.add(() => again.stop())
  const restart = await again.ready(pods)
  const figures: Record<string, Figure> = {
    'ready, empty log': { value: first.seconds, unit: 's', goal: { atMost: 20 } },
    'CPU until ready, empty log': { value: first.cpuMs / 1000, unit: 's' },
    'most memory until ready': { value: firstPeak, unit: 'MiB', goal: { atMost: 300 } },
    'ready, full log': { value: restart.seconds, unit: 's' },
    'CPU until ready, full log': { value: restart.cpuMs / 1000, unit: 's' },
    'API change to map, p50': { value: quantile(delays, 0.5), unit: 'ms' },
    'API change to map, p99': { value: quantile(delays, 0.99), unit: 'ms', goal: { atMost: 100 } },
    'of it until the server has answered, p50': { value: quantile(answers, 0.5), unit: 'ms' },
    'of it until the server has answered, p99': { value: quantile(answers, 0.99), unit: 'ms' },
    'from that answer to the map, p50': { value: quantile(afterAnswer, 0.5), unit: 'ms' },
    'from that answer to the map, p99': { value: quantile(afterAnswer, 0.99), unit: 'ms' },
    'longest time that the agent was busy at once': { value: agent.longestBusyMs, unit: 'ms' },
    'CPU a change': { value: cpu / delays.length, unit: 'ms' },
    'memory before the changes': { value: before, unit: 'MiB' },
    'memory in the second fifth of them': { value: fifth(memory, 1), unit: 'MiB' },
    'memory in the last fifth of them': { value: fifth(memory, 4), unit: 'MiB' },
  }
  return {
    workload: { pods, policies, changes: delays.length, backend },
    figures,
    ratios: { 'memory, last / second fifth': { value: fifth(memory, 4) / fifth(memory, 1), goal: { atMost: 1.1 } } },
  }
}

async function inParallel(count: number, work: (at: number) => Promise<void>): Promise<void> {
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < count) await work(next++)
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
}

/** Ranges of addresses beside each other, so that a pod's next address is nobody else's. */
const addressOf = (range: number, at: number): string => `10.${range}.${at >> 8}.${at & 255}`

/** In milliseconds, of each change. */
interface Delays {
  /** From when it was asked for until it was in the maps. */
  readonly delays: readonly number[]
  /** From when it was asked for until the API server had answered that it is so. */
  readonly answers: readonly number[]
  /** From that answer until it was in the maps; below 0 where a watch was faster. */
  readonly afterAnswer: readonly number[]
}

/** Changes pods' addresses at the rate asked for. */
async function churn(cluster: RealCluster, agent: FollowingAgent, options: BenchOptions): Promise<Delays> {
  const pods = options.number('pods')
  const periodMs = 1000 / options.number('rate')
  const asked = new Map<string, bigint>()
  const enforced = new Map<string, bigint>()
  const delays: number[] = []
  const answers: number[] = []
  const afterAnswer: number[] = []
  agent.onEnforced = (addresses, at) => {
    for (const address of addresses) {
      const began = asked.get(address)
      if (began === undefined) continue
      asked.delete(address)
      enforced.set(address, at)
      delays.push(Number(at - began) / 1e6)
    }
  }
  const began = performance.now()
  const working = new Set<Promise<void>>()
  for (let made = 0; performance.now() - began < options.number('seconds') * 1000; made++) {
    const address = addressOf(1 + Math.floor(made / pods), made % pods)
    const askedAt = process.hrtime.bigint()
    asked.set(address, askedAt)
    const work = cluster.address(`pod${made % pods}`, address).then(async () => {
      const answeredAt = process.hrtime.bigint()
      answers.push(Number(answeredAt - askedAt) / 1e6)
      while (!enforced.has(address)) await new Promise(resolve => setTimeout(resolve, 10))
      afterAnswer.push(Number(enforced.get(address)! - answeredAt) / 1e6)
      enforced.delete(address)
    })
    working.add(work)
    void work.finally(() => working.delete(work))
    const restMs = began + (made + 1) * periodMs - performance.now()
    await new Promise(resolve => setTimeout(resolve, Math.max(0, restMs)))
  }
  await Promise.all(working)
  return { delays, answers, afterAnswer }
}

const quantile = (values: readonly number[], share: number): number =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? 0

/** The middle of what a fifth of the time had: what the collector has let gather by then comes and goes. */
const fifth = (values: readonly number[], number: number): number => {
  const at = (part: number): number => Math.floor((values.length * part) / 5)
  return quantile(values.slice(at(number), at(number + 1)), 0.5)
}

class FollowingAgent {
  readonly options: FollowingAgentOptions
  readonly #child: ChildProcess
  readonly #began = performance.now()
  cpuMs = 0
  longestBusyMs = 0
  onEnforced: (addresses: readonly string[], at: bigint) => void = () => {}

  constructor(options: FollowingAgentOptions) {
    this.options = options
    this.#child = fork(program, [JSON.stringify(options)], { serialization: 'advanced' })
  }

  /** Resolves when all pods are known and enforced. */
  ready(pods: number): Promise<{ readonly seconds: number; readonly cpuMs: number }> {
    return new Promise((resolve, reject) => {
      this.#child.once('exit', code => reject(new Error(`the agent ended with ${code}`)))
      this.#child.on('message', (message: FollowingAgentMessage) => {
        if (message.kind === 'report') process.stderr.write(`${message.message}\n`)
        if (message.kind === 'report') return
        this.cpuMs = message.cpuMs
        if (message.kind === 'enforced') {
          this.longestBusyMs = message.longestBusyMs
          this.onEnforced(message.addresses, message.at)
        } else if (message.pods < pods) reject(new Error(`ready with ${message.pods} pods`))
        else resolve({ seconds: (performance.now() - this.#began) / 1000, cpuMs: message.cpuMs })
      })
    })
  }

  residentMiB(): number {
    return this.#memoryMiB('VmRSS')
  }

  peakMiB(): number {
    return this.#memoryMiB('VmHWM')
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return
    const ended = new Promise(resolve => this.#child.once('exit', resolve))
    this.#child.kill('SIGTERM')
    await ended
  }

  #memoryMiB(field: string): number {
    const text = readFileSync(`/proc/${this.#child.pid}/status`, 'utf8')
    return Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(text)?.[1] ?? 0) / 1024
  }
}
