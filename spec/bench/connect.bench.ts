import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { cgroupRoot } from '@weir/adapters/agent/cgroup-root.js'
import { Engine } from '@weir/core'
import { ServiceReconciler } from '@weir/datapath'
import { createKernelBackend, type KernelBackendHandle } from '@weir/datapath/kernel/backend.js'
import { type Bench, type BenchOptions, type Figure, median, type Ratio } from './bench.js'
import { benchRules } from './rules.js'
import { endpoint, numbered, servicesLog, sliceOf, virtualAddress } from './service-log.js'

const execute = promisify(execFile)
const id = `weir-bench-${process.pid}`
const server = '127.77.0.1'
const port = 8080

/** How a connection is made: without any program, past them, or through a service. */
const ways = ['plain', 'no service', 'service'] as const
type Way = (typeof ways)[number]

export const bench: Bench = {
  name: 'connect',
  summary: 'services in the kernel: connections to one against direct ones, loading them, and changing one of many',
  options: {
    services: { value: 10_000, help: 'services' },
    backends: { value: 10, help: 'backends of each' },
    rounds: { value: 15, help: 'rounds of connections, the ways by turns' },
    connections: { value: 2000, help: 'connections a round and way' },
    churn: { value: 2000, help: 'changes of one service among all' },
    loads: { value: 3, help: 'times everything is loaded into empty maps' },
    rules: {
      value: '10,1000,10000',
      help: 'sets of iptables and nftables rules beside it, by number of services; or none',
    },
    lines: { value: 524_288, help: 'lines of 16 slots in the kernel: with more, tables are larger' },
  },
  async run(options, say) {
    const size = { services: options.number('services'), backends: options.number('backends') }
    const lines = options.number('lines')
    const figures: Record<string, Figure> = {}
    const ratios: Record<string, Ratio> = {}
    const closers: (() => unknown)[] = []
    try {
      const events = numbered(servicesLog(size), 0)
      const engine = new Engine()
      const projection = milliseconds(() => engine.apply(events))
      const loaded: number[] = []
      const loadedCpu: number[] = []
      let backend: KernelBackendHandle | undefined
      let reconciler: ServiceReconciler | undefined
      for (let load = 0; load < options.number('loads'); load++) {
        backend?.uninstall()
        backend?.close()
        backend = createKernelBackend({ node: id, maxEntries: { weir_slots: lines } })
        reconciler = new ServiceReconciler(backend)
        const [start, cpu] = [performance.now(), process.cpuUsage()]
        await reconciler.start(engine.tables)
        loaded.push(performance.now() - start)
        loadedCpu.push(cpuMs(cpu))
        say(`${size.services} services into the kernel in ${loaded.at(-1)!.toFixed(0)} ms`)
      }
      const kernel = backend!
      closers.push(
        () => kernel.close(),
        () => kernel.uninstall(),
      )
      figures['projection of all services'] = { value: projection, unit: 'ms' }
      figures['all services into the kernel'] = { value: median(loaded), unit: 'ms', goal: { atMost: 2000 } }
      figures['the same, CPU time'] = { value: median(loadedCpu), unit: 'ms' }
      figures['slots taken by a table, on average'] = {
        value: (reconciler!.usedLines * 16) / size.services,
        unit: 'slots',
      }
      await churn(engine, reconciler!, size, options.number('churn'), figures, say)
      await connections(engine, kernel, reconciler!, options, closers, figures, ratios, say)
      return { workload: { ...size, lines, rounds: options.number('rounds') }, figures, ratios }
    } finally {
      for (const close of closers.reverse()) await close()
    }
  },
}

const milliseconds = (work: () => unknown): number => {
  const start = performance.now()
  work()
  return performance.now() - start
}

/** What this process has computed since then, all threads: what it waits for on a busy machine is left out. */
function cpuMs(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since)
  return (user + system) / 1000
}

/** From the event to the last write in the kernel. */
async function churn(
  engine: Engine,
  reconciler: ServiceReconciler,
  { services, backends }: { readonly services: number; readonly backends: number },
  times: number,
  figures: Record<string, Figure>,
  say: (line: string) => void,
): Promise<void> {
  const spent: number[] = []
  const computed: number[] = []
  const calls = new Set<number>()
  const entries = new Set<number>()
  for (let time = 0; time < times; time++) {
    const index = 1 + ((time * 7919) % (services - 1))
    const fresh = endpoint(services * backends + (time % 5000))
    const others = Array.from({ length: backends - 1 }, (_, at) => endpoint(index * backends + at))
    const [event] = numbered([sliceOf(index, 0, 0, [...others, fresh])], engine.seq)
    const [start, cpu] = [performance.now(), process.cpuUsage()]
    const delta = engine.apply([event!])
    const { batches, writes } = await reconciler.apply(delta, engine.tables)
    spent.push(performance.now() - start)
    computed.push(cpuMs(cpu))
    calls.add(batches)
    entries.add(Object.values(writes).reduce((sum, { updated, deleted }) => sum + updated + deleted, 0))
  }
  const sorted = spent.sort((a, b) => a - b)
  figures['one backend replaced among all, p50'] = { value: median(sorted), unit: 'ms' }
  figures['one backend replaced among all, p99'] = {
    value: sorted[Math.floor(sorted.length * 0.99)]!,
    unit: 'ms',
    goal: { atMost: 2 },
  }
  figures['one backend replaced among all, p99 of CPU time'] = {
    value: computed.sort((a, b) => a - b)[Math.floor(computed.length * 0.99)]!,
    unit: 'ms',
  }
  figures['calls to the kernel for it, at most'] = { value: Math.max(...calls), unit: 'calls' }
  figures['entries written for it, at most'] = { value: Math.max(...entries), unit: 'entries' }
  say(`one change: ${median(sorted).toFixed(3)} ms, ${[...entries].sort().join(' or ')} entries`)
}

