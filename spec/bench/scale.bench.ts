import type { Bench, Figure } from './bench.js'
import { timed } from './bench.js'
import { type ClusterSize, clusterEvents } from './cluster.js'
import { cases } from './scale-cases.js'
import { heapBytes, Live } from './scale-live.js'

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
    const live = new Live()
    const figures: Record<string, Figure> = {}
    const seconds = await timed(() => live.start(clusterEvents(size)))
    figures['cold start'] = { value: seconds, unit: 's', goal: { atMost: 15 } }
    figures['heap after the cold start'] = { value: heapBytes() / 2 ** 20, unit: 'MiB', goal: { atMost: 1536 } }
    const { addresses, cells, rows } = live.engine.tables
    say(`cold start ${seconds.toFixed(2)} s; ${addresses.size} addresses, ${cells.size} cells, ${rows.size} rows`)
    const only = options.text('only')
    for (const scenario of cases) {
      if (!scenario.name.includes(only)) continue
      say(scenario.name)
      const found = await scenario.run(live, size, rounds)
      for (const [name, { value, unit }] of Object.entries(found)) say(`  ${name}: ${value.toPrecision(4)} ${unit}`)
      Object.assign(figures, found)
    }
    live.close()
    return { workload: { ...size, rounds }, figures, ratios: {} }
  },
}
