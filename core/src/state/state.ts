import type { Problem } from '../errors.js'
import type {
  AgentFact,
  EndpointFact,
  NamespaceFact,
  NetworkPolicyFact,
  NodeFact,
  ObjectKey,
  PodFact,
  ServiceFact,
} from '../event/event.js'

/** A fact in force and the event that brought this version of it. */
export interface Stored<Fact> {
  readonly fact: Fact
  readonly seq: number
}

/** The last version of an object that could not be understood; the version before it stays in force. */
export interface Refusal {
  readonly object: ObjectKey
  readonly problems: readonly Problem[]
  readonly seq: number
}

/** All inputs after `seq` events, by `namespace/name` (cluster-wide kinds by name). */
export interface ClusterState {
  readonly seq: number
  /** Milliseconds since the epoch as the last `time.passed` said; 0 before the first. */
  readonly timeMs: number
  readonly agent: Stored<AgentFact> | undefined
  /** Only those with an object of their own: see `namespaceLabels` for the rest. */
  readonly namespaces: ReadonlyMap<string, Stored<NamespaceFact>>
  readonly nodes: ReadonlyMap<string, Stored<NodeFact>>
  readonly pods: ReadonlyMap<string, Stored<PodFact>>
  readonly services: ReadonlyMap<string, Stored<ServiceFact>>
  readonly policies: ReadonlyMap<string, Stored<NetworkPolicyFact>>
  /** Wiring of local pods, by the pod's `namespace/name`. */
  readonly endpoints: ReadonlyMap<string, Stored<EndpointFact>>
  /** By `refusalKey`. */
  readonly refusals: ReadonlyMap<string, Refusal>
}

/** The same with the maps that the fold writes. */
export interface MutableClusterState extends ClusterState {
  seq: number
  timeMs: number
  agent: Stored<AgentFact> | undefined
  readonly namespaces: Map<string, Stored<NamespaceFact>>
  readonly nodes: Map<string, Stored<NodeFact>>
  readonly pods: Map<string, Stored<PodFact>>
  readonly services: Map<string, Stored<ServiceFact>>
  readonly policies: Map<string, Stored<NetworkPolicyFact>>
  readonly endpoints: Map<string, Stored<EndpointFact>>
  readonly refusals: Map<string, Refusal>
}

/** state(0): no event yet. */
export function emptyState(): MutableClusterState {
  return {
    seq: 0,
    timeMs: 0,
    agent: undefined,
    namespaces: new Map(),
    nodes: new Map(),
    pods: new Map(),
    services: new Map(),
    policies: new Map(),
    endpoints: new Map(),
    refusals: new Map(),
  }
}

/** `namespace/name`. */
export const objectKey = (namespace: string, name: string): string => `${namespace}/${name}`

/** `Kind/namespace/name`; the namespace of a cluster-wide object is empty. */
export const refusalKey = (object: ObjectKey): string => `${object.kind}/${object.namespace}/${object.name}`
