import { parseAddress } from '../address/address.js'
import type { Claimant, KnownAddress } from './model.js'
import type { PeerGroups } from './peer-groups.js'

/** An address and who claims it, its owner first. */
export interface Owned {
  readonly known: KnownAddress
  readonly claimants: readonly Claimant[]
}

interface Claims extends Owned {
  readonly claimants: Claimant[]
}

/**
 * Who owns an address. When several say so, what this node's devices have comes before what objects say, as that is
 * where the kernel delivers; then a node before its hostNetwork pods, these before other pods, a local pod before a
 * remote one, and then the lower name: the answer follows from the state, not from who spoke last.
 */
export class Ownership {
  readonly #owned = new Map<string, Claims>()
  readonly #groups: PeerGroups

  constructor(groups: PeerGroups) {
    this.#groups = groups
  }

  of(address: string): Owned | undefined {
    return this.#owned.get(address)
  }

  ownerOf(address: string): Claimant | undefined {
    return this.#owned.get(address)?.claimants[0]
  }

  knownOf(address: string): KnownAddress | undefined {
    return this.#owned.get(address)?.known
  }

  /** Has an address's row written anew, whoever owns it. */
  touch(address: string): void {
    const owned = this.#owned.get(address)
    if (owned !== undefined) this.#groups.dirtyAddresses.add(owned.known)
  }

  /** Takes in a claimant's new shape, identity, slot and addresses. */
  update(claimant: Claimant, before: readonly string[]): void {
    for (const address of before) if (!claimant.addresses.includes(address)) this.#drop(address, claimant)
    for (const address of claimant.addresses) this.#claim(address, claimant)
  }

  remove(claimant: Claimant): void {
    for (const address of claimant.addresses) this.#drop(address, claimant)
  }

  #claim(address: string, claimant: Claimant): void {
    const owned = this.#owned.get(address)
    if (owned === undefined) {
      const prefix = parseAddress(address)
      if (prefix === undefined) return
      this.#owned.set(address, {
        known: this.#groups.addAddress(address, prefix, claimant.shape),
        claimants: [claimant],
      })
      return
    }
    if (!owned.claimants.includes(claimant)) owned.claimants.push(claimant)
    this.#resolve(owned)
  }

  #drop(address: string, claimant: Claimant): void {
    const owned = this.#owned.get(address)
    if (owned === undefined) return
    const at = owned.claimants.indexOf(claimant)
    if (at >= 0) owned.claimants.splice(at, 1)
    if (owned.claimants.length > 0) {
      this.#resolve(owned)
      return
    }
    this.#owned.delete(address)
    this.#groups.removeAddress(owned.known)
  }

  #resolve({ known, claimants }: Claims): void {
    if (claimants.length > 1) claimants.sort(compareClaimants)
    this.#groups.move(known, claimants[0]!.shape, known.within)
    this.#groups.dirtyAddresses.add(known)
  }
}

const ranks: Readonly<Record<Exclude<Claimant['kind'], 'pod'>, number>> = { devices: 0, node: 1, hostNetwork: 2 }

const rank = ({ kind, slot }: Claimant): number => (kind === 'pod' ? (slot > 0 ? 3 : 4) : ranks[kind])

const compareClaimants = (a: Claimant, b: Claimant): number => rank(a) - rank(b) || (a.key < b.key ? -1 : 1)
