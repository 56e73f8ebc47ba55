import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { flowHistory } from '@weir/adapters/agent/flow-history.js'
import { Engine, type EventBody, type FlowQuery, type PodFact } from '@weir/core'
import { EventLog, folderStorage } from '@weir/store'
import type { Bench } from './bench.js'
import { Closing } from './closing.js'
import { clusterEvents, type ClusterSize, podAddress, podOf, policyOf } from './cluster.js'
import { clusterSize, sizeOptions } from './cluster-options.js'

export const bench: Bench = {
  name: 'history',
  summary: 'the history of many flows in one pass over a log: CPU time, against explaining each after every event',
  options: {
    ...sizeOptions,
    pods: { ...sizeOptions.pods, value: 2000 },
    nodes: { ...sizeOptions.nodes, value: 20 },
    identities: { ...sizeOptions.identities, value: 500 },
    policies: { ...sizeOptions.policies, value: 1000 },
    namespaces: { ...sizeOptions.namespaces, value: 50 },
    cidrs: { ...sizeOptions.cidrs, value: 100 },
    flows: { value: 10_000, help: 'flows that are asked about' },
    asked: { value: 0, help: 'pods that they are between; 0: half of all' },
    changing: { value: 0, help: 'pods that events are about; 0: those that are asked about' },
    edits: { value: 5, help: 'one of so many events is of a policy' },
    events: { value: 3000, help: 'events after those that make the cluster' },
    explained: { value: 5, help: 'events after which every flow is explained, to tell what that takes' },
    rounds: { value: 1, help: 'passes; the shortest counts' },
  },
  async run(options, say) {
    const closing = new Closing()
    const folder = await mkdtemp(join(tmpdir(), 'weir-bench-history-'))
    closing.add(() => rm(folder, { recursive: true, force: true }))
    try {
      const size = clusterSize(options)
      const holder = { pid: process.pid, command: 'bench', since: 0 }
      const log = await EventLog.open({ storage: folderStorage({ path: join(folder, 'log'), holder }) })
      closing.add(() => log.close())
      const append = (bodies: readonly EventBody[]) =>
        log.append(bodies.map(body => ({ ...body, time: 0, source: 'bench' })))
      await append([...clusterEvents(size)])
      const made = log.head.seq
      const asked = options.number('asked') === 0 ? Math.max(2, size.pods >> 1) : options.number('asked')
      const changing = options.number('changing') === 0 ? asked : options.number('changing')
      const life = { size, changing, edits: options.number('edits') }
      for (let number = 0; number < options.number('events'); number += eventsPerAppend) {
        const length = Math.min(eventsPerAppend, options.number('events') - number)
        await append(Array.from({ length }, (_, at) => change(life, number + at)))
      }
      const pairs = Array.from({ length: options.number('flows') }, (_, number) => pairOf(size, number, asked))
      const words = pairs.map(([from, to]) => ({ from: nameOf(from), to: `${nameOf(to)}:8080` }))
      say(`${log.head.seq} events written`)

      const rounds = options.number('rounds')
      let changes = 0
      const pass = await least(rounds, say, async () => {
        changes = 0
        for await (const { flows } of flowHistory(log, words)) changes += flows.length
      })
      // Before the other ways are tried, which take memory of their own.
      const peakMiB = process.resourceUsage().maxRSS / 1024
      const folding = await least(rounds, say, async () => {
        const engine = new Engine()
        for await (const batch of log.read()) engine.apply(batch)
      })
      const engine = new Engine()
      for await (const batch of log.read({ to: made })) engine.apply(batch)
      const flows = pairs.map(
        ([from, to]): FlowQuery => ({ from: from.addresses[0]!, to: to.addresses[0]!, protocol: 6, port: 8080 }),
      )
      const explaining = await least(options.number('explained'), say, async () => {
        for (const flow of flows) engine.explain(flow)
      })
      const every = explaining * options.number('events')
      return {
        workload: { ...size, asked, changing, flows: flows.length, events: log.head.seq, changes },
        figures: {
          'one pass': { value: pass, unit: 's of CPU time' },
          'one pass, per event': { value: (pass * 1e6) / log.head.seq, unit: 'µs of CPU time' },
          'peak memory, one pass': { value: peakMiB, unit: 'MiB' },
          'folding alone': { value: folding, unit: 's of CPU time' },
          'explaining all flows once': { value: explaining, unit: 's of CPU time' },
        },
        ratios: { 'explaining after every later event / one pass': { value: every / pass, goal: { atLeast: 10 } } },
      }
    } finally {
      await closing.close()
    }
  },
}

/** One append at a time is in memory. */
const eventsPerAppend = 10_000

async function least(rounds: number, say: (line: string) => void, work: () => Promise<void>): Promise<number> {
  let shortest = Number.POSITIVE_INFINITY
  for (let round = 0; round < rounds; round++) {
    const before = process.cpuUsage()
    await work()
    const { user, system } = process.cpuUsage(before)
    shortest = Math.min(shortest, (user + system) / 1e6)
    say(`${((user + system) / 1e6).toFixed(2)} s of CPU time`)
  }
  return shortest
}

const nameOf = ({ namespace, name }: PodFact): string => `${namespace}/${name}`

/** Those that call each other are of one namespace as often as not. */
function pairOf(size: ClusterSize, number: number, pods: number): readonly [PodFact, PodFact] {
  const from = number % pods
  const step =
    number % 2 === 0 ? size.namespaces * (1 + (Math.floor(number / pods) % 7)) : 1 + Math.floor(number / pods)
  return [podOf(size, from), podOf(size, (from + step) % pods)]
}

interface Life {
  readonly size: ClusterSize
  readonly changing: number
  readonly edits: number
}

/** What goes on: pods that get another address, change their labels, or go and come; policies that are changed. */
function change({ size, changing, edits }: Life, number: number): EventBody {
  if (number % edits === edits - 1) {
    const policy = policyOf(size, Math.floor(number / edits) % Math.max(1, size.policies))
    const [first] = policy.ingress
    return { kind: 'networkpolicy.upserted', policy: { ...policy, ingress: number % 2 === 0 ? [] : [first!] } }
  }
  const [turn, kind] = [Math.floor(number / 4), number % 4]
  const pod = podOf(size, (turn * 7) % changing)
  switch (kind) {
    case 0:
      return { kind: 'pod.upserted', pod: { ...pod, addresses: [podAddress(size.pods * 2 + turn)] } }
    case 1:
      return { kind: 'pod.upserted', pod: { ...pod, labels: { ...pod.labels, version: `w${turn % 3}` } } }
    case 2:
      return { kind: 'pod.deleted', namespace: pod.namespace, name: pod.name }
    default:
      return { kind: 'pod.upserted', pod }
  }
}
