import { containsPrefix, parsePrefix, type Prefix } from '../address/address.js'
import { matchesSelector } from '../policy/match.js'
import type { PeerSelector } from '../policy/rule.js'
import type { Shape } from './model.js'

/**
 * Whether a peer selector means somebody, asked of one peer at a time; `Peers` knows the same for all peers at once.
 * @param address absent: no cidr holds
 */
export function matchesPeer(
  selector: PeerSelector,
  { kind, labels }: Pick<Shape, 'kind' | 'labels'>,
  address: Prefix | undefined,
): boolean {
  if (selector.kind === 'labels') return matchesSelector(selector.selector, labels)
  if (selector.scope === 'outside' && kind !== 'world') return false
  return (
    address !== undefined && inPrefix(selector.cidr, address) && !selector.except.some(hole => inPrefix(hole, address))
  )
}

function inPrefix(text: string, address: Prefix): boolean {
  const prefix = parsePrefix(text)
  return prefix !== undefined && containsPrefix(prefix, address)
}
