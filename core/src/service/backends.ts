import type { BackendCheckFact, BackendFact, SliceEndpoint } from '../event/service.js'
import type { Protocol } from '../policy/rule.js'
import type { Stored } from '../state/state.js'
import { NumberedTable } from '../tables/numbered-table.js'
import type { BackendRow, BackendState } from '../tables/service-rows.js'
import { NumberPool } from '../verdict/number-pool.js'
import { backendTargetText, socketText } from './backend-text.js'
import { appended, type Backend, type Unit, type Use } from './model.js'

/** Everything that serves, numbered. A backend is there as long as any unit uses it. */
export class Backends {
  readonly table = new NumberedTable<BackendRow>(sameBackend)
  /** The first backend at each address; each names the next. */
  readonly #byAddress = new Map<string, Backend>()
  readonly #idle = new Set<Backend>()
  readonly #numbers = new NumberPool()
  readonly #told: ReadonlyMap<string, Stored<BackendFact>>
  readonly #failed: ReadonlyMap<string, Stored<BackendCheckFact>>
  #remembered = new Map<string, number>()

  /**
   * @param told what was said of single backends, as the state has it
   * @param failed checks that failed
   */
  constructor(told: ReadonlyMap<string, Stored<BackendFact>>, failed: ReadonlyMap<string, Stored<BackendCheckFact>>) {
    this.#told = told
    this.#failed = failed
  }

  /** Numbers by what they mean, for `remember`. */
  numbers(): (readonly [socket: string, number: number])[] {
    return Array.from(this.table, ([number, row]) => [textOf(row), number])
  }

  /** Backends that come until `forget` get the number that they had. */
  remember(numbers: Iterable<readonly [socket: string, number: number]>): void {
    this.#remembered = new Map(numbers)
    this.#numbers.resume(this.#remembered.values())
  }

  /** Frees the numbers that no backend took. */
  forget(): void {
    for (const number of this.#remembered.values()) this.#numbers.free(number)
    this.#remembered.clear()
  }

  /** Who uses a backend, and what is said of it there. */
  *usesOf(address: string, port: number, protocol: Protocol): Iterable<Use> {
    const backend = this.#find(address, port, protocol)
    for (let use = backend?.uses; use !== undefined; use = use.next) yield use
  }

  /**
   * The unit's use of a backend, seen by the settling that began at `settled`. Of several words that one settling brings on one
   * backend the best counts, the one of the lowest place among equals.
   */
  use(
    unit: Unit,
    address: string,
    port: number,
    protocol: Protocol,
    endpoint: SliceEndpoint,
    ready: boolean,
    local: boolean,
    place: number,
    settled: number,
  ): Use {
    const first = this.#byAddress.get(address)
    let backend = first
    while (backend !== undefined && !isAt(backend, port, protocol)) backend = backend.next
    backend ??= this.#add(first, address, port, protocol, endpoint, ready, local)
    for (let use = backend.uses; use !== undefined; use = use.next) {
      if (use.unit !== unit) continue
      if (use.seen < settled) {
        use.seen = settled
        unit.uses = appended(unit.uses, use)
      } else if (!isBetter(ready, endpoint, place, use)) return use
      use.endpoint = endpoint
      use.ready = ready
      use.local = local
      use.place = place
      return use
    }
    const next = backend.uses
    const use: Use = {
      unit,
      backend,
      next,
      endpoint,
      ready,
      local,
      place,
      unhealthy: false,
      weight: 1,
      seen: settled,
    }
    backend.uses = use
    unit.uses = appended(unit.uses, use)
    return use
  }

  /**
   * Writes a used backend's row, and finds the weight that it has for its user.
   * @param isChecked its user minds what trying it came to
   */
  settle(use: Use, isChecked = false): void {
    use.unhealthy = isChecked && this.#failed.has(textOf(use.backend.row))
    const told = this.#told.size === 0 ? undefined : this.#toldOf(use)
    use.weight = told === undefined ? 1 : told.state === 'active' ? (told.weight ?? 1) : 0
    this.#write(use.backend)
  }

  /** Ends uses that a settling didn't see. */
  release(uses: readonly Use[], settled: number): void {
    for (const use of uses) {
      if (use.seen >= settled) continue
      const { backend } = use
      unlink(backend, use)
      if (backend.uses === undefined) this.#idle.add(backend)
      else this.#write(backend)
    }
  }

  /** Ends the writing of a delta: backends that nobody uses any more go. */
  sweep(): void {
    for (const backend of this.#idle) {
      if (backend.uses !== undefined) continue
      const { address, backend: number } = backend.row
      const first = this.#byAddress.get(address)!
      if (first !== backend) {
        let before = first
        while (before.next !== backend) before = before.next!
        before.next = backend.next
      } else if (backend.next === undefined) this.#byAddress.delete(address)
      else this.#byAddress.set(address, backend.next)
      this.#numbers.free(number)
      this.table.delete(number)
    }
    this.#idle.clear()
  }

  /** Ends a delta: numbers freed in it may be used again. */
  commit(): void {
    this.#numbers.commit()
  }

  /** Brings a backend's row up to what all its uses say together. */
  #write(backend: Backend): void {
    let local = false
    let zone = ''
    let rank = 0
    let unhealthy = false
    for (let use = backend.uses; use !== undefined; use = use.next) {
      const { endpoint, ready } = use
      const said = ready ? 2 : endpoint.terminating ? 0 : 1
      local ||= use.local
      unhealthy ||= use.unhealthy
      if (said > rank) rank = said
      const own = endpoint.zone
      if (own !== undefined && (zone === '' || own < zone)) zone = own
    }
    const state =
      (this.#told.size === 0 ? undefined : this.#withheld(backend)) ??
      (unhealthy && rank === 2 ? 'unhealthy' : stateOf[rank]!)
    const { row } = backend
    if (row.local === local && row.state === state && row.zone === zone) return
    backend.row = rowWith(row, local, state, zone)
    this.table.set(row.backend, backend.row)
  }

  #find(address: string, port: number, protocol: Protocol): Backend | undefined {
    let backend = this.#byAddress.get(address)
    while (backend !== undefined && !isAt(backend, port, protocol)) backend = backend.next
    return backend
  }

