import type { BackendState, Conflict, FrontendKind, FrontendScope, Lack, Protocol, Standing } from '@weir/core'
import type { SourceEntry } from './event-source.js'
import type { NamedAddress, WhyAnswer } from './protocol.js'

/** What becomes of a new connection to a service. */
export type ServiceOutcome =
  /** It goes to one of the backends that are chosen. */
  | 'balanced'
  /** No backend takes it: TCP is reset, anything else gets an ICMP error, a process an error from its call. */
  | 'refused'
  /** The client isn't in any of the source ranges. */
  | 'outsideRanges'
  /** There is nothing at such an address and port for this client; `lack` says why. */
  | 'notThere'
  /** A redirect that leaves its own backends' traffic as it is. */
  | 'untouched'
  /** DNS gives the pods' own addresses. */
  | 'headless'
  /** DNS gives another name. */
  | 'externalName'

/** GET /v1/why about a service: one answer per port, family and kind of frontend, and per way in which clients are seen. */
export interface ServiceAnswer {
  readonly kind: 'service'
  readonly from: NamedAddress
  /** `shop/web`: the service, the pod of a host port, or the local redirect. */
  readonly name: string
  readonly port: number
  readonly protocol: Protocol
  readonly portName: string
  readonly family: 4 | 6
  readonly outcome: ServiceOutcome
  /** Why there is no backend, or no frontend. */
  readonly lack?: Lack
  readonly frontend?: AnsweredFrontend
  /** Endpoints, chosen or not. */
  readonly backends: readonly AnsweredBackend[]
  /** Addresses and ports of the service that others have too, or want. */
  readonly conflicts: readonly Conflict[]
  /** What policies say of the client and each backend that is chosen; those that are judged alike share an answer. */
  readonly flows: readonly WhyAnswer[]
  /** How many of the chosen ones `flows` leaves out, where there are too many to judge each. */
  readonly unjudged: number
  /** Where the frontend's and backends' events came from. */
  readonly sources: readonly SourceEntry[]
  readonly seq: number
}

export interface AnsweredFrontend {
  readonly kind: FrontendKind
  readonly scope: FrontendScope
  readonly addresses: readonly string[]
  readonly port: number
  /** 0: none. */
  readonly affinitySeconds: number
  /** Backends of this node only, by traffic policy. */
  readonly local: boolean
  readonly sourceRanges?: readonly string[]
  /** For clients outside. */
  readonly table?: AnsweredTable
  readonly causes: readonly number[]
}

/** The table that clients outside go by: the same on every node for the same backends, size and seed. */
export interface AnsweredTable {
  /** Of the whole table; 1 where there is one backend. */
  readonly slots: number
  readonly seed: number
  /** How many slots each backend has; its name is `10.0.0.1:8080/TCP`. */
  readonly shares: readonly { readonly backend: string; readonly slots: number }[]
  /** Whose entries these are: a new connection from there, to each address of the service. */
  readonly client?: { readonly address: string; readonly port: number }
  readonly entries?: readonly { readonly address: string; readonly slot: number; readonly backend: string }[]
}

export interface AnsweredBackend {
  readonly address: string
  readonly port: number
  readonly node: string
  readonly zone: string
  /** `shop/web-0`; '' where nobody said. */
  readonly pod: string
  readonly state: BackendState
  readonly standing: Standing
  readonly isChosen: boolean
  readonly weight: number
  /** Of new connections, 0 to 1. */
  readonly share: number
  readonly causes: readonly number[]
}

export const isServiceAnswer = (answer: WhyAnswer | ServiceAnswer): answer is ServiceAnswer => 'outcome' in answer
