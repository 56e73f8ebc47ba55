import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import {
  createNodeNetwork,
  type NodeNetwork,
  type PodLink,
  removeNamespacesOf,
} from '@weir/adapters/network/node-network.js'
import { Engine, type EventBody } from '@weir/core'
import { createKernelBackend } from '@weir/datapath/kernel/backend.js'
import { Reconciler } from '@weir/datapath/reconcile/reconciler.js'
import { type Bench, type BenchReport, type Figure, median, type Ratio } from './bench.js'
import { Closing } from './closing.js'

const execute = promisify(execFile)

const client = '10.77.0.1'
const server = '10.77.0.2'
const nodeAddress = '10.77.255.1'
const latencyPort = 7000
const streamPort = 5201

/** Two pods of one node, and what runs in them. */
interface Site {
  readonly name: 'routed' | 'weir'
  readonly client: PodLink
  readonly server: PodLink
}

type Measure = 'stream, GSO' | 'stream, no GSO' | 'connect + close, p50' | 'request/response, p50'

const units: Readonly<Record<Measure, string>> = {
  'stream, GSO': 'Gb/s',
  'stream, no GSO': 'Gb/s',
  'connect + close, p50': 'µs',
  'request/response, p50': 'µs',
}

export const bench: Bench = {
  name: 'pod-to-pod',
  summary: 'two pods of one node over veth pairs, policy on, against a plain routed path without any program, by turns',
  options: {
    rounds: { value: 9, help: 'rounds of every measure, the two paths by turns' },
    seconds: { value: 1, help: 'of each stream' },
    connections: { value: 1500, help: 'connections per round' },
    exchanges: { value: 20000, help: 'request/response pairs per round' },
  },
  async run(options, say) {
    const folder = mkdtempSync(path.join(tmpdir(), 'weir-bench-'))
    const closing = new Closing()
    closing.add(() => rmSync(folder, { recursive: true, force: true }))
    try {
      const program = path.join(folder, 'latency')
      await execute('cc', [
        '-O2',
        '-o',
        program,
        fileURLToPath(new URL('../../bench/native/latency.c', import.meta.url)),
      ])
      const sites: Site[] = []
      for (const name of ['routed', 'weir'] as const) {
        await removeNamespacesOf(`bench${name}`)
        const network = await createNodeNetwork({ id: `bench${name}`, nodeAddresses: [nodeAddress] })
        closing.add(() => network.destroy())
        const [from, to] = await network.addPods([{ addresses: [client] }, { addresses: [server] }])
        const site = { name, client: from!, server: to! }
        sites.push(site)
        if (name === 'weir') closing.add(await enforce(network, site))
        else await answerForGateway(site)
        for (const child of [await serve(site.server, program), await serveStreams(site.server)])
          closing.add(() => child.kill('SIGKILL'))
      }
      const results = new Map<string, number[]>()
      const keep = (measure: Measure, site: Site, value: number): void => {
        const key = `${measure} ${site.name}`
        results.set(key, [...(results.get(key) ?? []), value])
      }
      for (let round = 0; round < options.number('rounds'); round++) {
        say(`round ${round + 1}`)
        const turn = round % 2 === 0 ? sites : [...sites].reverse()
        for (const site of turn) {
          const connections = await latency(site, program, 'connect', options.number('connections'))
          keep('connect + close, p50', site, connections / 1000)
        }
        for (const site of turn) {
          const exchange = await latency(site, program, 'exchange', options.number('exchanges'))
          keep('request/response, p50', site, exchange / 1000)
        }
        for (const gso of [true, false])
          for (const site of turn) {
            for (const link of [site.client, site.server]) await offload(link, gso)
            keep(gso ? 'stream, GSO' : 'stream, no GSO', site, await stream(site, options.number('seconds')))
          }
      }
      return report(results, options.number('rounds'))
    } finally {
      await closing.close()
    }
  },
}

function report(results: ReadonlyMap<string, readonly number[]>, rounds: number): BenchReport {
  const figures: Record<string, Figure> = {}
  const ratios: Record<string, Ratio> = {}
  for (const measure of Object.keys(units) as Measure[]) {
    const routed = results.get(`${measure} routed`)!
    const weir = results.get(`${measure} weir`)!
    figures[`${measure}, routed`] = { value: median(routed), unit: units[measure] }
    figures[`${measure}, weir`] = { value: median(weir), unit: units[measure] }
    // Above 1 is better than the plain path, whichever way the unit goes.
    const speedups = weir.map((value, round) =>
      units[measure] === 'µs' ? routed[round]! / value : value / routed[round]!,
    )
    ratios[`${measure}: weir over routed, speed`] = { value: median(speedups), goal: { atLeast: 1 } }
  }
  return {
    workload: { rounds, policies: 'ingress and egress of both pods', ratio: 'median over rounds' },
    figures,
    ratios,
  }
}