  #add(
    first: Backend | undefined,
    address: string,
    port: number,
    protocol: Protocol,
    { terminating, zone = '' }: SliceEndpoint,
    ready: boolean,
    local: boolean,
  ): Backend {
    const number = this.#numberFor(address, port, protocol)
    const state = ready ? 'active' : terminating ? 'terminating' : 'notReady'
    const row: BackendRow = { backend: number, address, port, protocol, local, state, zone }
    const backend: Backend = { row, uses: undefined, next: first?.next }
    if (first === undefined) this.#byAddress.set(address, backend)
    else first.next = backend
    this.table.set(number, row)
    return backend
  }

  #numberFor(address: string, port: number, protocol: Protocol): number {
    if (this.#remembered.size === 0) return this.#numbers.take()
    const socket = socketText(address, port, protocol)
    const known = this.#remembered.get(socket)
    this.#remembered.delete(socket)
    return known ?? this.#numbers.take()
  }

  /** What was said of a backend itself comes before what was said of the pod behind it. */
  #toldOf({ backend, endpoint, unit }: Use): BackendFact | undefined {
    const own = this.#told.get(textOf(backend.row))
    if (own !== undefined || endpoint.pod === undefined) return own?.fact
    const target = { kind: 'pod', namespace: unit.namespace, name: endpoint.pod } as const
    return this.#told.get(backendTargetText(target))?.fact
  }

  /** The state that was said of it, the more final one where its uses know it by several pods. */
  #withheld(backend: Backend): BackendState | undefined {
    let found: BackendState | undefined
    for (let use = backend.uses; use !== undefined; use = use.next) {
      const state = this.#toldOf(use)?.state
      if (state === 'maintenance') return state
      if (state === 'quarantined') found = state
    }
    return found
  }
}

const isAt = ({ row }: Backend, port: number, protocol: Protocol): boolean =>
  row.port === port && row.protocol === protocol

const stateOf = ['terminating', 'notReady', 'active'] as const

const textOf = ({ address, port, protocol }: BackendRow): string => socketText(address, port, protocol)

function rowWith(row: BackendRow, local: boolean, state: BackendState, zone: string): BackendRow {
  const { backend, address, port, protocol } = row
  return { backend, address, port, protocol, local, state, zone }
}

function isBetter(ready: boolean, endpoint: SliceEndpoint, place: number, than: Use): boolean {
  const difference = rankOf(ready, endpoint) - rankOf(than.ready, than.endpoint)
  return difference > 0 || (difference === 0 && place < than.place)
}

const rankOf = (ready: boolean, { serving, terminating }: SliceEndpoint): number =>
  ready ? 3 : terminating ? (serving ? 2 : 0) : 1

function unlink(backend: Backend, gone: Use): void {
  if (backend.uses === gone) {
    backend.uses = gone.next
    return
  }
  let use = backend.uses
  while (use !== undefined && use.next !== gone) use = use.next
  if (use !== undefined) use.next = gone.next
}

function sameBackend(a: BackendRow, b: BackendRow): boolean {
  return (
    a.state === b.state &&
    a.local === b.local &&
    a.zone === b.zone &&
    a.address === b.address &&
    a.port === b.port &&
    a.protocol === b.protocol
  )
}
