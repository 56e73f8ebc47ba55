import { Engine, type EventBody, type Tables } from '@weir/core'
import type { EndpointSliceFact, ServiceFact, SliceEndpoint } from '@weir/core/event/service.js'
import { balancingByTables } from '../../oracle/balancing-by-tables.js'

export const agent: EventBody = {
  kind: 'agent.configured',
  agent: { node: 'n1', cluster: 'default', labelFilter: [] },
}

export const node: EventBody = {
  kind: 'node.upserted',
  node: {
    name: 'n1',
    labels: { 'topology.kubernetes.io/zone': 'z1' },
    addresses: ['192.0.2.1', '192.0.2.2'],
    podCidrs: [],
  },
}

export const service = (extra: Partial<ServiceFact> = {}): EventBody => ({
  kind: 'service.upserted',
  service: {
    namespace: 'shop',
    name: 'web',
    type: 'ClusterIP',
    clusterIps: ['10.96.0.1'],
    selector: {},
    ports: [{ name: '', protocol: 'TCP', port: 80, targetPort: 8080 }],
    ...extra,
  },
})

export const endpoint = (address: string, extra: Partial<SliceEndpoint> = {}): SliceEndpoint => ({
  addresses: [address],
  ready: true,
  serving: true,
  terminating: false,
  ...extra,
})

export const slice = (endpoints: readonly SliceEndpoint[], extra: Partial<EndpointSliceFact> = {}): EventBody => ({
  kind: 'endpointslice.upserted',
  slice: {
    namespace: 'shop',
    name: 'web-1',
    service: 'web',
    endpoints,
    ports: [{ name: '', protocol: 'TCP', port: 8080 }],
    ...extra,
  },
})

/** An engine and what it is told, step by step. */
export class Scene {
  readonly engine = new Engine()

  constructor(...bodies: readonly EventBody[]) {
    this.say(agent, node, ...bodies)
  }

  say(...bodies: readonly EventBody[]) {
    return this.engine.apply(
      bodies.map((body, index) => ({ ...body, seq: this.engine.seq + 1 + index, time: 0, source: 'test' })),
    )
  }

  get tables(): Tables {
    return this.engine.tables
  }

  /** Addresses of the members of a frontend, or undefined when there is none: `10.96.0.1 80 TCP internal`. */
  members(at: string): readonly string[] | undefined {
    const found = balancingByTables(this.tables).frontends.find(frontend => frontend.at === at)
    return found?.members.map(member => member.split(' ')[0] ?? '')
  }

  /** `state` by address. */
  states(): Readonly<Record<string, string>> {
    return Object.fromEntries([...this.tables.backends].map(([, { address, state }]) => [address, state]))
  }
}
