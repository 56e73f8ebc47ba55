import { parseAddress } from '../address/address.js'
import type { Claimant, KnownAddress } from './model.js'
import type { PeerGroups } from './peer-groups.js'

/**
 * Who owns an address. When several say so, what this node's devices have comes before what objects say, as that is
 * where the kernel delivers; then a node before its hostNetwork pods, these before other pods, a local pod before a
 * remote one, and then the lower name: the answer follows from the state, not from who spoke last.
 */
export class Ownership {
  readonly #known = new Map<string, KnownAddress>()
  readonly #groups: PeerGroups

  constructor(groups: PeerGroups) {
    this.#groups = groups
  }

  ownerOf(address: string): Claimant | undefined {
    return this.#known.get(address)?.claimants[0]
  }

  knownOf(address: string): KnownAddress | undefined {
    return this.#known.get(address)
  }

  /** Has an address's row written anew, whoever owns it. */
  touch(address: string): void {
    const known = this.#known.get(address)
    if (known !== undefined) this.#groups.touch(known)
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
    const known = this.#known.get(address)
    if (known === undefined) {
      const prefix = parseAddress(address)
      if (prefix !== undefined) this.#known.set(address, this.#groups.addAddress(address, prefix, claimant))
      return
    }
    if (!known.claimants.includes(claimant)) known.claimants.push(claimant)
    this.#resolve(known)
  }

  #drop(address: string, claimant: Claimant): void {
    const known = this.#known.get(address)
    if (known === undefined) return
    const { claimants } = known
    const at = claimants.indexOf(claimant)
    if (at >= 0) claimants.splice(at, 1)
    if (claimants.length > 0) {
      this.#resolve(known)
      return
    }
    this.#known.delete(address)
    this.#groups.removeAddress(known)
  }

  #resolve(known: KnownAddress): void {
    const { claimants, within } = known
    if (claimants.length > 1) claimants.sort(compareClaimants)
    this.#groups.move(known, claimants[0]!.shape, within)
    this.#groups.touch(known)
  }
}

const ranks: Readonly<Record<Exclude<Claimant['kind'], 'pod'>, number>> = { devices: 0, node: 1, hostNetwork: 2 }

const rank = ({ kind, slot }: Claimant): number => (kind === 'pod' ? (slot > 0 ? 3 : 4) : ranks[kind])

const compareClaimants = (a: Claimant, b: Claimant): number => rank(a) - rank(b) || (a.key < b.key ? -1 : 1)
