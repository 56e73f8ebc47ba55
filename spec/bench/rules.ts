import { execFile, spawn } from 'node:child_process'
import { promisify } from 'node:util'
import { type Figure, median, type Ratio } from './bench.js'
import { loadRules, type RuleServer, type RuleStyle, ruleStyles } from './rule-sets.js'
import { virtualAddress } from './service-log.js'

const execute = promisify(execFile)

export interface RulesBench {
  /** A network namespace without rules, where the server is; names of those with rules start with it. */
  readonly id: string
  /** The compiled latency.c. */
  readonly program: string
  readonly server: RuleServer
  readonly sizes: readonly number[]
  readonly rounds: number
  readonly connections: number
  readonly figures: Record<string, Figure>
  readonly ratios: Record<string, Ratio>
  say(line: string): void
}

/** Backends of each service: a connection passes half of the rules for them, so more would only slow the rules down. */
const backends = 2
const changes = 5

/** The same connections through the packet filter's rules, each set in a network of its own. */
export async function benchRules(bench: RulesBench): Promise<void> {
  for (const style of ruleStyles) {
    if (!(await isInstalled(style))) {
      bench.say(`no ${style.name}: ${style.command[0]} isn't installed (Debian: apt-get install ${style.name})`)
      continue
    }
    for (const services of bench.sizes) await one(bench, style, services)
  }
}

async function isInstalled({ command }: RuleStyle): Promise<boolean> {
  return execute(command[0]!, ['--version']).then(
    () => true,
    () => false,
  )
}

/** Nanoseconds of a connection, the median. */
async function connect({ program, connections }: RulesBench, netns: string, to: readonly string[]): Promise<number> {
  const turns = ['turns', '1', String(connections), '-', ...to]
  const { stdout } = await execute('nsenter', [`--net=/run/netns/${netns}`, program, ...turns], { timeout: 120_000 })
  return Number(stdout.split(' ')[0])
}

async function one(bench: RulesBench, style: RuleStyle, services: number): Promise<void> {
  const { id, program, server, figures, ratios, say } = bench
  const netns = `${id}-${style.name}-${services}`
  const title = `${style.name}, ${services} services`
  await execute('ip', ['netns', 'add', netns])
  const listener = spawn(
    'nsenter',
    [`--net=/run/netns/${netns}`, program, 'serve', server.address, String(server.port), '1'],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const ended = new Promise(resolve => listener.once('close', resolve))
  try {
    await execute('ip', ['-n', netns, 'link', 'set', 'lo', 'up'])
    // What goes to a service's address must have a way before the rules change where it goes.
    await execute('ip', ['-n', netns, 'route', 'add', '10.96.0.0/12', 'dev', 'lo', 'src', '127.0.0.1'])
    await execute('nsenter', [`--net=/run/netns/${netns}`, 'sysctl', '-qw', 'net.ipv4.tcp_max_tw_buckets=64'])
    await new Promise(resolve => listener.stdout.once('data', resolve))
    const loaded = await loadRules(netns, style, style.all(services, backends, server))
    figures[`${title}: loading all`] = { value: loaded, unit: 'ms' }
    const changed: number[] = []
    for (let time = 0; time < changes; time++)
      changed.push(await loadRules(netns, style, style.one((time * 7919) % services, backends, server)))
    figures[`${title}: changing one`] = { value: median(changed), unit: 'ms' }
    const pairs: number[] = []
    const target = [virtualAddress(services >> 1), '80']
    for (let round = 0; round < bench.rounds; round++) {
      // Directly where there are no rules, which a direct connection would pass too.
      const direct = await connect(bench, id, [server.address, String(server.port)])
      pairs.push((await connect(bench, netns, target)) / direct)
    }
    ratios[`connect + close, ${title} / direct`] = { value: median(pairs) }
    say(`${title}: loaded in ${loaded.toFixed(0)} ms, one changed in ${median(changed).toFixed(1)} ms`)
  } finally {
    listener.kill('SIGKILL')
    await ended
    await execute('ip', ['netns', 'delete', netns])
  }
}
