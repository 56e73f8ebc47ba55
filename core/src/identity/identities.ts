import { WeirError } from '../errors.js'
import { CyclicAllocator, type NumberRange } from './allocator.js'
import type { LabelMap } from './labels.js'
import { identityLabels, initLabels } from './labels.js'
import { clusterIdentityRange, reservedIdentities, reservedLabel } from './reserved.js'

/** An identity as `weir get identities` shows it. */
export interface IdentityRow {
  readonly id: number
  /** Sorted: `k8s:app=web`. */
  readonly labels: readonly string[]
  /** Pods, nodes or policies that it stands for. */
  readonly references: number
}

/** A set of labels in use, with its number. */
export interface Identity {
  readonly key: string
  readonly labels: readonly string[]
  readonly relevant: LabelMap
  /** `unmanaged` while no number is left. */
  number: number
  references: number
  /** Called on its end, so that caches by other keys forget it. */
  readonly onFree: (() => void)[]
}

/** What a snapshot keeps: numbers that the outside has seen, and where the next search starts. */
export interface IdentitiesSnapshot {
  readonly cursor: number
  readonly numbers: readonly (readonly [key: string, number: number])[]
  /** Keys without a number, in the order in which they will get one. */
  readonly waiting: readonly string[]
}

export interface IdentityListener {
  /** An identity that waited has its number. */
  numbered(identity: Identity): void
  /** It came into use, or went out of it. */
  changed(identity: Identity): void
}

/**
 * Numbers for label sets, by log order. When the range is exhausted a new label set is `unmanaged` until a number comes
 * free; it then gets the longest-waiting set. Verdicts don't suffer: peer classes follow from labels, not numbers.
 */
export class Identities {
  readonly #identities = new Map<string, Identity>()
  readonly #numbers: CyclicAllocator
  readonly #waiting = new Set<Identity>()
  readonly #byNumber = new Map<number, Identity>()
  readonly #listener: IdentityListener
  readonly #init: Identity = {
    key: reservedLabel('init'),
    labels: [reservedLabel('init')],
    relevant: initLabels,
    number: reservedIdentities.init,
    references: 0,
    onFree: [],
  }

  constructor(listener: IdentityListener, range: NumberRange = clusterIdentityRange) {
    this.#listener = listener
    this.#numbers = new CyclicAllocator(range)
  }

  /** The identity of pods of which nobody has told: it is there whether or not there are any. */
  get init(): Identity {
    return this.#init
  }

  acquireInit(): Identity {
    this.#init.references += 1
    return this.#init
  }

  /** The identity of a label set, one reference richer; numbered when it is new. */
  acquire(relevant: LabelMap): Identity {
    const labels = identityLabels(relevant)
    const key = labels.join('\u0000')
    let identity = this.#identities.get(key)
    if (identity === undefined) {
      identity = { key, labels, relevant, number: reservedIdentities.unmanaged, references: 0, onFree: [] }
      this.#identities.set(key, identity)
      const number = this.#numbers.take()
      if (number === undefined) this.#waiting.add(identity)
      else this.#give(identity, number)
      identity.references = 1
      this.#listener.changed(identity)
      return identity
    }
    identity.references += 1
    return identity
  }

  release(identity: Identity): void {
    identity.references -= 1
    if (identity.references > 0 || identity === this.#init) return
    this.#identities.delete(identity.key)
    for (const forget of identity.onFree) forget()
    this.#listener.changed(identity)
    if (this.#waiting.delete(identity)) return
    this.#numbers.free(identity.number)
    this.#byNumber.delete(identity.number)
    const [next] = this.#waiting
    if (next === undefined) return
    this.#waiting.delete(next)
    this.#give(next, this.#numbers.take()!)
    this.#listener.numbered(next)
  }

  /** Absent as long as every label set has a number. */
  get exhaustion(): WeirError<'WEIR_IDENTITIES_EXHAUSTED'> | undefined {
    if (this.#waiting.size === 0) return undefined
    const { first, last } = this.#numbers
    const message = `${this.#waiting.size} label sets have no identity number: all of ${first}..${last} are in use`
    return new WeirError('WEIR_IDENTITIES_EXHAUSTED', message, { first, last })
  }

  get size(): number {
    return this.#identities.size
  }

  /** The sorted labels of a number in use. */
  labelsOf(number: number): readonly string[] | undefined {
    return this.#byNumber.get(number)?.labels
  }

  *rows(): Iterable<IdentityRow> {
    for (const { number, labels, references } of this.#identities.values()) yield { id: number, labels, references }
  }

  snapshot(): IdentitiesSnapshot {
    const numbers: [string, number][] = []
    for (const identity of this.#identities.values()) {
      if (!this.#waiting.has(identity)) numbers.push([identity.key, identity.number])
    }
    return { cursor: this.#numbers.cursor, numbers, waiting: [...this.#waiting].map(({ key }) => key) }
  }

  /** Gives the identities that `acquire` has made anew the numbers that they had. */
  resume(snapshot: IdentitiesSnapshot): void {
    for (const identity of this.#identities.values()) this.#numbers.free(identity.number)
    this.#waiting.clear()
    this.#byNumber.clear()
    for (const [key, number] of snapshot.numbers) {
      const identity = this.#identities.get(key)
      if (identity !== undefined) this.#give(identity, number)
    }
    for (const key of snapshot.waiting) {
      const identity = this.#identities.get(key)
      if (identity === undefined) continue
      identity.number = reservedIdentities.unmanaged
      this.#waiting.add(identity)
    }
    this.#numbers.resume(
      snapshot.numbers.map(([, number]) => number),
      snapshot.cursor,
    )
  }

  #give(identity: Identity, number: number): void {
    identity.number = number
    this.#byNumber.set(number, identity)
  }
}
