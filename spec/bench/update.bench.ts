import { Engine } from '@weir/core'
import type { EventBody, WeirEvent } from '@weir/core/event/event.js'
import { type Backend, createMemoryBackend, Reconciler } from '@weir/datapath'
import type { KernelBackendHandle } from '@weir/datapath/kernel/backend.js'
import { capabilities } from 'ebpf-napi'
import type { Bench, BenchReport, Figure } from './bench.js'
import { Closing } from './closing.js'
import { clusterLife } from './workload.js'

/** One kind of change, made and taken back in turn. */
interface Change {
  readonly name: string
  readonly there: EventBody
  readonly back: EventBody
}

const pod = {
  namespace: 'team-20',
  name: 'newcomer',
  labels: { app: 'app-0', tier: 'front' },
  serviceAccount: 'default',
  node: 'node-0',
  addresses: ['10.0.255.250'],
  hostNetwork: false,
  ports: [{ name: 'http', protocol: 'TCP' as const, port: 8080 }],
}

const changes: readonly Change[] = [
  {
    name: 'pod added in a known class',
    there: { kind: 'pod.upserted', pod },
    back: { kind: 'pod.deleted', namespace: pod.namespace, name: pod.name },
  },
  {
    name: 'policy added',
    there: {
      kind: 'networkpolicy.upserted',
      policy: {
        namespace: 'team-20',
        name: 'newcomer',
        podSelector: [{ key: 'app', operator: 'In', values: ['app-0'] }],
        policyTypes: ['ingress'],
        ingress: [
          {
            peers: [{ kind: 'pods', podSelector: [{ key: 'tier', operator: 'In', values: ['back'] }] }],
            ports: [{ protocol: 'TCP', port: 9000 }],
          },
        ],
        egress: [],
      },
    },
    back: { kind: 'networkpolicy.deleted', namespace: 'team-20', name: 'newcomer' },
  },
  {
    name: 'namespace relabelled',
    there: { kind: 'namespace.upserted', namespace: { name: 'team-20', labels: { team: 'another' } } },
    back: { kind: 'namespace.upserted', namespace: { name: 'team-20', labels: { team: 't0' } } },
  },
]

const at = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0

async function measure(backend: Backend, events: number, rounds: number): Promise<Record<string, Figure>> {
  const engine = new Engine()
  let seq = 0
  const numbered = (body: object): WeirEvent => {
    seq += 1
    return { time: 1_700_000_000_000 + seq, source: 'bench', ...body, seq } as unknown as WeirEvent
  }
  engine.fold([...clusterLife(events)].map(numbered))
  const reconciler = new Reconciler(backend)
  await reconciler.start(engine.tables)
  const figures: Record<string, Figure> = {}
  for (const { name, there, back } of changes) {
    const core: number[] = []
    const whole: number[] = []
    let entries = 0
    for (let round = 0; round < rounds; round += 1) {
      for (const body of [there, back]) {
        const event = numbered(body)
        const start = process.hrtime.bigint()
        const delta = engine.apply([event])
        const derived = process.hrtime.bigint()
        const { writes } = await reconciler.apply(delta, engine.tables)
        const end = process.hrtime.bigint()
        if (body === back) continue
        core.push(Number(derived - start) / 1000)
        whole.push(Number(end - start) / 1000)
        entries = Object.values(writes).reduce((sum, { updated, deleted }) => sum + updated + deleted, 0)
      }
    }
    const sorted = whole.sort((a, b) => a - b)
    const title = `${backend.kind}: ${name}`
    figures[`${title}, p50`] = { value: at(sorted, 0.5), unit: 'µs' }
    figures[`${title}, p99`] = { value: at(sorted, 0.99), unit: 'µs' }
    figures[`${title}, of that in core, p50`] = {
      value: at(
        core.sort((a, b) => a - b),
        0.5,
      ),
      unit: 'µs',
    }
    figures[`${title}, entries written`] = { value: entries, unit: 'entries' }
  }
  reconciler.close()
  return figures
}

async function kernel(): Promise<KernelBackendHandle | undefined> {
  if (!capabilities().CAP_SYS_ADMIN) return undefined
  const { createKernelBackend } = await import('@weir/datapath/kernel/backend.js')
  return createKernelBackend({ node: `weir-bench-${process.pid}` })
}

export const bench: Bench = {
  name: 'update',
  summary: 'one event, to the map operations handed over: pod added, policy added, namespace relabelled',
  options: {
    events: { value: 10_000, help: 'events of the cluster before the first measurement' },
    rounds: { value: 200, help: 'times each change is made and taken back' },
  },
  async run(options, say): Promise<BenchReport> {
    const [events, rounds] = [options.number('events'), options.number('rounds')]
    const memory = createMemoryBackend()
    say('memory backend')
    const figures = await measure(memory, events, rounds)
    const backend = await kernel()
    if (backend === undefined) say('no kernel backend: CAP_SYS_ADMIN is missing')
    else {
      say('kernel backend')
      const closing = new Closing()
      closing.add(() => {
        backend.uninstall()
        backend.close()
      })
      try {
        Object.assign(figures, await measure(backend, events, rounds))
      } finally {
        await closing.close()
      }
    }
    return { workload: { events, rounds }, figures, ratios: {} }
  },
}
