import { type Prefix, prefixText } from '../address/address.js'
import { PrefixTrie } from '../address/trie.js'
import type { Family } from '../policy/rule.js'

/** What a policy says of destinations. */
export interface Destinations {
  readonly name: string
  readonly taken: readonly Prefix[]
  readonly excluded: readonly Prefix[]
}

/** For destinations of this prefix, but for those of longer ones: who decides; undefined: no policy does. */
export interface Decision<Policy> {
  readonly prefix: string
  readonly family: Family
  readonly policy: Policy | undefined
}

/** All that the policies say of one prefix. */
interface Mention<Policy> {
  readonly prefix: Prefix
  readonly taken: Set<Policy>
  readonly excluded: Set<Policy>
}

/**
 * Who decides where, among policies that hold for the same source. A policy takes a destination when the longest of its
 * blocks that has the address isn't an excluded one (of two alike the excluded one counts). Of the policies that take it
 * the one with the longest block decides, and of several the first by name.
 */
export function decisionsOf<Policy extends Destinations>(policies: readonly Policy[]): readonly Decision<Policy>[] {
  return ([4, 6] as const).flatMap(family => ofFamily(family, policies))
}

function ofFamily<Policy extends Destinations>(
  family: Family,
  policies: readonly Policy[],
): readonly Decision<Policy>[] {
  const mentions = new Map<string, Mention<Policy>>()
  const trie = new PrefixTrie<Mention<Policy>>()
  const mention = (prefix: Prefix): Mention<Policy> => {
    const text = prefixText(prefix)
    let known = mentions.get(text)
    if (known === undefined) {
      known = { prefix, taken: new Set(), excluded: new Set() }
      mentions.set(text, known)
      trie.set(prefix.bytes, prefix.length, known)
    }
    return known
  }
  for (const policy of policies) {
    for (const prefix of policy.taken) if (prefix.family === family) mention(prefix).taken.add(policy)
    for (const prefix of policy.excluded) if (prefix.family === family) mention(prefix).excluded.add(policy)
  }
  const found: Decision<Policy>[] = []
  for (const [text, { prefix }] of mentions) {
    const around = trie.around(prefix.bytes, prefix.length)
    const policy = decided(around)
    // What the next wider prefix says already needs no row.
    if (policy !== decided(around.slice(0, -1))) found.push({ prefix: text, family, policy })
  }
  return found
}

/** @param around mentions of all prefixes that hold the destination, the shortest first */
function decided<Policy extends Destinations>(around: readonly Mention<Policy>[]): Policy | undefined {
  const lengths = new Map<Policy, number>()
  for (const { prefix, taken, excluded } of around) {
    for (const policy of taken) lengths.set(policy, prefix.length)
    for (const policy of excluded) lengths.delete(policy)
  }
  let best: Policy | undefined
  for (const [policy, length] of lengths) {
    const before = best === undefined ? -1 : lengths.get(best)!
    if (length > before || (length === before && policy.name < best!.name)) best = policy
  }
  return best
}
