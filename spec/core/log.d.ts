import {
  Engine,
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
export declare class Log {
  readonly events: WeirEvent[]
  add(...bodies: readonly EventBody[]): WeirEvent[]
}
/** An engine with a log of its own: facts in, verdicts out. The node is `here`. */
export declare class Scene {
  readonly log: Log
  readonly engine: Engine
  constructor(engine?: Engine)
  apply(...bodies: readonly EventBody[]): import('@weir/core').TablesDelta
  /** `port` as `tcp/80`; a bare number is TCP. */
  verdict(from: string, to: string, port?: number | `${Lowercase<Protocol>}/${number}`): Verdict
  /** The peer class of a known address. */
  classOf(address: string): number
  subjectOf(address: string): number
}
export declare const flowPort: (port: number | string) => {
  protocol: number
  port: number
}
export declare const agent: (labelFilter?: readonly string[], node?: string) => EventBody
/** `path` is `namespace/name`. */
export declare const pod: (
  path: string,
  labels: Record<string, string>,
  address: string | readonly string[],
  more?: Partial<PodFact>,
) => EventBody
export declare const noPod: (path: string) => EventBody
export declare const namespace: (name: string, labels: Record<string, string>) => EventBody
export declare const node: (name: string, addresses: readonly string[], more?: Partial<NodeFact>) => EventBody
/** In namespace `a`; selects all pods and says nothing unless told more. */
export declare const policy: (name: string, more: Partial<NetworkPolicyFact>) => EventBody
export declare const noPolicy: (name: string) => EventBody
/** `app=web` as a requirement; several values are alternatives. */
export declare const is: (key: string, ...values: readonly string[]) => Requirement
/** A peer by pod labels, in the policy's namespace. */
export declare const pods: (...podSelector: readonly Requirement[]) => {
  readonly kind: 'pods'
  readonly podSelector: readonly Requirement[]
}
export declare const ipBlock: (
  cidr: string,
  ...except: readonly string[]
) => {
  readonly kind: 'ipBlock'
  readonly cidr: string
  readonly except: readonly string[]
}
export declare const tcp: (
  port: number | string,
  endPort?: number,
) => {
  readonly protocol: 'TCP'
  readonly port: string | number
  readonly endPort?: number
}
//# sourceMappingURL=log.d.ts.map
