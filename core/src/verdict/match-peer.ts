import { containsPrefix, parsePrefix, type Prefix } from '../address/address.js'
import { matchesSelector } from '../policy/match.js'
import type { AddressScope, PeerSelector } from '../policy/rule.js'
import type { Shape } from './model.js'

/**
 * Whether a peer selector means somebody, asked of one peer at a time; `Peers` knows the same for all peers at once.
 * @param address absent: no block holds
 */
export function matchesPeer(
  selector: PeerSelector,
  { kind, labels }: Pick<Shape, 'kind' | 'labels'>,
  address: Prefix | undefined,
): boolean {
  if (selector.kind === 'labels') return matchesSelector(selector.selector, labels)
  if (address === undefined || !inScope(selector.scope, kind)) return false
  const blocks = selector.kind === 'cidr' ? [selector.cidr] : selector.cidrs
  return blocks.some(block => inPrefix(block, address)) && !selector.except.some(hole => inPrefix(hole, address))
}

/** Whether a block speaks of peers of a kind, when it has their address. */
export function inScope(scope: AddressScope, kind: Shape['kind']): boolean {
  switch (scope) {
    case 'any':
      return true
    case 'outside':
      return kind === 'world'
    case 'outside-and-nodes':
      return kind !== 'pod'
    case 'outside-and-pods':
      return kind !== 'node'
  }
}

function inPrefix(text: string, address: Prefix): boolean {
  const prefix = parsePrefix(text)
  return prefix !== undefined && containsPrefix(prefix, address)
}
