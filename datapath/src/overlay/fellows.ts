import { parseAddress } from '@weir/core/address/address.js'
import type { AddressRow, Change } from '@weir/core/tables/tables.js'
import { type Mark, markOf } from './mark.js'

/** Identities of prefixes begin here; they mean something on this node only, and nobody carries them. */
const firstLocalIdentity = 1 << 24
const firstPodIdentity = 256

/** An identity that some address has. */
export interface Known {
  readonly mark: Mark
  /** Who stands for it, by family: any of its addresses. */
  readonly 4: string | undefined
  readonly 6: string | undefined
}

interface Members {
  readonly mark: Mark
  readonly 4: Set<string>
  readonly 6: Set<string>
}

/** Which addresses are of which identity, and who stands for each. Costs what changes. */
export class Fellows {
  readonly #labelsOf: (identity: number) => readonly string[] | undefined
  readonly #members = new Map<number, Members>()

  /** @param labelsOf of identities that an address has */
  constructor(labelsOf: (identity: number) => readonly string[] | undefined) {
    this.#labelsOf = labelsOf
  }

  /** Takes rows in that are there from the start, or came. */
  arrive(rows: Iterable<AddressRow>): ReadonlySet<number> {
    const touched = new Set<number>()
    for (const { address, identity } of rows) {
      if (identity < firstPodIdentity || identity >= firstLocalIdentity) continue
      const labels = this.#members.has(identity) ? undefined : this.#labelsOf(identity)
      if (labels !== undefined) this.#members.set(identity, { mark: markOf(labels), 4: new Set(), 6: new Set() })
      this.#members.get(identity)?.[familyOf(address)].add(address)
      touched.add(identity)
    }
    return touched
  }

  /** Lets go what a change takes away, or gives to another identity: before the tables do. */
  leave(changes: readonly Change<AddressRow>[]): ReadonlySet<number> {
    const touched = new Set<number>()
    for (const { before, after } of changes) {
      if (before === undefined || before.identity === after?.identity) continue
      const members = this.#members.get(before.identity)
      if (members?.[familyOf(before.address)].delete(before.address) !== true) continue
      touched.add(before.identity)
      if (members[4].size + members[6].size === 0) this.#members.delete(before.identity)
    }
    return touched
  }

  known(identity: number): Known | undefined {
    const members = this.#members.get(identity)
    return members && { mark: members.mark, 4: first(members[4]), 6: first(members[6]) }
  }

  *all(): Iterable<readonly [number, Known]> {
    for (const identity of this.#members.keys()) yield [identity, this.known(identity)!]
  }
}

const familyOf = (address: string): 4 | 6 => parseAddress(address)?.family ?? 6

const first = (addresses: ReadonlySet<string>): string | undefined => {
  const [address] = addresses
  return address
}
