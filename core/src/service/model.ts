import type { Protocol } from '../policy/rule.js'
import type { FrontendKind, FrontendRow } from '../tables/service-rows.js'
import type { SliceEndpoint } from '../event/service.js'
import type { Selection } from './selections.js'

/** A thing that brings frontends and backends. */
export interface Unit {
  readonly kind: 'service' | 'pod' | 'redirect'
  /** `namespace/name` */
  readonly key: string
  uses: Use[]
  claims: Claim[]
  /** Held until the claims that name them are replaced. */
  selections: Selection[]
}

export const newUnit = (kind: Unit['kind'], key: string): Unit => ({ kind, key, uses: [], claims: [], selections: [] })

/** An address and port with those that use it; it is there as long as somebody does. */
export interface Backend {
  readonly number: number
  readonly address: string
  readonly port: number
  readonly protocol: Protocol
  readonly uses: Use[]
}

/** What is said of an endpoint where it is used. */
export interface Condition {
  readonly ready: boolean
  readonly serving: boolean
  readonly terminating: boolean
  readonly local: boolean
  readonly zone: string
  readonly hints: SliceEndpoint['hints']
  /** The pod behind it, `namespace/name`; '' when none is known. */
  readonly pod: string
  /** Of equally good words on one endpoint the one with the lowest place counts. */
  readonly place: number
}

/** A unit's use of a backend. */
export interface Use {
  readonly unit: Unit
  readonly backend: Backend
  condition: Condition
  /** 0 when it takes no new connections by what was said of it. */
  weight: number
  /** The settling that saw it last, and the port within it. */
  settled: number
  listed: number
}

/** A unit's wish to have an address and port. */
export interface Claim {
  readonly unit: Unit
  /** `TCP 10.96.0.1 443` */
  readonly key: string
  readonly kind: FrontendKind
  readonly internal: FrontendRow | undefined
  readonly external: FrontendRow | undefined
}
