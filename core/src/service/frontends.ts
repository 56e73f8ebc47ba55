import type { Protocol } from '../policy/rule.js'
import { type Slot, SlottedTable } from '../tables/recorded-table.js'
import { type FrontendKind, frontendKey, frontendKinds, type FrontendRow } from '../tables/service-rows.js'
import { appended, type Claim, type Unit } from './model.js'

/** Who has, or wants, an address and port. */
export interface Claimant {
  readonly kind: FrontendKind
  readonly namespace: string
  readonly name: string
  readonly portName: string
}

/** An address and port that several want, and who has it. */
export interface Conflict {
  readonly address: string
  readonly port: number
  readonly protocol: Protocol
  readonly winner: Claimant
  /** By kind and name. */
  readonly losers: readonly Claimant[]
}

/** Claims by address and port. One that several have goes to one of them by what they are, whoever came first. */
export class Frontends {
  readonly table = new ClaimedTable(sameFrontend)
  /** Keys for `takeTouched`, from its first call on. */
  #touched: Set<string> | undefined
  readonly #contested = new Set<string>()

  /** Takes a unit's claims in place of those that it had. */
  replace(unit: Unit, claims: readonly Claim[]): void {
    const before = unit.claims
    unit.claims = claims
    for (const claim of claims) this.#put(claim)
    for (const claim of before) this.#drop(claim)
  }

  /** Calls `visit` for every key whose row may have changed since the last call; the first time for every row. */
  takeTouched(visit: (key: string, row: FrontendRow | undefined) => void): void {
    if (this.#touched === undefined) for (const [key, row] of this.table) visit(key, row)
    else for (const key of this.#touched) visit(key, this.table.get(key))
    this.#touched = new Set()
  }

  /** By address and port. */
  *conflicts(): Iterable<Conflict> {
    for (const key of [...this.#contested].sort()) {
      const { claims } = this.table.slotOf(key)
      for (const rivals of [claims.filter(isService), claims.filter(claim => !isService(claim))]) {
        const [winner, ...losers] = rivals.sort(compareClaims)
        if (winner === undefined || losers.length === 0) continue
        const { address, port, protocol } = winner.internal
        yield { address, port, protocol, winner: claimantOf(winner), losers: losers.map(claimantOf) }
      }
    }
  }

  #put(claim: Claim): void {
    const slot = this.table.slotOf(claim.key)
    const at = slot.claims.findIndex(({ unit }) => unit === claim.unit)
    if (at < 0) slot.claims = appended(slot.claims, claim)
    else slot.claims[at] = claim
    this.#resolve(slot)
  }

  /** Takes a claim back, unless its unit has made it anew. */
  #drop(claim: Claim): void {
    const slot = this.table.slotOf(claim.key)
    const at = slot.claims.indexOf(claim)
    if (at < 0) return
    slot.claims.splice(at, 1)
    if (slot.claims.length > 0) {
      this.#resolve(slot)
      return
    }
    this.#contested.delete(claim.key)
    this.#write(slot, undefined, undefined)
  }

  #resolve(slot: ClaimedSlot): void {
    const { claims } = slot
    const first = claims[0]!
    if (claims.length === 1 && isService(first)) {
      if (this.#contested.size > 0) this.#contested.delete(first.key)
      this.#write(slot, first.internal, first.external)
      return
    }
    const winner = bestOf(claims.filter(isService))
    const redirect = bestOf(claims.filter(claim => !isService(claim)))
    const rivals = claims.length - (winner === undefined ? 0 : 1) - (redirect === undefined ? 0 : 1)
    if (rivals > 0) this.#contested.add(first.key)
    else this.#contested.delete(first.key)
    const internal = redirect === undefined ? winner?.internal : redirected(redirect.internal, winner?.internal)
    this.#write(slot, internal, winner?.external)
  }

  #write(slot: ClaimedSlot, internal: FrontendRow | undefined, external: FrontendRow | undefined): void {
    if (slot.internal !== internal) {
      if (internal === undefined) this.table.clear(slot)
      else this.table.put(slot, internal)
      this.#touched?.add(slot.key)
    }
    const outside = external ?? slot.external
    if (outside !== undefined && slot.external !== external) this.#writeOutside(keyOf(outside), external)
    slot.internal = internal
    slot.external = external
  }

  #writeOutside(key: string, after: FrontendRow | undefined): void {
    if (after === undefined) this.table.delete(key)
    else this.table.set(key, after)
    this.#touched?.add(key)
  }
}

/** One address and port, where those inside look: who claims it, and the rows that it was given. */
interface ClaimedSlot extends Slot<string, FrontendRow> {
  claims: Claim[]
  internal: FrontendRow | undefined
  external: FrontendRow | undefined
}

const unclaimed: Claim[] = []

/** Keeps claims beside rows: whoever has a claim has a row for those inside as well. */
class ClaimedTable extends SlottedTable<string, FrontendRow, ClaimedSlot> {
  protected override emptySlot(key: string): ClaimedSlot {
    return {
      key,
      now: undefined,
      before: undefined,
      touched: false,
      claims: unclaimed,
      internal: undefined,
      external: undefined,
    }
  }
}

const bestOf = (claims: readonly Claim[]): Claim | undefined =>
  claims.reduce<Claim | undefined>((best, claim) => (best && compareClaims(best, claim) < 0 ? best : claim), undefined)

const keyOf = ({ address, port, protocol, scope }: FrontendRow): string => frontendKey(address, port, protocol, scope)

const isService = ({ kind }: Claim): boolean => kind !== 'localRedirect'

function claimantOf(claim: Claim): Claimant {
  const { kind, namespace, name, portName } = claim.internal
  return { kind, namespace, name, portName }
}

/** A redirect's row over that of the service whose traffic it takes. */
function redirected(row: FrontendRow, under: FrontendRow | undefined): FrontendRow {
  const affinitySeconds = under?.affinitySeconds ?? 0
  if (row.fromBackends === undefined) return { ...row, affinitySeconds }
  return { ...row, affinitySeconds, fromBackends: under?.selection ?? 0 }
}

/** Kinds that the cluster gives out come first: nobody takes another's cluster address by an `externalIPs` of it. */
function compareClaims(a: Claim, b: Claim): number {
  const byKind = frontendKinds.indexOf(a.kind) - frontendKinds.indexOf(b.kind)
  return byKind || (a.unit.key < b.unit.key ? -1 : a.unit.key > b.unit.key ? 1 : 0)
}

function sameFrontend(a: FrontendRow, b: FrontendRow): boolean {
  return (
    a.selection === b.selection &&
    a.kind === b.kind &&
    a.namespace === b.namespace &&
    a.name === b.name &&
    a.portName === b.portName &&
    a.affinitySeconds === b.affinitySeconds &&
    a.local === b.local &&
    a.fromBackends === b.fromBackends &&
    sameRanges(a.sourceRanges, b.sourceRanges)
  )
}

function sameRanges(a: readonly string[] | undefined, b: readonly string[] | undefined): boolean {
  if (a === undefined || b === undefined) return a === b
  return a.length === b.length && a.every((range, at) => range === b[at])
}
