import type { BenchOption, BenchOptions } from './bench.js'
import type { ClusterSize } from './cluster.js'

/** The synthetic cluster's size as flags of a bench. */
export const sizeOptions = {
  pods: { value: 100_000, help: 'pods' },
  nodes: { value: 1000, help: 'nodes' },
  identities: { value: 5000, help: 'distinct sets of labels' },
  policies: { value: 10_000, help: 'policies' },
  namespaces: { value: 500, help: 'namespaces' },
  cidrs: { value: 2000, help: 'rules that name a block of addresses' },
  local: { value: 110, help: 'pods of this node' },
} as const satisfies Readonly<Record<keyof ClusterSize, BenchOption>>

export function clusterSize(options: BenchOptions): ClusterSize {
  return {
    pods: options.number('pods'),
    nodes: options.number('nodes'),
    identities: options.number('identities'),
    policies: options.number('policies'),
    namespaces: options.number('namespaces'),
    cidrs: options.number('cidrs'),
    local: options.number('local'),
  }
}
