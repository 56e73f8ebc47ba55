import type { Prefix } from '../address/address.js'
import { ByNumber } from './by-number.js'
import type { CidrAtom, Claimant, KnownAddress, NamedPrefix, PeerGroup, Shape } from './model.js'
import { NumberPool } from './number-pool.js'
import type { PeerClasses } from './peer-classes.js'
import { Postings } from './postings.js'
import { PrefixSpace } from './prefix-space.js'

/** Peers by shape within named prefix, as addresses and names of prefixes come and go. */
export class PeerGroups {
  readonly space: PrefixSpace
  readonly prefixes = new Map<string, NamedPrefix>()
  /** Prefixes whose row may have changed, and those that are gone. */
  readonly dirtyPrefixes = new Set<NamedPrefix>()
  /** Addresses that came, went, or changed group. */
  readonly dirtyAddresses: KnownAddress[] = []
  /** Groups that have no class yet. */
  readonly fresh = new Set<PeerGroup>()
  /** Atoms that came to named prefixes or left them since classes last followed, where groups have classes. */
  readonly toggled = new Map<NamedPrefix, Set<CidrAtom>>()
  /** Groups by their labels. */
  readonly postings = new Postings()
  readonly #byNumber = new ByNumber<PeerGroup>()
  readonly #numbers = new NumberPool()
  readonly #classes: PeerClasses
  readonly #worlds: readonly [ipv4: Shape, ipv6: Shape]

  constructor(classes: PeerClasses, worlds: readonly [ipv4: Shape, ipv6: Shape]) {
    this.#classes = classes
    this.#worlds = worlds
    this.space = new PrefixSpace({
      prefixAdded: named => this.#prefixAdded(named),
      prefixRemoved: named => this.#prefixRemoved(named),
      addressMoved: (address, within) => this.move(address, address.group.shape, within),
      atomToggled: (named, atom) => this.#toggle(named, atom),
    })
    this.space.open()
  }

  /** @param number of a group that lives */
  at(number: number): PeerGroup {
    return this.#byNumber.get(number)!
  }

  /** An address that nobody had. */
  addAddress(address: string, prefix: Prefix, claimant: Claimant): KnownAddress {
    const within = this.space.around(prefix)
    const group = this.#group(claimant.shape, within, false)
    const claimants = [claimant]
    const known: KnownAddress = {
      address,
      prefix,
      within,
      group,
      claimants,
      row: undefined,
      dirt: 'none',
      isToHash: false,
    }
    this.#join(known)
    this.space.addAddress(known)
    return known
  }

  removeAddress(address: KnownAddress): void {
    this.space.removeAddress(address)
    this.#leave(address)
    this.touch(address)
  }

  /** Says that an address's row may have changed. */
  touch(address: KnownAddress): void {
    if (address.dirt === 'none') this.dirtyAddresses.push(address)
    address.dirt = 'all'
  }

  /** Says that an address's class may have changed, and nothing else of its row. */
  touchClass(address: KnownAddress): void {
    if (address.dirt !== 'none') return
    address.dirt = 'class'
    this.dirtyAddresses.push(address)
  }

  /** Another owner's shape, or another prefix around it. */
  move(address: KnownAddress, shape: Shape, within: NamedPrefix): void {
    if (address.group.shape === shape && address.within === within) return
    this.#leave(address)
    address.within = within
    address.group = this.#group(shape, within, false)
    this.#join(address)
  }

  /** The group of all unknown addresses whose longest named prefix this is. */
  restOf(named: NamedPrefix): PeerGroup {
    return named.groups.get(this.#worldOf(named))!
  }

  #group(shape: Shape, within: NamedPrefix, rest: boolean): PeerGroup {
    let group = within.groups.get(shape)
    if (group === undefined) {
      group = { number: this.#numbers.take(), shape, within, addresses: new Set(), rest }
      within.groups.set(shape, group)
      this.#byNumber.set(group.number, group)
      this.postings.add(group.number, shape.labels)
      this.fresh.add(group)
      this.#weigh(group)
    }
    return group
  }

  #join(address: KnownAddress): void {
    const { group } = address
    group.addresses.add(address)
    this.#weigh(group)
    this.touch(address)
  }

  #leave(address: KnownAddress): void {
    const { group } = address
    group.addresses.delete(address)
    if (group.addresses.size === 0) this.#end(group)
    else this.#weigh(group)
  }

  #weigh({ number, addresses }: PeerGroup): void {
    this.#classes.weigh(number, addresses.size + 1)
  }

  #end(group: PeerGroup): void {
    group.within.groups.delete(group.shape)
    this.postings.remove(group.number, group.shape.labels)
    this.fresh.delete(group)
    this.#classes.remove(group.number)
    this.#byNumber.delete(group.number)
    this.#numbers.free(group.number)
    this.#numbers.commit()
  }

  #prefixAdded(named: NamedPrefix): void {
    this.prefixes.set(named.text, named)
    this.#group(this.#worldOf(named), named, true)
    this.dirtyPrefixes.add(named)
  }

  #prefixRemoved(named: NamedPrefix): void {
    this.prefixes.delete(named.text)
    this.toggled.delete(named)
    this.#end(this.restOf(named))
    this.dirtyPrefixes.add(named)
  }

  #toggle(named: NamedPrefix, atom: CidrAtom): void {
    // Groups that have no class yet are placed by all atoms; those of a prefix are no older than its own.
    if (this.fresh.has(this.restOf(named))) return
    const atoms = this.toggled.get(named)
    if (atoms === undefined) this.toggled.set(named, new Set([atom]))
    else if (!atoms.delete(atom)) atoms.add(atom)
  }

  #worldOf({ prefix }: NamedPrefix): Shape {
    return this.#worlds[prefix.family === 4 ? 0 : 1]
  }
}