/** In a network of its own, over its loopback: the shortest way that there is, where a program weighs most. */
async function connections(
  engine: Engine,
  kernel: KernelBackendHandle,
  reconciler: ServiceReconciler,
  options: BenchOptions,
  closers: (() => unknown)[],
  figures: Record<string, Figure>,
  ratios: Record<string, Ratio>,
  say: (line: string) => void,
): Promise<void> {
  const root = cgroupRoot()
  if (root === undefined) throw new Error('no cgroup 2 hierarchy is mounted')
  const cgroup = `${root}/${id}`
  mkdirSync(cgroup)
  closers.push(() => rmdirSync(cgroup))
  const folder = mkdtempSync(path.join(tmpdir(), 'weir-bench-'))
  closers.push(() => rmSync(folder, { recursive: true, force: true }))
  const program = path.join(folder, 'latency')
  await execute('cc', ['-O2', '-o', program, fileURLToPath(new URL('../../bench/native/latency.c', import.meta.url))])
  await execute('ip', ['netns', 'add', id])
  closers.push(() => execute('ip', ['netns', 'delete', id]))
  await execute('ip', ['-n', id, 'link', 'set', 'lo', 'up'])
  // Closed connections that linger take ports away, and looking for a free one would be most of the time.
  await execute('ip', ['netns', 'exec', id, 'sysctl', '-qw', 'net.ipv4.tcp_max_tw_buckets=64'])
  const child = spawn('ip', ['netns', 'exec', id, program, 'serve', server, String(port), '1'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  closers.push(() => ended(child))
  await new Promise(resolve => child.stdout!.once('data', resolve))
  const own = sliceOf(0, 0, 0, [{ ...endpoint(0), addresses: [server] }])
  await reconciler.apply(engine.apply(numbered([own], engine.seq)), engine.tables)
  kernel.attachSockets(cgroup)
  const times = new Map<Way, number[]>(ways.map(way => [way, []]))
  const pairs = new Map<Way, number[]>(ways.map(way => [way, []]))
  const count = String(options.number('connections'))
  for (let round = 0; round < options.number('rounds'); round++) {
    const now = new Map<Way, number>()
    const words = ways.flatMap(way => [
      way === 'plain' ? '-' : cgroup,
      ...(way === 'service' ? [virtualAddress(0), '80'] : [server, String(port)]),
    ])
    // `ip netns exec` would hide the cgroups.
    const turns = [`--net=/run/netns/${id}`, program, 'turns', '1', count, ...words]
    const { stdout } = await execute('nsenter', turns, { timeout: 60_000 })
    const lines = stdout.trim().split('\n')
    for (const [at, way] of ways.entries()) now.set(way, Number(lines[at]!.split(' ')[0]) / 1000)
    for (const [way, spent] of now) {
      times.get(way)!.push(spent)
      pairs.get(way)!.push(spent / now.get('plain')!)
    }
    say(`round ${round + 1}: ${ways.map(way => `${way} ${now.get(way)!.toFixed(2)} µs`).join(', ')}`)
  }
  await programs(id, program, cgroup, figures)
  const sizes = options.text('rules') === 'none' ? [] : options.text('rules').split(',').map(Number)
  const rounds = Math.max(1, Math.round(options.number('rounds') / 3))
  const connections = Math.max(20, Math.round(options.number('connections') / 4))
  await benchRules({ id, program, server: { address: server, port }, sizes, rounds, connections, figures, ratios, say })
  for (const way of ways) figures[`connect + close, p50, ${way}`] = { value: median(times.get(way)!), unit: 'µs' }
  ratios['connect + close, to a service / plain'] = { value: median(pairs.get('service')!), goal: { atMost: 1.05 } }
  ratios['connect + close, not to a service / plain'] = { value: median(pairs.get('no service')!) }
}

/** What the program at connect takes by the kernel's own count, which is of some 50 ns itself. */
async function programs(
  netns: string,
  program: string,
  cgroup: string,
  figures: Record<string, Figure>,
): Promise<void> {
  const before = readFileSync(countRuns, 'utf8')
  writeFileSync(countRuns, '1')
  try {
    for (const [title, address, at] of [
      ['to a service', virtualAddress(0), '80'],
      ['not to a service', server, String(port)],
    ] as const) {
      const start = runs()
      const turns = [`--net=/run/netns/${netns}`, program, 'turns', '1', '500', cgroup, address, at]
      await execute('nsenter', turns, { timeout: 60_000 })
      const end = runs()
      const value = (end.spentNs - start.spentNs) / Math.max(1, end.count - start.count)
      figures[`the program at connect, ${title}`] = { value, unit: 'ns' }
    }
  } finally {
    writeFileSync(countRuns, before)
  }
}

const countRuns = '/proc/sys/kernel/bpf_stats_enabled'

/** Of all programs that this process holds; at connect one of them runs. */
function runs(): { readonly spentNs: number; readonly count: number } {
  let [spentNs, count] = [0, 0]
  for (const descriptor of readdirSync('/proc/self/fdinfo')) {
    const found = /run_time_ns:\s*(\d+)\s+run_cnt:\s*(\d+)/.exec(infoOf(descriptor))
    spentNs += Number(found?.[1] ?? 0)
    count += Number(found?.[2] ?? 0)
  }
  return { spentNs, count }
}

/** Empty for the descriptor that the listing itself had. */
function infoOf(descriptor: string): string {
  try {
    return readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8')
  } catch {
    return ''
  }
}

async function ended(child: ChildProcess): Promise<void> {
  const gone = new Promise(resolve => child.once('exit', resolve))
  child.kill('SIGKILL')
  await gone
}
