import type { BackendFact } from '../event/service.js'
import type { Protocol } from '../policy/rule.js'
import type { Stored } from '../state/state.js'
import { RecordedTable } from '../tables/recorded-table.js'
import type { BackendRow, BackendState } from '../tables/service-rows.js'
import { NumberPool } from '../verdict/number-pool.js'
import { backendTargetText, socketText } from './backend-text.js'
import type { Backend, Condition, Unit, Use } from './model.js'

/** Everything that serves, numbered. A backend is there as long as any unit uses it. */
export class Backends {
  readonly table = new RecordedTable<number, BackendRow>(sameBackend)
  /** Numbers whose rows the digest has to look at. */
  readonly touched = new Set<number>()
  readonly #byAddress = new Map<string, Backend[]>()
  readonly #byNumber = new Map<number, Backend>()
  readonly #idle = new Set<Backend>()
  readonly #numbers = new NumberPool()
  readonly #told: ReadonlyMap<string, Stored<BackendFact>>
  #remembered = new Map<string, number>()

  /** @param told what was said of single backends, as the state has it */
  constructor(told: ReadonlyMap<string, Stored<BackendFact>>) {
    this.#told = told
  }

  /** Numbers by what they mean, for `remember`. */
  numbers(): (readonly [socket: string, number: number])[] {
    return [...this.#byNumber.values()].map(({ address, port, protocol, number }) => [
      socketText(address, port, protocol),
      number,
    ])
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

  get(number: number): Backend | undefined {
    return this.#byNumber.get(number)
  }

  /** The backends at an address. */
  at(address: string): readonly Backend[] {
    return this.#byAddress.get(address) ?? []
  }

  /**
   * The unit's use of a backend, seen by the settling `settled`. Of several conditions that one settling brings for one
   * backend the best counts, the one of the lowest place among equals.
   */
  use(unit: Unit, address: string, port: number, protocol: Protocol, condition: Condition, settled: number): Use {
    const backend = this.#backend(address, port, protocol)
    for (const use of backend.uses) {
      if (use.unit !== unit) continue
      if (use.settled !== settled) {
        use.settled = settled
        use.condition = condition
        unit.uses.push(use)
      } else if (isBetter(condition, use.condition)) use.condition = condition
      return use
    }
    const use: Use = { unit, backend, condition, weight: 1, settled, listed: 0 }
    backend.uses.push(use)
    unit.uses.push(use)
    return use
  }

  /** Writes a used backend's row, and finds the weight that it has for its user. */
  settle(use: Use): void {
    const told = this.#told.size === 0 ? undefined : this.#toldOf(use)
    use.weight = told === undefined ? 1 : told.state === 'active' ? (told.weight ?? 1) : 0
    this.write(use.backend)
  }

  /** Ends uses that a settling didn't see. */
  release(uses: readonly Use[], settled: number): void {
    for (const use of uses) {
      if (use.settled === settled) continue
      const { backend } = use
      backend.uses.splice(backend.uses.indexOf(use), 1)
      if (backend.uses.length === 0) this.#idle.add(backend)
      else this.write(backend)
    }
  }

  /** Ends the writing of a delta: backends that nobody uses any more go. */
  sweep(): void {
    for (const backend of this.#idle) {
      if (backend.uses.length > 0) continue
      const { address, number } = backend
      const there = this.#byAddress.get(address)!
      if (there.length === 1) this.#byAddress.delete(address)
      else there.splice(there.indexOf(backend), 1)
      this.#byNumber.delete(number)
      this.#numbers.free(number)
      this.table.delete(number)
      this.touched.add(number)
    }
    this.#idle.clear()
  }

  /** Ends a delta: numbers freed in it may be used again. */
  commit(): void {
    this.#numbers.commit()
  }

  /** Brings a backend's row up to what all its uses say together. */
  write(backend: Backend): void {
    const { number, address, port, protocol, uses } = backend
    let local = false
    let zone = ''
    let rank = 0
    for (const { condition } of uses) {
      local ||= condition.local
      rank = Math.max(rank, condition.ready ? 2 : condition.terminating ? 0 : 1)
      if (condition.zone !== '' && (zone === '' || condition.zone < zone)) zone = condition.zone
    }
    const state = this.#withheld(backend) ?? stateOf[rank]!
    const before = this.table.get(number)
    if (before !== undefined && before.local === local && before.state === state && before.zone === zone) return
    this.table.set(number, { backend: number, address, port, protocol, local, state, zone })
    this.touched.add(number)
  }

  #backend(address: string, port: number, protocol: Protocol): Backend {
    const there = this.#byAddress.get(address)
    if (there !== undefined) {
      for (const backend of there) if (backend.port === port && backend.protocol === protocol) return backend
    }
    const backend: Backend = { number: this.#numberFor(address, port, protocol), address, port, protocol, uses: [] }
    if (there === undefined) this.#byAddress.set(address, [backend])
    else there.push(backend)
    this.#byNumber.set(backend.number, backend)
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
  #toldOf({ backend, condition: { pod } }: Use): BackendFact | undefined {
    const own = this.#told.get(socketText(backend.address, backend.port, backend.protocol))
    if (own !== undefined || pod === '') return own?.fact
    const slash = pod.indexOf('/')
    const target = { kind: 'pod', namespace: pod.slice(0, slash), name: pod.slice(slash + 1) } as const
    return this.#told.get(backendTargetText(target))?.fact
  }

  /** The state that was said of it, the more final one where its uses know it by several pods. */
  #withheld(backend: Backend): BackendState | undefined {
    if (this.#told.size === 0) return undefined
    const states = backend.uses.map(use => this.#toldOf(use)?.state)
    return states.includes('maintenance') ? 'maintenance' : states.includes('quarantined') ? 'quarantined' : undefined
  }
}

const stateOf = ['terminating', 'notReady', 'active'] as const

function isBetter(a: Condition, b: Condition): boolean {
  const difference = rankOf(a) - rankOf(b)
  return difference > 0 || (difference === 0 && a.place < b.place)
}

const rankOf = ({ ready, serving, terminating }: Condition): number => (ready ? 3 : terminating ? (serving ? 2 : 0) : 1)

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
