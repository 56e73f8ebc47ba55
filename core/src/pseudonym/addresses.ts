import {
  addressBits,
  bitAt,
  commonBits,
  parseAddress,
  parsePrefix,
  type Prefix,
  prefixText,
} from '../address/address.js'
import { addressText } from '../input/address.js'
import type { Keyed } from './keyed.js'

/**
 * Blocks that mean something by themselves and tell nothing of a cluster: this network and loopback, link-local,
 * multicast, reserved and broadcast addresses.
 */
const fixed: readonly Prefix[] = [
  '0.0.0.0/8',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '224.0.0.0/3',
  '::/127',
  'fe80::/10',
  'ff00::/8',
].map(text => parsePrefix(text)!)

/**
 * Addresses under other numbers, in the way of Crypto-PAn: two addresses share as many leading bits as their originals do,
 * so that a block holds what it held. Each bit is turned or not by what the key makes of those before it.
 */
export class AddressPseudonyms {
  readonly #keyed: Keyed
  readonly #turned = new Map<string, boolean>()
  readonly #texts = new Map<string, string>()

  constructor(keyed: Keyed) {
    this.#keyed = keyed
  }

  /** Of what is an address or a block; anything else stays. */
  of(text: string): string {
    const known = this.#texts.get(text)
    if (known !== undefined) return known
    const block = text.includes('/') ? parsePrefix(text) : parseAddress(text)
    if (block === undefined) return text
    const other = { ...block, bytes: this.#turn(block) }
    const told = text.includes('/') ? prefixText(other) : addressText(other)
    this.#texts.set(text, told)
    return told
  }

  /** Originals and what stands for them, so far. */
  get known(): ReadonlyMap<string, string> {
    return this.#texts
  }

  #turn(block: Prefix): Uint8Array {
    const bytes = Uint8Array.from(block.bytes)
    let before = `${block.family} `
    for (let at = 0; at < block.length; at++) {
      if (!isTold(block, at) && this.#turns(before)) bytes[at >> 3]! ^= 128 >> (at & 7)
      before += bitAt(block.bytes, at)
    }
    return bytes
  }

  #turns(before: string): boolean {
    const known = this.#turned.get(before)
    if (known !== undefined) return known
    const turns = (this.#keyed('address', before)[0]! & 1) === 1
    this.#turned.set(before, turns)
    return turns
  }
}

/** Whether the first bits of an address lead to a fixed block, or into one: the next one stays as it is then. */
const isTold = ({ family, bytes }: Prefix, bits: number): boolean =>
  fixed.some(
    block =>
      block.family === family &&
      commonBits(bytes, block.bytes, Math.min(bits, block.length, addressBits(family))) ===
        Math.min(bits, block.length),
  )
