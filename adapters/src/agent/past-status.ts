import type { Digest, Engine } from '@weir/core'
import { leavingView } from './egress-views.js'
import type { EventSource } from './event-source.js'
import type { StatusReport } from './protocol.js'
import { tableSizes } from './status-report.js'

/** `weir status --at`: what the log knows of an agent at a moment. */
export interface PastStatus extends Pick<StatusReport, 'digest' | 'tables' | 'frontendConflicts'> {
  readonly seq: number
  readonly node: string
  readonly cluster: string
  readonly digest: Digest
  /** Objects of the cluster by kind. */
  readonly counts: Readonly<Record<string, number>>
  /** Addresses that the node found of itself; absent: it hadn't looked, or the log doesn't say. */
  readonly hostAddresses?: readonly string[]
  readonly leaving: Pick<StatusReport['leaving'], 'unmasked' | 'rules'>
  /** Objects whose last version wasn't understood. */
  readonly refused: readonly (EventSource & { readonly object: string; readonly seq: number })[]
  /** What only a running agent knows. */
  readonly notRecorded: readonly string[]
}

const notRecorded = [
  'how full maps are, and counters',
  'devices and what is attached to them',
  'what the kernel offers',
  'intake, repairs and sources',
]

export async function pastStatus(engine: Engine, sourceOf: (seq: number) => Promise<EventSource>): Promise<PastStatus> {
  const { state, tables } = engine
  const { unmasked, rules } = leavingView(tables)
  const refused: PastStatus['refused'][number][] = []
  for (const [object, { seq }] of state.refusals) refused.push({ object, seq, ...(await sourceOf(seq)) })
  const policies = state.policies.size + state.ciliumPolicies.size + state.clusterPolicies.size
  return {
    seq: engine.seq,
    node: state.agent?.fact.node ?? '',
    cluster: state.agent?.fact.cluster ?? '',
    digest: engine.digest(),
    counts: {
      ...{ namespaces: state.namespaces.size, nodes: state.nodes.size, pods: state.pods.size, policies },
      ...{ staged: state.staged.size, services: state.services.size, endpointSlices: state.endpointSlices.size },
      ...{ identities: [...engine.identities()].length, endpoints: state.endpoints.size },
    },
    tables: tableSizes(tables),
    frontendConflicts: engine.frontendConflicts().length,
    ...(state.host !== undefined && { hostAddresses: state.host.fact.addresses }),
    leaving: { unmasked, rules },
    refused,
    notRecorded,
  }
}
