import { entryOf } from '../multimap.js'
import { prefixText } from '../address/address.js'
import type { NamedPrefixes } from './residents.js'

/** A block, and the narrower ones that aren't meant with it. */
export interface Remainder {
  readonly block: string
  readonly except: readonly string[]
}

/**
 * Says which blocks are meant, of those that rules name: one with all narrower ones in it goes by its name alone, one
 * without some of them by its name and theirs. What is meant within a block that isn't is told of by itself.
 */
export class Remainders {
  readonly #parents = new Map<string, string>()
  readonly #children = new Map<string, string[]>()
  readonly #there: ReadonlySet<string>

  /** @param there prefixes that have an address of their own, outside of the cluster */
  constructor(prefixes: NamedPrefixes, there: ReadonlySet<string>) {
    this.#there = there
    for (const prefix of prefixes.all.values()) {
      const parent = prefixes.parentOf(prefix)
      if (parent === undefined || parent.length === 0) continue
      const [text, of] = [prefixText(prefix), prefixText(parent)]
      this.#parents.set(text, of)
      entryOf(this.#children, of, () => []).push(text)
    }
  }

  /** @param meant texts of named prefixes, each without the narrower ones */
  of(meant: ReadonlySet<string>): readonly Remainder[] {
    return [...meant]
      .filter(text => !this.#isCovered(text, meant))
      .map(block => ({ block, except: this.#lacking(block, meant).sort() }))
  }

  /** Whether a wider block that is meant has it, too. */
  #isCovered(text: string, meant: ReadonlySet<string>): boolean {
    const parent = this.#parents.get(text)
    if (parent === undefined) return false
    return meant.has(parent) || (!this.#there.has(parent) && this.#isCovered(parent, meant))
  }

  /** The widest blocks within one of which nothing is meant. */
  #lacking(block: string, meant: ReadonlySet<string>): string[] {
    return this.#childrenOf(block).flatMap(child => {
      const isMeant = meant.has(child) || (!this.#there.has(child) && this.#childrenOf(child).length > 0)
      return isMeant ? this.#lacking(child, meant) : this.#there.has(child) ? [child] : []
    })
  }

  #childrenOf(text: string): readonly string[] {
    return this.#children.get(text) ?? []
  }
}
