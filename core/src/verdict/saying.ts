import type { PeerSelector, Rule } from '../policy/rule.js'
import { peerText, ruleText } from '../policy/text.js'

/** What one version of a rule says of peers. */
export interface Saying {
  /** Peers by what they mean. */
  readonly peers: 'any' | ReadonlyMap<string, PeerSelector>
  /** All that the rule means: see `ruleText`. Long rules are seldom asked. */
  readonly text: string
}

export function sayingOf(rule: Rule): Saying {
  const peers = rule.peers === 'any' ? 'any' : byText(rule.peers)
  let text: string | undefined
  return {
    peers,
    get text() {
      // A peer that is named twice, as by two selectors of services, means no more than once.
      text ??= ruleText(rule, peers === 'any' ? 'any' : [...peers.keys()])
      return text
    },
  }
}

function byText(some: readonly PeerSelector[]): ReadonlyMap<string, PeerSelector> {
  const peers = new Map<string, PeerSelector>()
  for (const peer of some) peers.set(peerText(peer), peer)
  return peers
}

/** Whether two versions of a rule mean the same peers. */
export function samePeers({ peers: a }: Saying, { peers: b }: Saying): boolean {
  if (a === 'any' || b === 'any') return a === b
  if (a.size !== b.size) return false
  for (const text of a.keys()) if (!b.has(text)) return false
  return true
}
