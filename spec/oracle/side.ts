import type { PodFact } from '@weir/core/event/event.js'
import type { Direction } from '@weir/core/policy/rule.js'
import { nodeOf, type OracleCluster, type Party } from './cluster.js'

/** A first packet: both addresses of one family, canonical; an ICMP packet's port is `type << 8 | code`. */
export interface OracleFlow {
  readonly from: string
  readonly to: string
  /** IANA protocol number. */
  readonly protocol: number
  readonly port: number
}

/** A policy, or one rule of it: `NetworkPolicy default/web`, `spec.ingress[0]`. */
export interface Cause {
  readonly policy: string
  readonly path: string
}

/** Whom policies can select: a pod, or a node that has a name. */
export type Subject = { readonly kind: 'pod'; readonly pod: PodFact } | { readonly kind: 'node'; readonly node: string }

/** One end of a flow, as its policies look at the other end: the source's on egress, the destination's on ingress. */
export interface Side {
  readonly cluster: OracleCluster
  readonly flow: OracleFlow
  readonly direction: Direction
  readonly subject: Subject
  readonly peer: Party
  readonly peerAddress: string
  /** Where names of ports resolve, whichever end looks. */
  readonly destination: Party
}

/** What the policies of the namespaced tier say of one side, each with its cause. Order means nothing. */
export interface Voices {
  /** Nothing passes but what is allowed. */
  readonly isolating: readonly Cause[]
  readonly denying: readonly Cause[]
  readonly allowing: readonly Cause[]
  /** Allowed for what a proxy finds good in the traffic. */
  readonly proxying: readonly Cause[]
}

/** The node that the subject is or runs on; nothing for a pod that none runs. */
export function nodeOfSubject({ cluster, subject }: Pick<Side, 'cluster' | 'subject'>): string | undefined {
  const node = subject.kind === 'pod' ? nodeOf(cluster, subject.pod) : subject.node
  return node === '' ? undefined : node
}

/** Is the peer the node that the subject runs on? */
export function peerIsOwnNode(side: Side): boolean {
  return side.peer.kind === 'node' && side.peer.node === nodeOfSubject(side)
}
