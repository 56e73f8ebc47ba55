import { newUnit, type Unit } from './model.js'

/** The units of one kind by `namespace/name`. */
export class Units {
  readonly #kind: Unit['kind']
  readonly #units = new Map<string, Unit>()
  /** The one that was asked for last: an event has several ask for it in turn. */
  #last: Unit | undefined

  constructor(kind: Unit['kind']) {
    this.#kind = kind
  }

  get(key: string): Unit | undefined {
    return this.#last?.key === key ? this.#last : this.#units.get(key)
  }

  /** The unit of this name; a new one when there is none. */
  take(key: string): Unit {
    let unit = this.get(key)
    if (unit === undefined) {
      unit = newUnit(this.#kind, key)
      this.#units.set(key, unit)
    }
    this.#last = unit
    return unit
  }

  all(): Iterable<Unit> {
    return this.#units.values()
  }

  forget({ key }: Unit): void {
    this.#units.delete(key)
    this.#last = undefined
  }
}
