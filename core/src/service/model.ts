import type { EndpointSliceFact, ServiceFact, SliceEndpoint } from '../event/service.js'
import type { BackendRow, FrontendKind, FrontendRow } from '../tables/service-rows.js'
import type { Selection } from './selections.js'

/** A thing that brings frontends and backends. */
export interface Unit {
  readonly kind: 'service' | 'pod' | 'redirect'
  readonly namespace: string
  readonly name: string
  /** `namespace/name` */
  readonly key: string
  /** Of a service: what was said of it last, and its slices, unordered. */
  service: ServiceFact | undefined
  slices: Slice[]
  uses: Use[]
  claims: readonly Claim[]
  /** Held until the claims that name them are replaced. */
  selections: readonly Selection[]
  /** Whether it waits to be settled: asking the unit is cheaper than asking a set. */
  dirty: boolean
}

/** A slice by `namespace/name`. */
export interface Slice {
  readonly key: string
  readonly fact: EndpointSliceFact
}

/**
 * The list with one item more. The first `push` to a list makes room for 17 items, which stays: most services have one
 * frontend, and many one backend.
 */
export function appended<Item>(list: Item[], item: Item): Item[] {
  if (list.length === 0) return [item]
  list.push(item)
  return list
}

const none: readonly never[] = []

export function newUnit(kind: Unit['kind'], key: string): Unit {
  const slash = key.indexOf('/')
  const [namespace, name] = [key.slice(0, slash), key.slice(slash + 1)]
  return {
    kind,
    namespace,
    name,
    key,
    service: undefined,
    slices: [],
    uses: [],
    claims: none,
    selections: none,
    dirty: false,
  }
}

/** A unit's use of a backend, and what is said of it there. */
export interface Use {
  readonly unit: Unit
  /** The backend as the table has it; the same for all who use it. */
  row: BackendRow
  /** Another use of the same backend. */
  next: Use | undefined
  endpoint: SliceEndpoint
  /** As the unit takes it: some take endpoints that are not ready for ready. */
  ready: boolean
  local: boolean
  /** Of equally good words on one endpoint the one with the lowest place counts. */
  place: number
  /** Its unit's checks of it fail. */
  unhealthy: boolean
  /** 0 when it takes no new connections by what was said of it. */
  weight: number
  /** When it was seen last: the number of the settling, or of the port within it. */
  seen: number
}

/** A unit's wish to have an address and port. */
export interface Claim {
  readonly unit: Unit
  /** That of the row for those inside; there always is one. */
  readonly key: string
  readonly kind: FrontendKind
  readonly internal: FrontendRow
  readonly external: FrontendRow | undefined
}
