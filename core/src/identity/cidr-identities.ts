import { canonicalPrefix, isCanonicalQuad } from '../address/address.js'
import { CyclicAllocator, type NumberRange } from './allocator.js'
import type { IdentityRow } from './identities.js'
import { cidrIdentityRange, reservedIdentities, reservedLabel } from './reserved.js'

interface CidrIdentity {
  number: number
  references: number
}

/** The blocks of a policy, and the prefixes that they name. */
interface Written {
  /** Of the blocks that are not written as their prefixes are. */
  readonly byText: Map<string, string>
  readonly prefixes: Set<string>
}

export interface CidrIdentitiesSnapshot {
  readonly cursor: number
  readonly numbers: readonly (readonly [prefix: string, number: number])[]
}

/**
 * Node-local numbers for the prefixes that policies write out, by log order; addresses that come and go by a name are
 * the world of their family. The two /0s are the world of their family and
 * have reserved numbers. When the range is exhausted a prefix is its family's world: its class, and so its verdict, is
 * still its own.
 */
export class CidrIdentities {
  /** Prefixes that got a number since the tables last followed. */
  readonly dirty = new Set<string>()
  readonly #prefixes = new Map<string, CidrIdentity>()
  readonly #byPolicy = new Map<string, Written>()
  readonly #numbers: CyclicAllocator

  constructor(range: NumberRange = cidrIdentityRange) {
    this.#numbers = new CyclicAllocator(range)
  }

  /** Notes which blocks and holes a policy writes out now; none when it is gone. */
  observe(policyKey: string, blocks: Iterable<string>): void {
    const before = this.#byPolicy.get(policyKey) ?? nothingWritten
    const after: Written = { byText: new Map(), prefixes: new Set() }
    for (const text of blocks) {
      if (isCanonicalQuad(text)) {
        if (!isWorld(text)) after.prefixes.add(text)
        continue
      }
      // Most blocks of a policy's new version are those of the old one: they need not be read again.
      const prefix = before.byText.get(text) ?? canonicalPrefix(text)
      if (prefix === undefined) continue
      after.byText.set(text, prefix)
      if (!isWorld(prefix)) after.prefixes.add(prefix)
    }
    for (const prefix of after.prefixes) if (!before.prefixes.has(prefix)) this.#acquire(prefix)
    for (const prefix of before.prefixes) if (!after.prefixes.has(prefix)) this.#release(prefix)
    if (after.prefixes.size > 0) this.#byPolicy.set(policyKey, after)
    else this.#byPolicy.delete(policyKey)
  }

  /** The identity of addresses whose longest named prefix is `prefix`. */
  numberOf(prefix: string): number {
    return this.#prefixes.get(prefix)?.number ?? worldOf(prefix)
  }

  *rows(): Iterable<IdentityRow> {
    for (const [prefix, { number, references }] of this.#prefixes) {
      yield { id: number, labels: prefixIdentityLabels(prefix), references }
    }
  }

  snapshot(): CidrIdentitiesSnapshot {
    return {
      cursor: this.#numbers.cursor,
      numbers: [...this.#prefixes].map(([prefix, { number }]) => [prefix, number]),
    }
  }

  /** Gives the prefixes that `observe` has noted anew the numbers that they had. */
  resume(snapshot: CidrIdentitiesSnapshot): void {
    for (const entry of this.#prefixes.values()) this.#numbers.free(entry.number)
    const taken: number[] = []
    for (const [prefix, number] of snapshot.numbers) {
      const entry = this.#prefixes.get(prefix)
      if (entry !== undefined) entry.number = number
      if (number >= this.#numbers.first) taken.push(number)
    }
    this.#numbers.resume(taken, snapshot.cursor)
  }

  #acquire(prefix: string): void {
    const entry = this.#prefixes.get(prefix)
    if (entry !== undefined) {
      entry.references += 1
      return
    }
    this.#prefixes.set(prefix, { number: this.#numbers.take() ?? worldOf(prefix), references: 1 })
    this.dirty.add(prefix)
  }

  #release(prefix: string): void {
    const entry = this.#prefixes.get(prefix)!
    entry.references -= 1
    if (entry.references > 0) return
    this.#prefixes.delete(prefix)
    this.#numbers.free(entry.number)
  }
}

/** `cidr:` label, beside that of the world; the world's alone for a /0. */
export function prefixIdentityLabels(prefix: string): string[] {
  const world = reservedLabel(prefix.includes(':') ? 'world-ipv6' : 'world-ipv4')
  return isWorld(prefix) ? [world] : [`cidr:${prefix}`, world]
}

const worldOf = (prefix: string): number =>
  prefix.includes(':') ? reservedIdentities['world-ipv6'] : reservedIdentities['world-ipv4']

const nothingWritten: Written = { byText: new Map(), prefixes: new Set() }

const isWorld = (prefix: string): boolean => prefix.endsWith('/0')
