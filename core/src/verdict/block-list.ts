import type { AddressScope, PeerSelector } from '../policy/rule.js'

export type BlockPeer = Extract<PeerSelector, { readonly kind: 'cidr' }>

/** The blocks of one rule, which are asked for as one: see `askedOf`. */
export interface BlockList {
  /** By what they mean. */
  readonly peers: Map<string, BlockPeer>
  /** Counts its changes. */
  revision: number
}

/** What a rule asks of peers. */
export interface Asked {
  /** Peers that are asked for one by one, by what they mean. */
  readonly apart: ReadonlyMap<string, PeerSelector>
  /** Blocks that are asked for together, by scope. */
  readonly together: ReadonlyMap<AddressScope, ReadonlyMap<string, BlockPeer>>
}

/**
 * To a rule its blocks are all the same: whoever has an address in any of them is meant. Asked for one by one, a thousand
 * blocks would make as many classes of peers; asked for together they make those in one of them and the others. A block
 * that is a rule's only one is asked for apart, and shared with other rules that name it.
 */
export function askedOf(peers: ReadonlyMap<string, PeerSelector>): Asked {
  const scopes = scopesOfSeveral(peers.values())
  if (scopes.size === 0) return { apart: peers, together: nothing }
  const others = new Map<string, PeerSelector>()
  const together = new Map<AddressScope, Map<string, BlockPeer>>()
  for (const scope of scopes) together.set(scope, new Map())
  for (const [text, peer] of peers) {
    if (peer.kind === 'cidr' && scopes.has(peer.scope)) together.get(peer.scope)!.set(text, peer)
    else others.set(text, peer)
  }
  return { apart: others, together }
}

function scopesOfSeveral(peers: Iterable<PeerSelector>): ReadonlySet<AddressScope> {
  const once = new Set<AddressScope>()
  const several = new Set<AddressScope>()
  for (const peer of peers) {
    if (peer.kind !== 'cidr') continue
    if (once.has(peer.scope)) several.add(peer.scope)
    else once.add(peer.scope)
  }
  return several
}

const nothing: Asked['together'] = new Map()
