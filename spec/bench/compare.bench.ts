import { compareStates, Engine, type EventBody } from '@weir/core'
import type { Bench, BenchOptions } from './bench.js'
import { median } from './bench.js'
import { clusterEvents, type ClusterSize, is, policyOf, tcp } from './cluster.js'

export const bench: Bench = {
  name: 'compare',
  summary: 'two states of a large cluster that differ in one policy: every flow that changes',
  options: {
    pods: { value: '2000,10000,100000', help: 'pods, one size after the other' },
    policies: { value: 10_000, help: 'policies' },
    namespaces: { value: 500, help: 'namespaces' },
    identities: { value: 5000, help: 'distinct sets of labels' },
    cidrs: { value: 2000, help: 'rules that name a block of addresses' },
    rounds: { value: 3, help: 'times each comparison is made; the median is told' },
  },
  async run(options, say) {
    const figures: Record<string, { readonly value: number; readonly unit: string }> = {}
    const sizes = options.text('pods').split(',').map(Number)
    for (const pods of sizes) {
      say(`${pods} pods`)
      Object.assign(figures, await measured(sizeOf(options, pods), options.number('rounds'), say))
    }
    const label = (pods: number): string => `a policy allows one more port, ${pods.toLocaleString('en')} pods`
    const [least, most] = [Math.min(...sizes), Math.max(...sizes)]
    const ratio = figures[label(most)]!.value / figures[label(least)]!.value
    return {
      workload: { pods: sizes.join(), policies: options.number('policies'), rounds: options.number('rounds') },
      figures,
      ratios: { [`one more port, ${most} / ${least} pods`]: { value: ratio } },
    }
  },
}

const sizeOf = (options: BenchOptions, pods: number): ClusterSize => ({
  pods,
  nodes: Math.max(2, Math.round(pods / 100)),
  identities: Math.min(pods, options.number('identities')),
  policies: options.number('policies'),
  namespaces: options.number('namespaces'),
  cidrs: options.number('cidrs'),
  local: 110,
})

async function measured(size: ClusterSize, rounds: number, say: (line: string) => void) {
  const bodies = [...clusterEvents(size)]
  const before = new Engine()
  before.apply(bodies.map((body, at) => ({ ...body, seq: at + 1, time: 0, source: 'bench' })))
  const figures: Record<string, { readonly value: number; readonly unit: string }> = {}
  for (const [name, body] of changesOf(size)) {
    const after = Engine.restore(before.snapshot())
    after.apply([{ ...body, seq: before.seq + 1, time: 0, source: 'bench' }])
    const times: number[] = []
    let lines = 0
    for (let round = 0; round < rounds; round += 1) {
      const start = process.cpuUsage()
      lines = compareStates(before, after).changes.length
      const { user, system } = process.cpuUsage(start)
      times.push((user + system) / 1000)
    }
    const label = `${name}, ${size.pods.toLocaleString('en')} pods`
    figures[label] = { value: median(times), unit: 'ms of CPU' }
    say(`  ${label}: ${median(times).toFixed(0)} ms, ${lines} lines`)
  }
  return figures
}

/** One policy, changed in three ways. */
function changesOf(size: ClusterSize): readonly (readonly [string, EventBody])[] {
  const policy = policyOf(size, 1)
  const [first, ...rest] = policy.ingress
  const wider = { ...policy, ingress: [{ ...first!, ports: [...first!.ports, tcp(9999)] }, ...rest] }
  return [
    ['a policy allows one more port', { kind: 'networkpolicy.upserted', policy: wider }],
    ['a policy goes', { kind: 'networkpolicy.deleted', namespace: policy.namespace, name: policy.name }],
    [
      'a policy isolates one workload',
      {
        kind: 'networkpolicy.upserted',
        policy: { ...policy, name: 'new', podSelector: [is('app', 'app-1')], policyTypes: ['egress'], egress: [] },
      },
    ],
  ]
}