/** Isolates both pods in both directions and lets the measured flows through. */
async function enforce(network: NodeNetwork, { client: from, server: to }: Site): Promise<() => void> {
  const backend = createKernelBackend({ node: 'benchweir' })
  const reconciler = new Reconciler(backend, { netns: network.netnsPath })
  const pod = (name: string, address: string): EventBody => ({
    kind: 'pod.upserted',
    pod: {
      namespace: 'default',
      name,
      labels: { app: name },
      serviceAccount: 'default',
      node: 'bench',
      addresses: [address],
      hostNetwork: false,
      ports: [],
    },
  })
  const attached = (name: string, link: PodLink): EventBody => ({
    kind: 'endpoint.attached',
    endpoint: { namespace: 'default', pod: name, ...pick(link) },
  })
  const peers = [{ kind: 'pods', podSelector: [{ key: 'app', operator: 'Exists', values: [] }] }] as const
  const ports = [{ protocol: 'TCP', port: 1, endPort: 65535 }] as const
  const bodies: EventBody[] = [
    { kind: 'agent.configured', agent: { node: 'bench', cluster: 'default', labelFilter: [] } },
    {
      kind: 'networkpolicy.upserted',
      policy: {
        namespace: 'default',
        name: 'measured',
        podSelector: [],
        policyTypes: ['ingress', 'egress'],
        ingress: [{ peers, ports }],
        egress: [{ peers, ports }],
      },
    },
    pod('client', client),
    pod('server', server),
    attached('client', from),
    attached('server', to),
  ]
  const engine = new Engine()
  engine.apply(bodies.map((body, at) => ({ ...body, seq: at + 1, time: 0, source: 'bench' })))
  await reconciler.start(engine.tables)
  // As an agent does: events have a reader.
  const events = backend.events.subscribe()
  return () => {
    events.unsubscribe()
    reconciler.close()
    backend.uninstall()
    backend.close()
  }
}

function pick({ ifindex, ifname, hostMac, podMac }: PodLink) {
  return { ifindex, ifname, hostMac, podMac }
}

/** Without programs nobody answers for the pods' gateway: tell them its address. */
async function answerForGateway({ client: from, server: to }: Site): Promise<void> {
  for (const link of [from, to])
    await execute('ip', [
      '-n',
      link.netns,
      'neighbour',
      'replace',
      '169.254.1.1',
      'lladdr',
      link.hostMac,
      'nud',
      'permanent',
      'dev',
      'eth0',
    ])
}

const inside = ({ netns }: PodLink, ...command: readonly string[]): readonly [string, string[]] => [
  'ip',
  ['netns', 'exec', netns, ...command],
]

async function serve(link: PodLink, program: string): Promise<ChildProcess> {
  const child = spawn(...inside(link, program, 'serve', server, String(latencyPort), '1'), {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await new Promise<void>((resolve, reject) => {
    child.stdout.once('data', () => resolve())
    child.once('exit', code => reject(new Error(`latency server ended with ${code}`)))
  })
  return child
}

async function serveStreams(link: PodLink): Promise<ChildProcess> {
  const child = spawn(...inside(link, 'iperf3', '-s', '-B', server, '-p', String(streamPort), '--forceflush'), {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await new Promise<void>((resolve, reject) => {
    child.stdout.once('data', () => resolve())
    child.once('exit', code => reject(new Error(`iperf3 ended with ${code}`)))
  })
  child.stdout.resume()
  return child
}

/** Median in nanoseconds, client and server on one CPU so that a wake-up elsewhere isn't what is timed. */
async function latency(site: Site, program: string, what: 'connect' | 'exchange', count: number): Promise<number> {
  const { stdout } = await execute(
    ...inside(site.client, program, what, server, String(latencyPort), '1', String(count)),
  )
  return Number(stdout.split(' ')[0])
}

async function stream(site: Site, seconds: number): Promise<number> {
  const command = ['iperf3', '-c', server, '-p', String(streamPort), '-t', String(seconds), '-C', 'cubic', '-J']
  const { stdout } = await execute(...inside(site.client, ...command), { maxBuffer: 2 ** 24 })
  const result = JSON.parse(stdout) as { end: { sum_received: { bits_per_second: number } } }
  return result.end.sum_received.bits_per_second / 1e9
}

async function offload(link: PodLink, on: boolean): Promise<void> {
  const state = on ? 'on' : 'off'
  await execute(...inside(link, 'ethtool', '-K', 'eth0', 'gso', state, 'tso', state))
}
