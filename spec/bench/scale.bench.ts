import type { Bench, Figure, Ratio } from './bench.js'
import { timed } from './bench.js'
import { type ClusterSize, clusterEvents } from './cluster.js'
import { cases, knownClass, newIdentity } from './scale-cases.js'
import { heapBytes, Live } from './scale-live.js'
import { memoryReport, narrowly } from './scale-memory.js'

export const bench: Bench = {
  name: 'scale',
  summary: 'a cluster of 100,000 pods: cold start, then churn of every kind, from event to map operations',
  options: {
    pods: { value: 100_000, help: 'pods' },
    nodes: { value: 1000, help: 'nodes' },
    identities: { value: 5000, help: 'distinct sets of labels' },
    policies: { value: 10_000, help: 'policies' },
    namespaces: { value: 500, help: 'namespaces' },
    cidrs: { value: 2000, help: 'rules that name a block of addresses' },
    local: { value: 110, help: 'pods of this node' },
    rounds: { value: 200, help: 'times each change is made; 200 are ten minutes of pods with unique labels' },
    growth: { value: '1000:100000', help: 'fewest and most pods of the growth curve, a factor of ten between points' },
    only: { value: '', help: 'cases whose name holds this' },
  },
  async run(options, say) {
    const number = (name: keyof ClusterSize): number => options.number(name)
    const size: ClusterSize = {
      pods: number('pods'),
      nodes: number('nodes'),
      identities: number('identities'),
      policies: number('policies'),
      namespaces: number('namespaces'),
      cidrs: number('cidrs'),
      local: number('local'),
    }
    const rounds = options.number('rounds')
    const figures: Record<string, Figure> = {}
    const ratios: Record<string, Ratio> = {}
    const only = options.text('only')
    const live = new Live()
    const seconds = await timed(() => live.start(clusterEvents(size)))
    figures['cold start'] = { value: seconds, unit: 's', goal: { atMost: 15 } }
    figures['heap after the cold start'] = { value: heapBytes() / 2 ** 20, unit: 'MiB', goal: { atMost: 1536 } }
    const { addresses, cells, rows } = live.engine.tables
    say(`cold start ${seconds.toFixed(2)} s; ${addresses.size} addresses, ${cells.size} cells, ${rows.size} rows`)
    if ('kernel memory'.includes(only)) {
      const narrow = new Live()
      await narrow.start(narrowly(clusterEvents(size)))
      for (const report of [memoryReport(live), memoryReport(narrow, 'policies of a few workloads each')]) {
        Object.assign(figures, report.figures)
        Object.assign(ratios, report.ratios)
      }
      narrow.close()
    }
    for (const scenario of cases) {
      if (!scenario.name.includes(only)) continue
      say(scenario.name)
      const found = await scenario.run(live, size, rounds)
      for (const [name, { value, unit }] of Object.entries(found)) say(`  ${name}: ${value.toPrecision(4)} ${unit}`)
      Object.assign(figures, found)
    }
    live.close()
    if ('growth'.includes(only)) {
      const [least, most] = options.text('growth').split(':').map(Number) as [number, number]
      const curve: Record<string, number>[] = []
      for (let pods = least; pods <= most; pods *= 10) {
        say(`growth: ${pods} pods`)
        const share = pods / size.pods
        const part = (of: number): number => Math.max(1, Math.round(of * share))
        const grown: ClusterSize = { ...size, pods, identities: part(size.identities), nodes: part(size.nodes) }
        curve.push(
          await growthPoint({ ...grown, policies: part(size.policies), namespaces: part(size.namespaces) }, rounds),
        )
        for (const [name, value] of Object.entries(curve.at(-1)!)) {
          figures[`${name}, ${pods.toLocaleString('en')} pods`] = { value, unit: 'µs' }
        }
      }
      for (const name of Object.keys(curve[0] ?? {})) {
        ratios[`${name}, ${most} / ${least} pods`] = {
          value: curve.at(-1)![name]! / curve[0]![name]!,
          goal: { atMost: 2 },
        }
      }
    }
    return { workload: { ...size, rounds }, figures, ratios }
  },
}

/** p50 of the events that come most, in a cluster of one size. */
async function growthPoint(size: ClusterSize, rounds: number): Promise<Record<string, number>> {
  const live = new Live()
  await live.start(clusterEvents(size))
  const point: Record<string, number> = {}
  for (const scenario of [knownClass, newIdentity]) {
    const found = await scenario.run(live, size, rounds * 5)
    point[scenario.name] = found[`${scenario.name}, p50`]!.value
  }
  live.close()
  return point
}
