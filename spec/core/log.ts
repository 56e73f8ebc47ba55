import {
  Engine,
  protocolNumbers,
  type EventBody,
  type NetworkPolicyFact,
  type NodeFact,
  type PodFact,
  type Protocol,
  type Requirement,
  type Verdict,
  type WeirEvent,
} from '@weir/core'

/** Numbers events as a log does. */
export class Log {
  readonly events: WeirEvent[] = []

  add(...bodies: readonly EventBody[]): WeirEvent[] {
    const added = bodies.map((body, index) => ({
      ...body,
      seq: this.events.length + index + 1,
      time: 0,
      source: 'spec',
    }))
    this.events.push(...added)
    return added
  }
}

/** An engine with a log of its own: facts in, verdicts out. The node is `here`. */
export class Scene {
  readonly log = new Log()
  readonly engine: Engine

  constructor(engine = new Engine()) {
    this.engine = engine
  }

  apply(...bodies: readonly EventBody[]) {
    return this.engine.apply(this.log.add(...bodies))
  }

  /** `port` as `tcp/80`; a bare number is TCP. */
  verdict(from: string, to: string, port: number | `${Lowercase<Protocol>}/${number}` = 80): Verdict {
    return this.engine.verdict({ from, to, ...flowPort(port) })
  }

  /** The peer class of a known address. */
  classOf(address: string): number {
    return this.engine.tables.addresses.get(address)!.peerClass
  }

  subjectOf(address: string): number {
    return this.engine.tables.addresses.get(address)!.subject
  }
}

export const flowPort = (port: number | string): { protocol: number; port: number } => {
  if (typeof port === 'number') return { protocol: 6, port }
  const [protocol, number] = port.split('/')
  const names = { tcp: 'TCP', udp: 'UDP', sctp: 'SCTP', icmp: 'ICMP', icmpv6: 'ICMPv6' } as const
  return { protocol: protocolNumbers[names[protocol as keyof typeof names]], port: Number(number) }
}

export const agent = (labelFilter: readonly string[] = [], node = 'here'): EventBody => ({
  kind: 'agent.configured',
  agent: { node, cluster: 'default', labelFilter },
})

/** `path` is `namespace/name`. */
export const pod = (
  path: string,
  labels: Record<string, string>,
  address: string | readonly string[],
  more: Partial<PodFact> = {},
): EventBody => {
  const [namespace, name] = path.split('/') as [string, string]
  const addresses = typeof address === 'string' ? [address] : address
  return {
    kind: 'pod.upserted',
    pod: {
      namespace,
      name,
      labels,
      serviceAccount: 'default',
      node: 'here',
      addresses,
      hostNetwork: false,
      ports: [],
      ...more,
    },
  }
}

export const noPod = (path: string): EventBody => {
  const [namespace, name] = path.split('/') as [string, string]
  return { kind: 'pod.deleted', namespace, name }
}

export const namespace = (name: string, labels: Record<string, string>): EventBody => ({
  kind: 'namespace.upserted',
  namespace: { name, labels },
})

export const node = (name: string, addresses: readonly string[], more: Partial<NodeFact> = {}): EventBody => ({
  kind: 'node.upserted',
  node: { name, labels: {}, addresses, podCidrs: [], ...more },
})

/** What the devices of `here` have. */
export const observed = (...addresses: readonly string[]): EventBody => ({ kind: 'host.observed', host: { addresses } })

/** In namespace `a`; selects all pods and says nothing unless told more. */
export const policy = (name: string, more: Partial<NetworkPolicyFact>): EventBody => ({
  kind: 'networkpolicy.upserted',
  policy: { namespace: 'a', name, podSelector: [], policyTypes: ['ingress'], ingress: [], egress: [], ...more },
})

export const noPolicy = (name: string): EventBody => ({ kind: 'networkpolicy.deleted', namespace: 'a', name })

/** `app=web` as a requirement; several values are alternatives. */
export const is = (key: string, ...values: readonly string[]): Requirement => ({ key, operator: 'In', values })

/** A peer by pod labels, in the policy's namespace. */
export const pods = (...podSelector: readonly Requirement[]) => ({ kind: 'pods', podSelector }) as const

export const ipBlock = (cidr: string, ...except: readonly string[]) => ({ kind: 'ipBlock', cidr, except }) as const

export const tcp = (port: number | string, endPort?: number) =>
  ({ protocol: 'TCP', port, ...(endPort === undefined ? {} : { endPort }) }) as const
