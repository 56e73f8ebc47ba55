import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { judgePast } from '@weir/adapters/flows/what-if.js'
import { suggestPolicy } from '@weir/adapters/suggest/suggest.js'
import type { Bench } from './bench.js'
import { Closing } from './closing.js'
import { draft, leastSeconds, policy, recordedNode, recordedOptions } from './recorded-node.js'

export const bench: Bench = {
  name: 'suggest',
  summary: 'a policy made of the recorded flows of a workload, tried on all of them and compared: CPU time',
  options: {
    ...recordedOptions,
    flows: { value: 200_000, help: 'aggregated flows, of all workloads' },
    blocks: { value: 32, help: 'most blocks of a rule' },
  },
  async run(options, say) {
    const closing = new Closing()
    const folder = await mkdtemp(join(tmpdir(), 'weir-bench-suggest-'))
    closing.add(() => rm(folder, { recursive: true, force: true }))
    try {
      const { log, store } = await recordedNode(options, folder, closing)
      const { rows: flows } = store.figures
      say(`${flows} flows and ${log.head.seq} events written`)
      const rounds = options.number('rounds')
      let seen = 0
      let textBytes = 0
      const seconds: Record<string, number> = {}
      for (const dialect of ['k8s', 'cilium'] as const)
        seconds[dialect] = await leastSeconds(rounds, say, async () => {
          const made = await suggestPolicy(log, store, {}, 'bench/app-3', {
            ...{ dialect, blocksMost: options.number('blocks'), directions: ['ingress', 'egress'] },
          })
          seen = made.flows
          textBytes = Buffer.byteLength(made.policy)
        })
      const proposal = [draft({ kind: 'networkpolicy.upserted', policy: policy('app-1', 1, 2) })]
      const judging = await leastSeconds(rounds, say, async () => {
        await judgePast(log, store, {}, proposal)
      })
      return {
        workload: { flows, ofTheWorkload: seen, policyBytes: textBytes, events: log.head.seq },
        figures: {
          'a NetworkPolicy': { value: seconds.k8s!, unit: 's of CPU time' },
          'a CiliumNetworkPolicy': { value: seconds.cilium!, unit: 's of CPU time' },
          'judging all flows once': { value: judging, unit: 's of CPU time' },
        },
        ratios: { 'a NetworkPolicy / judging all flows once': { value: seconds.k8s! / judging } },
      }
    } finally {
      await closing.close()
    }
  },
}
