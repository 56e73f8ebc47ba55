import type { EndClass } from '../compare/classes.js'
import { pairsOf } from '../compare/pairs.js'
import type { BookRule } from '../compare/rule-book.js'
import { judgeSide, type SideRow } from '../compare/side.js'
import type { Direction } from '../policy/rule.js'

/** What becomes of a rule over all flows. */
export interface Reach {
  /** It decides some flow. */
  decides: boolean
  /** It matches some flow, whoever decides it. */
  matches: boolean
  /** The rules that decide what it matches. */
  readonly beatenBy: Set<BookRule>
  /** Rules that take back what it asks of a proxy. */
  readonly widenedBy: Set<BookRule>
}

/** Judges every class with every other, and notes which rules decide anything. */
export function reachOf(rules: readonly BookRule[], classes: readonly EndClass[]): ReadonlyMap<BookRule, Reach> {
  const reach = new Map<BookRule, Reach>()
  for (const rule of rules)
    reach.set(rule, { decides: false, matches: false, beatenBy: new Set(), widenedBy: new Set() })
  const seen = new Set<string>()
  for (const subject of classes) {
    if (subject.kind !== 'pod' && subject.kind !== 'hypothetical') continue
    for (const peer of classes) {
      for (const direction of ['ingress', 'egress'] as const) {
        const [from, to] = direction === 'egress' ? [subject, peer] : [peer, subject]
        for (const { own } of pairsOf(from, to, 1)) note(direction, subject, peer, own[0]!)
      }
    }
  }
  return reach

  function note(direction: Direction, subject: EndClass, peer: EndClass, own: boolean): void {
    const { rules: selecting, ports } = subject.standings[0]!
    const other = peer.standings[0]!
    const meant = own ? other.meantByOwn : other.meant
    const matching = selecting[direction].filter(({ peers }) => peers === 'any' || peers.some(text => meant.has(text)))
    if (matching.length === 0) return
    const named = direction === 'egress' ? other.ports : ports
    const key = `${matching.map(({ id }) => id).join()} ${[...named].join(';')}`
    if (seen.has(key)) return
    seen.add(key)
    add(matching, judgeSide(matching, named), named)
  }

  function add(matching: readonly BookRule[], row: SideRow, named: ReadonlyMap<string, number>): void {
    for (const { rules: deciders } of row.pieces) {
      for (const rule of deciders) reach.get(rule)!.decides = true
      const plain = deciders.filter(({ rule }) => rule.l7 === undefined)
      for (const rule of deciders) {
        if (rule.rule.l7 === undefined) continue
        for (const wider of plain) reach.get(rule)!.widenedBy.add(wider)
      }
    }
    for (const rule of matching) {
      const found = reach.get(rule)!
      found.matches = true
      if (found.decides) continue
      const alone = judgeSide([rule], named)
      for (const { first, last, rules: own } of alone.pieces) {
        if (own.length === 0) continue
        for (const piece of row.pieces)
          if (piece.first <= last && first <= piece.last) for (const beater of piece.rules) found.beatenBy.add(beater)
      }
    }
  }
}
