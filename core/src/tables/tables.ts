import type { Direction } from '../policy/rule.js'
import type { EgressRow, MasqueradeRow, NonMasqueradeRow } from './egress-rows.js'
import type { BackendRow, FrontendRow, SelectionRow } from './service-rows.js'

/**
 * What a row says about one packet class. Everything but `allow` is a denial, with a reason of its own: no rule allows
 * it (`deny`), a rule forbids it (`denylisted`), or it may pass only through a proxy and none runs (`proxy`).
 */
export const verdicts = { deny: 0, allow: 1, denylisted: 2, proxy: 3 } as const
export type Verdict = (typeof verdicts)[keyof typeof verdicts]

/**
 * One step of a row: from `key` (protocol << 16 | port; ICMP's port is type << 8 | code) up to the next step's key the
 * verdict holds. Unsigned 32-bit.
 */
export interface Step {
  readonly key: number
  readonly verdict: Verdict
}

/**
 * A verdict for every protocol and port, as a step function: the first step has key 0, keys rise strictly, neighbours
 * differ in verdict. Immutable and content-addressed: equal steps, equal `id`. An id is not used again for other steps
 * while any table refers to it or in the delta that removed it.
 */
export interface Row {
  readonly id: number
  readonly steps: readonly Step[]
}

/** An address known exactly: of a pod, or of a node. Canonical text. */
export interface AddressRow {
  readonly address: string
  readonly identity: number
  /** Peers that the same peer selectors match share a class. Never 0. */
  readonly peerClass: number
  /** Rule sets that apply to this address's own traffic; 0 for peers that are no local endpoint. */
  readonly subject: number
  /** Slot in the endpoints table; 0 for peers that are no local endpoint. */
  readonly endpoint: number
}

/** Every other address, by longest prefix. `0.0.0.0/0` and `::/0` are always there. */
export interface PrefixRow {
  readonly prefix: string
  readonly identity: number
  readonly peerClass: number
}

/** A pod of this node. Wiring is absent until the pod's interface is attached. */
export interface EndpointRow {
  /** Slot, 1 and up; the lowest free one is taken. */
  readonly endpoint: number
  readonly namespace: string
  readonly pod: string
  readonly identity: number
  readonly subject: number
  readonly addresses: readonly string[]
  readonly wiring?: {
    readonly ifindex: number
    readonly ifname: string
    readonly hostMac: string
    readonly podMac: string
  }
}

/**
 * The row that judges traffic of `subject` in `direction` with peers of `peerClass`. peerClass 0 is the subject's
 * default: it holds for every class without a cell of its own, and is there for both directions of every subject in
 * use. A cell equal to its subject's default is left out.
 */
export interface CellRow {
  readonly subject: number
  readonly direction: Direction
  readonly peerClass: number
  readonly row: number
}

/** Read-only view of a table by key. */
export interface Table<Key, Value> extends Iterable<readonly [Key, Value]> {
  readonly size: number
  get(key: Key): Value | undefined
}

/** `subject:direction:peerClass` */
export type CellKey = `${number}:${Direction}:${number}`

/** What judges flows. */
export interface VerdictTables {
  readonly addresses: Table<string, AddressRow>
  readonly prefixes: Table<string, PrefixRow>
  readonly endpoints: Table<number, EndpointRow>
  readonly cells: Table<CellKey, CellRow>
  readonly rows: Table<number, Row>
}

/** What translates the addresses of services. */
export interface ServiceTables {
  /** By `frontendKey`. */
  readonly frontends: Table<string, FrontendRow>
  readonly selections: Table<number, SelectionRow>
  readonly backends: Table<number, BackendRow>
}

/** How pods' traffic leaves the cluster. */
export interface EgressTables {
  /** By `egressKey`. */
  readonly egressRules: Table<string, EgressRow>
  /** By prefix. */
  readonly nonMasquerade: Table<string, NonMasqueradeRow>
  /** By ifindex. */
  readonly masquerade: Table<number, MasqueradeRow>
}

/** All that the datapath needs, at one sequence number. */
export type Tables = VerdictTables & ServiceTables & EgressTables

/** One row's change; `before` is absent on insert, `after` on delete. */
export interface Change<Value> {
  readonly before?: Value
  readonly after?: Value
}

/** Net changes of the tables that judge flows. */
export interface VerdictsDelta {
  readonly addresses: readonly Change<AddressRow>[]
  readonly prefixes: readonly Change<PrefixRow>[]
  readonly endpoints: readonly Change<EndpointRow>[]
  readonly cells: readonly Change<CellRow>[]
  readonly rows: readonly Change<Row>[]
}

/** Net changes of the tables of services. */
export interface ServicesDelta {
  readonly frontends: readonly Change<FrontendRow>[]
  readonly selections: readonly Change<SelectionRow>[]
  readonly backends: readonly Change<BackendRow>[]
}

/** Net changes of the tables of leaving the cluster. */
export interface EgressDelta {
  readonly egressRules: readonly Change<EgressRow>[]
  readonly nonMasquerade: readonly Change<NonMasqueradeRow>[]
  readonly masquerade: readonly Change<MasqueradeRow>[]
}

/** What a batch of events changed, in no particular order within a table: the datapath finds the safe order. */
export interface TablesDelta extends VerdictsDelta, ServicesDelta, EgressDelta {
  /** The last event folded in. */
  readonly seq: number
}
