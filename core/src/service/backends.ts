import type { BackendCheckFact, BackendFact, SliceEndpoint } from '../event/service.js'
import type { Protocol } from '../policy/rule.js'
import type { Stored } from '../state/state.js'
import { NumberedTable } from '../tables/numbered-table.js'
import type { BackendRow, BackendState } from '../tables/service-rows.js'
import { NumberPool } from '../verdict/number-pool.js'
import { backendTargetText, socketText } from './backend-text.js'
import { appended, type Unit, type Use } from './model.js'
import { Sockets } from './sockets.js'

/** Everything that serves, numbered. A backend is there as long as any unit uses it. */
export class Backends {
  readonly table = new NumberedTable<BackendRow>(sameBackend)
  readonly #sockets = new Sockets(this.table)
  /** The first use of each backend, by its number; each names the next. */
  readonly #uses: (Use | undefined)[] = []
  /** Backends that lost all uses. */
  readonly #idle = new Set<number>()
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
    const number = this.#sockets.find(address, port, protocol)
    for (let use = this.#uses[number]; use !== undefined; use = use.next) yield use
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
    const known = this.#sockets.find(address, port, protocol)
    const row = known > 0 ? this.table.get(known)! : this.#add(address, port, protocol, endpoint, ready, local)
    const first = this.#uses[row.backend]
    for (let use = first; use !== undefined; use = use.next) {
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
    const use: Use = {
      unit,
      row,
      next: first,
      endpoint,
      ready,
      local,
      place,
      unhealthy: false,
      weight: 1,
      seen: settled,
    }
    this.#uses[row.backend] = use
    unit.uses = appended(unit.uses, use)
    return use
  }

  /**
   * Writes a used backend's row, and finds the weight that it has for its user.
   * @param isChecked its user minds what trying it came to
   */
  settle(use: Use, isChecked = false): void {
    use.unhealthy = isChecked && this.#failed.has(textOf(use.row))
    const told = this.#told.size === 0 ? undefined : this.#toldOf(use)
    use.weight = told === undefined ? 1 : told.state === 'active' ? (told.weight ?? 1) : 0
    this.#write(use.row)
  }

  /** Ends uses that a settling didn't see. */
  release(uses: readonly Use[], settled: number): void {
    for (const use of uses) {
      if (use.seen >= settled) continue
      const { row, next } = use
      const first = this.#uses[row.backend]
      if (first !== use) unlink(first, use)
      else {
        this.#uses[row.backend] = next
        if (next === undefined) {
          this.#idle.add(row.backend)
          continue
        }
      }
      this.#write(row)
    }
  }

  /** Ends the writing of a delta: backends that nobody uses any more go. */
  sweep(): void {
    for (const number of this.#idle) {
      if (this.#uses[number] !== undefined) continue
      this.#sockets.delete(number)
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
  #write(row: BackendRow): void {
    let local = false
    let zone = ''
    let rank = 0
    let unhealthy = false
    const first = this.#uses[row.backend]
    for (let use = first; use !== undefined; use = use.next) {
      const { endpoint, ready } = use
      const said = ready ? 2 : endpoint.terminating ? 0 : 1
      local ||= use.local
      unhealthy ||= use.unhealthy
      if (said > rank) rank = said
      const own = endpoint.zone
      if (own !== undefined && (zone === '' || own < zone)) zone = own
    }
    const state =
      (this.#told.size === 0 ? undefined : this.#withheld(first)) ??
      (unhealthy && rank === 2 ? 'unhealthy' : stateOf[rank]!)
    if (row.local === local && row.state === state && row.zone === zone) return
    const now = rowWith(row, local, state, zone)
    for (let use = first; use !== undefined; use = use.next) use.row = now
    this.table.set(row.backend, now)
  }

  #add(
    address: string,
    port: number,
    protocol: Protocol,
    { terminating, zone = '' }: SliceEndpoint,
    ready: boolean,
    local: boolean,
  ): BackendRow {
    const number = this.#numberFor(address, port, protocol)
    const state = ready ? 'active' : terminating ? 'terminating' : 'notReady'
    const row: BackendRow = { backend: number, address, port, protocol, local, state, zone }
    while (this.#uses.length < number) this.#uses.push(undefined)
    this.#sockets.add(row)
    this.table.set(number, row)
    return row
  }

  #numberFor(address: string, port: number, protocol: Protocol): number {
    if (this.#remembered.size === 0) return this.#numbers.take()
    const socket = socketText(address, port, protocol)
    const known = this.#remembered.get(socket)
    this.#remembered.delete(socket)
    return known ?? this.#numbers.take()
  }

  /** What was said of a backend itself comes before what was said of the pod behind it. */
  #toldOf({ row, endpoint, unit }: Use): BackendFact | undefined {
    const own = this.#told.get(textOf(row))
    if (own !== undefined || endpoint.pod === undefined) return own?.fact
    const target = { kind: 'pod', namespace: unit.namespace, name: endpoint.pod } as const
    return this.#told.get(backendTargetText(target))?.fact
  }

  /** The state that was said of it, the more final one where its uses know it by several pods. */
  #withheld(first: Use | undefined): BackendState | undefined {
    let found: BackendState | undefined
    for (let use = first; use !== undefined; use = use.next) {
      const state = this.#toldOf(use)?.state
      if (state === 'maintenance') return state
      if (state === 'quarantined') found = state
    }
    return found
  }
}

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

/** @param first another use of the same backend, before the one that is gone */
function unlink(first: Use | undefined, gone: Use): void {
  let use = first
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
