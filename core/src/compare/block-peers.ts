import { containsPrefix, parsePrefix, type Prefix } from '../address/address.js'
import { PrefixTrie } from '../address/trie.js'
import { entryOf } from '../multimap.js'
import type { Family, PeerSelector } from '../policy/rule.js'
import { inScope } from '../verdict/match-peer.js'
import type { Face } from './rule-book.js'

type AddressPeer = Exclude<PeerSelector, { readonly kind: 'labels' }>

interface Entry {
  readonly text: string
  readonly scope: AddressPeer['scope']
  readonly holes: readonly Prefix[]
}

/** Peers that are named by address, to be asked which of them mean somebody. */
export class BlockPeers {
  readonly #tries: Readonly<Record<Family, PrefixTrie<Entry[]>>> = { 4: new PrefixTrie(), 6: new PrefixTrie() }
  readonly #known: Readonly<Record<Face['kind'], Map<Prefix, readonly string[]>>> = {
    pod: new Map(),
    node: new Map(),
    world: new Map(),
  }

  /** @param peers by text; those that are named by labels are left out */
  constructor(peers: Iterable<readonly [text: string, peer: PeerSelector]>) {
    for (const [text, peer] of peers) {
      if (peer.kind === 'labels') continue
      const entry: Entry = { text, scope: peer.scope, holes: peer.except.flatMap(hole => parsePrefix(hole) ?? []) }
      for (const block of peer.kind === 'cidr' ? [peer.cidr] : peer.cidrs) {
        const prefix = parsePrefix(block)
        if (prefix === undefined) continue
        const { family, bytes, length } = prefix
        const entries = this.#tries[family].get(bytes, length)
        if (entries === undefined) this.#tries[family].set(bytes, length, [entry])
        else entries.push(entry)
      }
    }
  }

  /** Texts of the peers that mean somebody of a kind with an address there. */
  around(kind: Face['kind'], address: Prefix): readonly string[] {
    return entryOf(this.#known[kind], address, () => {
      const entries = new Set(this.#tries[address.family].around(address.bytes, address.length).flat())
      return [...entries]
        .filter(({ scope, holes }) => inScope(scope, kind) && !holes.some(hole => containsPrefix(hole, address)))
        .map(({ text }) => text)
        .sort()
    })
  }
}
