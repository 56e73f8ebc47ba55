import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { judgePast } from '@weir/adapters/flows/what-if.js'
import type { Bench } from './bench.js'
import { Closing } from './closing.js'
import { draft, leastSeconds, policy, recordedNode, recordedOptions } from './recorded-node.js'

export const bench: Bench = {
  name: 'what-if-flows',
  summary: 'recorded flows judged under a proposal, each by the state of its own time: CPU time of one pass',
  options: recordedOptions,
  async run(options, say) {
    const closing = new Closing()
    const folder = await mkdtemp(join(tmpdir(), 'weir-bench-what-if-'))
    closing.add(() => rm(folder, { recursive: true, force: true }))
    try {
      const { log, store } = await recordedNode(options, folder, closing)
      say(`${store.figures.rows} flows and ${log.head.seq} events written`)
      const proposal = [draft({ kind: 'networkpolicy.upserted', policy: policy('app-1', 1, 2) })]
      let told = { flows: 0, changes: 0, cut: 0 }
      const least = await leastSeconds(options.number('rounds'), say, async () => {
        const { flows, changes } = await judgePast(log, store, {}, proposal)
        const cut = changes.filter(each => each.change === 'newly-denied')
        told = { flows, changes: changes.length, cut: cut.reduce((sum, each) => sum + each.flows, 0) }
      })
      return {
        workload: {
          ...{ flows: told.flows, pods: options.number('pods'), events: log.head.seq },
          ...{ cut: told.cut, changes: told.changes },
        },
        figures: {
          'judging all': { value: least, unit: 's of CPU time', goal: { atMost: (5 * told.flows) / 1_000_000 } },
          'a flow': { value: (least * 1e6) / told.flows, unit: 'µs of CPU time' },
        },
        ratios: {},
      }
    } finally {
      await closing.close()
    }
  },
}
