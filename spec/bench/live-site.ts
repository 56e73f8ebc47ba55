import { type ChildProcess, execFile, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { createNodeNetwork, type PodLink, removeNamespacesOf } from '@weir/adapters/network/node-network.js'
import type { Closing } from './closing.js'
import type { LiveAgentMessage, LiveAgentOptions } from './live-agent.js'
import { clientAddress, firstPort, LiveFolder, measuredPort, serverAddress } from './live-folder.js'

const nodeAddress = '10.79.255.1'
const nodeName = 'bench'

/** A change of what befalls the measured datagrams, as the probe saw it. */
export interface Flip {
  readonly outcome: 'passed' | 'stopped'
  /** When the first datagram that it befell was sent: CLOCK_MONOTONIC, nanoseconds. */
  readonly at: bigint
}

/** A stage that a change has come to in the agent, and what time of CPUs the agent had had by then. */
export interface Reached {
  readonly stage: string
  readonly at: bigint
  readonly cpuUs: number
}

/** Two pods of a node in real namespaces, datagrams from one to the other, and an agent that follows a folder. */
export class LiveSite {
  readonly folder: LiveFolder
  readonly #probePath: string
  readonly #links: readonly [PodLink, PodLink]
  readonly #agent: ChildProcess
  readonly #stages: Reached[] = []
  readonly #flips: Flip[] = []
  #policies = 0
  #changed: () => void = () => {}

  private constructor(folder: LiveFolder, probePath: string, links: readonly [PodLink, PodLink], agent: ChildProcess) {
    this.folder = folder
    this.#probePath = probePath
    this.#links = links
    this.#agent = agent
  }

  static async create(policies: number, intervalUs: number, closing: Closing): Promise<LiveSite> {
    const id = `live${process.pid}`
    const scratch = mkdtempSync(join(tmpdir(), 'weir-bench-live-'))
    closing.add(() => rmSync(scratch, { recursive: true, force: true }))
    const probePath = join(scratch, 'probe')
    const source = fileURLToPath(new URL('../../bench/native/probe.c', import.meta.url))
    await promisify(execFile)('cc', ['-O2', '-o', probePath, source])
    closing.add(() => removeNamespacesOf(id))
    const network = await createNodeNetwork({ id, nodeAddresses: [nodeAddress] })
    closing.add(() => network.destroy())
    const [client, server] = await network.addPods([{ addresses: [clientAddress] }, { addresses: [serverAddress] }])
    const folder = new LiveFolder(join(scratch, 'manifests'), nodeName, policies)
    const options: LiveAgentOptions = {
      agent: {
        stateFolder: join(scratch, 'state'),
        node: nodeName,
        pinName: `bench-${id}`,
        netns: network.netnsPath,
        nodeAddresses: [nodeAddress],
        manifests: folder.path,
      },
      endpoints: [
        { namespace: 'measured', pod: 'client', ...device(client!) },
        { namespace: 'measured', pod: 'server', ...device(server!) },
      ],
    }
    closing.add(() => rmSync(`/sys/fs/bpf/weir/bench-${id}`, { recursive: true, force: true }))
    const agent = fork(fileURLToPath(new URL('./live-agent.js', import.meta.url)), [JSON.stringify(options)], {
      serialization: 'advanced',
      // A signal to the bench's group is the bench's to handle: it ends the agent itself.
      detached: true,
    })
    closing.add(() => ended(agent))
    const site = new LiveSite(folder, probePath, [client!, server!], agent)
    await site.#isReady()
    const probe = await site.#startProbe('flip', measuredPort, intervalUs, line => site.#seen(line))
    closing.add(() => ended(probe))
    await site.flip('passed')
    return site
  }

  /** The next change to this outcome that isn't taken yet. */
  async flip(outcome: Flip['outcome'], timeoutMs = 20_000): Promise<Flip> {
    const found = (): number => this.#flips.findIndex(flip => flip.outcome === outcome)
    await this.#until(() => found() >= 0, `datagrams that are ${outcome}`, timeoutMs)
    return this.#flips.splice(0, found() + 1).at(-1)!
  }

  /** The stages reached since then, once a change is enforced. */
  async stagesSince(start: bigint): Promise<readonly Reached[]> {
    await this.#until(() => this.#stages.some(({ stage, at }) => stage === 'enforced' && at >= start), 'stages', 5000)
    return this.#stages.splice(0).filter(({ at }) => at >= start)
  }

  async policiesAre(count: number): Promise<void> {
    await this.#until(() => this.#policies === count, `${count} policies (there are ${this.#policies})`, 60_000)
  }

  /** Sends to `count` ports until each has got a datagram. Resolves when it sends; `swept` when all have. */
  async sweep(count: number): Promise<{ readonly swept: Promise<{ readonly at: bigint; readonly widthNs: number }> }> {
    let told: (line: readonly string[]) => void = () => {}
    const line = new Promise<readonly string[]>(resolve => {
      told = resolve
    })
    await this.#startProbe('sweep', firstPort, count, told)
    return { swept: line.then(([, at, width]) => ({ at: BigInt(at!), widthNs: Number(width) })) }
  }

  #seen([outcome, at]: readonly string[]): void {
    if (outcome !== 'passed' && outcome !== 'stopped') return
    this.#flips.push({ outcome, at: BigInt(at!) })
    this.#changed()
  }

  async #startProbe(
    mode: 'flip' | 'sweep',
    port: number,
    last: number,
    onLine: (words: readonly string[]) => void,
  ): Promise<ChildProcess> {
    const [client, server] = this.#links
    const args = [mode, client.netnsPath, server.netnsPath, clientAddress, serverAddress, String(port), String(last)]
    const probe = spawn(this.#probePath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    await new Promise<void>((resolve, reject) => {
      createInterface({ input: probe.stdout }).on('line', line =>
        line === 'ready' ? resolve() : onLine(line.split(' ')),
      )
      probe.once('exit', code => reject(new Error(`the probe ended with status ${code}`)))
    })
    return probe
  }

  async #isReady(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#agent.once('exit', code => reject(new Error(`the agent ended with status ${code}`)))
      this.#agent.on('message', raw => {
        const message = raw as LiveAgentMessage
        if (message.kind === 'ready') resolve()
        else if (message.kind === 'stage') this.#stages.push(message)
        else if (message.kind === 'applied') this.#policies = message.policies
        else process.stderr.write(`agent: ${message.message}\n`)
        this.#changed()
      })
    })
  }

  async #until(holds: () => boolean, what: string, timeoutMs: number): Promise<void> {
    const end = performance.now() + timeoutMs
    while (!holds()) {
      const left = end - performance.now()
      if (left <= 0) throw new Error(`waited ${timeoutMs} ms for ${what}`)
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, left)
        this.#changed = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  }
}

const device = ({ ifindex, ifname, hostMac, podMac }: PodLink) => ({ ifindex, ifname, hostMac, podMac })

/** Asks a process to end, then makes it. */
async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), 5000)
  await exited
  clearTimeout(timer)
}
