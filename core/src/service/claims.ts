import type { Protocol } from '../policy/rule.js'
import { type FrontendKind, frontendKey, type FrontendRow, type FrontendScope } from '../tables/service-rows.js'
import { appended, type Claim, type Unit, type Use } from './model.js'
import type { Selection, Selections } from './selections.js'

/** One address and port as a unit asks for it. */
export interface Wish {
  readonly kind: FrontendKind
  readonly address: string
  readonly port: number
  readonly protocol: Protocol
  readonly portName: string
  readonly affinitySeconds: number
  readonly internal: Offer
  /** Absent: it is not there for clients outside. */
  readonly external?: Offer | undefined
}

/** What one scope of a frontend gets. */
export interface Offer {
  readonly selection: number
  readonly local: boolean
  readonly sourceRanges?: readonly string[]
  readonly fromBackends?: number
}

/** Gathers the claims of a unit that is settled, and the selections that they point to. */
export class ClaimBuilder {
  readonly #unit: Unit
  readonly #pool: Selections
  #claims: Claim[] = []
  #selections: Selection[] = []
  #keys: Set<string> | undefined

  constructor(unit: Unit, pool: Selections) {
    this.#unit = unit
    this.#pool = pool
  }

  get claims(): readonly Claim[] {
    return this.#claims
  }

  /** Those that claims point to, once for each `select`. */
  get selections(): readonly Selection[] {
    return this.#selections
  }

  /** The number of the selection of exactly these. */
  select(uses: readonly Use[]): number {
    const selection = this.#pool.acquire(uses)
    this.#selections = appended(this.#selections, selection)
    return selection.row.selection
  }

  /** Of two wishes for one address and port the first counts. */
  add(wish: Wish): void {
    const { kind, address, port, protocol, internal, external } = wish
    const key = frontendKey(address, port, protocol, 'internal')
    if (this.#claims.length > 0) {
      this.#keys ??= new Set([this.#claims[0]!.key])
      if (this.#keys.has(key)) return
      this.#keys.add(key)
    }
    const claim: Claim = {
      unit: this.#unit,
      key,
      kind,
      internal: this.#row(wish, 'internal', internal),
      external: external && this.#row(wish, 'external', external),
    }
    this.#claims = appended(this.#claims, claim)
  }

  #row(
    { address, port, protocol, kind, portName, affinitySeconds }: Wish,
    scope: FrontendScope,
    offer: Offer,
  ): FrontendRow {
    const { selection, local, sourceRanges, fromBackends } = offer
    const row = {
      address,
      port,
      protocol,
      scope,
      kind,
      namespace: this.#unit.namespace,
      name: this.#unit.name,
      portName,
      selection,
      affinitySeconds,
      local,
    }
    if (sourceRanges === undefined && fromBackends === undefined) return row
    return {
      ...row,
      ...(sourceRanges !== undefined && { sourceRanges }),
      ...(fromBackends !== undefined && { fromBackends }),
    }
  }
}
