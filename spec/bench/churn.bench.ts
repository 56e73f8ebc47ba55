import { setTimeout as pause } from 'node:timers/promises'
import type { EventBody, PodFact, WeirEvent } from '@weir/core/event/event.js'
import type { Bench } from './bench.js'
import { Closing } from './closing.js'
import { podAddress, podOf } from './cluster.js'
import { clusterSize, sizeOptions } from './cluster-options.js'
import { LoadedNode } from './loaded-node.js'
import { percentile } from './scale-live.js'

export const bench: Bench = {
  name: 'churn',
  summary:
    'pods with unique labels come and go in real time: identities churn, kernel operations and classes do not grow',
  options: {
    ...sizeOptions,
    pods: { value: 10_000, help: 'pods' },
    policies: { value: 1000, help: 'policies' },
    rate: { value: 40, help: 'pods that come each second' },
    seconds: { value: 15, help: 'how long; 600 is the ten minutes that exhaust others' },
    lifetime: { value: 5, help: 'seconds that a pod lives' },
  },
  async run(options, say) {
    const closing = new Closing()
    try {
      const size = clusterSize(options)
      const [rate, seconds, lifetime] = [options.number('rate'), options.number('seconds'), options.number('lifetime')]
      say('loading the cluster')
      const { engine, reconciler } = await LoadedNode.create(size, undefined, closing)
      const classes = (): number => new Set([...engine.tables.addresses].map(([, { peerClass }]) => peerClass)).size
      const rows = (): number => [...engine.identities()].length
      const before = { classes: classes(), identities: rows() }
      const costs: { us: number; operations: number }[] = []
      const change = async (body: EventBody): Promise<void> => {
        const event: WeirEvent = { ...body, seq: engine.seq + 1, time: 0, source: 'bench' }
        const start = process.hrtime.bigint()
        const { writes } = await reconciler.apply(engine.apply([event]), engine.tables)
        const us = Number(process.hrtime.bigint() - start) / 1000
        const counts = Object.values(writes)
        costs.push({ us, operations: counts.reduce((sum, { updated, deleted }) => sum + updated + deleted, 0) })
      }
      const alive: PodFact[] = []
      const deleted = ({ namespace, name }: PodFact): EventBody => ({ kind: 'pod.deleted', namespace, name })
      const begun = performance.now()
      for (let number = 0; number < rate * seconds; number += 1) {
        const late = performance.now() - (begun + (number * 1000) / rate)
        if (late < 0) await pause(-late)
        const like = podOf(size, number % size.identities)
        const pod: PodFact = {
          ...like,
          name: `churn-${number}`,
          node: 'node-1',
          labels: { ...like.labels, unique: `value-${number}` },
          addresses: [podAddress(size.pods + 1000 + (number % 60_000))],
        }
        alive.push(pod)
        await change({ kind: 'pod.upserted', pod })
        if (alive.length > rate * lifetime) await change(deleted(alive.shift()!))
      }
      const half = costs.length >> 1
      const [first, second] = [costs.slice(0, half), costs.slice(half)]
      const us = costs.map(cost => cost.us)
      const most = (some: typeof costs): number => Math.max(...some.map(({ operations }) => operations))
      const after = { classes: classes(), identities: rows() }
      for (const pod of alive) await change(deleted(pod))
      return {
        workload: { ...size, rate, seconds, lifetime, backend: 'kernel' },
        figures: {
          'event to kernel, p50': { value: percentile(us, 0.5), unit: 'µs' },
          'event to kernel, p99': { value: percentile(us, 0.99), unit: 'µs' },
          'kernel operations of a change, most': { value: most(costs), unit: 'entries' },
          'the same in the second half': { value: most(second), unit: 'entries', goal: { atMost: most(first) } },
          'identities made and alive': { value: after.identities - before.identities, unit: 'identities' },
          'classes made': { value: after.classes - before.classes, unit: 'classes', goal: { atMost: 0 } },
          'identities left in the end': {
            value: rows() - before.identities,
            unit: 'identities',
            goal: { atMost: 0 },
          },
        },
        ratios: {},
      }
    } finally {
      await closing.close()
    }
  },
}
