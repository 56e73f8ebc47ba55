import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pastFlows } from '@weir/adapters/flows/past.js'
import { topFields, topFlows } from '@weir/adapters/flows/top.js'
import { selectRows } from '@weir/store'
import type { Bench } from './bench.js'
import { Closing } from './closing.js'
import { leastSeconds, recordedNode, recordedOptions } from './recorded-node.js'

export const bench: Bench = {
  name: 'flows-top',
  summary: 'recorded flows named and summed up by pair, endpoint, port, verdict and service: CPU time of one pass',
  options: { ...recordedOptions, flows: { value: 100_000, help: 'aggregated flows' } },
  async run(options, say) {
    const closing = new Closing()
    const folder = await mkdtemp(join(tmpdir(), 'weir-bench-flows-top-'))
    closing.add(() => rm(folder, { recursive: true, force: true }))
    try {
      const { log, store } = await recordedNode(options, folder, closing)
      const { rows: flows } = store.figures
      say(`${flows} flows and ${log.head.seq} events written`)
      const rounds = options.number('rounds')
      const reading = await leastSeconds(rounds, say, async () => {
        for await (const block of store.read()) selectRows(block, {})
      })
      const naming = await leastSeconds(rounds, say, async () => {
        for await (const _ of pastFlows(log, store, {}));
      })
      const sums: Record<string, number> = {}
      let groups = 0
      for (const by of topFields)
        sums[by] = await leastSeconds(rounds, say, async () => {
          const { rows, left } = await topFlows(pastFlows(log, store, {}), { by, metric: 'flows', limit: 10 })
          groups = Math.max(groups, rows.length + left)
        })
      const each = (seconds: number) => ({ value: (seconds * 1e6) / flows, unit: 'µs of CPU time per flow' })
      return {
        workload: { flows, pods: options.number('pods'), events: log.head.seq, groups },
        figures: {
          'reading alone': each(reading),
          'names, labels, services and rules': each(naming),
          ...Object.fromEntries(Object.entries(sums).map(([by, seconds]) => [`top by ${by}`, each(seconds)])),
        },
        ratios: { 'top by pair / naming alone': { value: sums.pair! / naming } },
      }
    } finally {
      await closing.close()
    }
  },
}
