import type { Prefix } from '../address/address.js'
import type { LabelMap } from '../identity/labels.js'
import { entryOf } from '../multimap.js'
import type { Direction, PeerSelector, Rule } from '../policy/rule.js'
import type { LabelSelector } from '../policy/selector.js'
import { peerText, ruleText } from '../policy/text.js'
import { compareRules } from '../verdict/evaluate.js'
import { portSetIntervals, type Intervals } from '../verdict/intervals.js'
import { KeyUse } from '../verdict/key-use.js'
import type { SelectorEntry } from '../verdict/model.js'
import { SelectorIndex } from '../verdict/selector-index.js'
import { BlockPeers } from './block-peers.js'

/** What rules can ask of somebody. `address` is one of his, or the longest prefix that a rule names around it. */
export interface Face {
  readonly kind: 'pod' | 'node' | 'world'
  readonly labels: LabelMap
  /** Named ports by `portKey`. */
  readonly ports: ReadonlyMap<string, number>
  readonly address: Prefix
}

/** A rule in force, ready to be judged by. */
export interface BookRule {
  /** Of this book: rules of two books compare by `text`. */
  readonly id: number
  /** Meaning and policy; equal in both states when nobody touched the rule. */
  readonly text: string
  readonly rule: Rule
  readonly numbered: Intervals
  readonly names: readonly { readonly name: string; readonly protocol: number }[]
  /** Texts of its peer selectors. */
  readonly peers: 'any' | readonly string[]
}

interface SubjectEntry extends SelectorEntry {
  readonly rules: BookRule[]
}

/** The rules of one state, to be asked who is selected and who is meant; knows nothing of who exists. */
export class RuleBook {
  readonly rules: readonly BookRule[]
  /** Distinct peer selectors by text. */
  readonly peers: ReadonlyMap<string, PeerSelector>
  /** Distinct subject selectors. */
  readonly subjects: readonly LabelSelector[]
  /** Label keys that selectors name. */
  readonly keys: ReadonlySet<string>
  readonly #bySubject = new SelectorIndex<SubjectEntry>(new KeyUse())
  readonly #labelPeers = new SelectorIndex<SelectorEntry & { readonly text: string }>(new KeyUse())
  readonly #selecting = new Map<string, readonly BookRule[]>()
  readonly #blocks: BlockPeers

  constructor(rules: Iterable<Rule>) {
    const peers = new Map<string, PeerSelector>()
    const subjects = new Map<string, LabelSelector>()
    this.rules = [...rules].map((rule, id) => {
      const texts = rule.peers === 'any' ? 'any' : rule.peers.map(peerText)
      const compiled: BookRule = {
        id,
        text: ruleText(rule, texts),
        rule,
        numbered: portSetIntervals(rule.ports),
        names: rule.ports === 'any' ? [] : rule.ports.named,
        peers: texts,
      }
      if (rule.peers !== 'any' && texts !== 'any')
        for (const [at, peer] of rule.peers.entries()) peers.set(texts[at]!, peer)
      const entry = this.#bySubject.acquire(rule.subject, fields => ({ ...fields, rules: [] }))
      entry.rules.push(compiled)
      subjects.set(entry.selectorKey, rule.subject)
      return compiled
    })
    this.peers = peers
    this.subjects = [...subjects.values()]
    const selectors = [
      ...this.subjects,
      ...[...peers.values()].map(peer => (peer.kind === 'labels' ? peer.selector : [])),
    ]
    this.keys = new Set(selectors.flatMap(selector => selector.map(({ key }) => key)))
    for (const [text, peer] of peers) {
      if (peer.kind === 'labels') this.#labelPeers.acquire(peer.selector, fields => ({ ...fields, text }))
    }
    this.#blocks = new BlockPeers(peers)
  }

  /** The rules of one direction that select a pod with these labels, in deciding order. */
  selecting(labels: LabelMap, direction: Direction): readonly BookRule[] {
    const entries = this.#bySubject.matching(labels)
    // Pods of many kinds may be selected alike, by many rules.
    const alike = `${direction} ${entries.map(({ rules }) => rules[0]!.id).join()}`
    return entryOf(this.#selecting, alike, () =>
      entries
        .flatMap(({ rules }) => rules)
        .filter(({ rule }) => rule.direction === direction)
        .sort((a, b) => compareRules(a.rule, b.rule) || (a.text < b.text ? -1 : a.text > b.text ? 1 : a.id - b.id)),
    )
  }

  /** Texts of the peer selectors that mean somebody. */
  meaning(face: Face): ReadonlySet<string> {
    const byLabels = this.#labelPeers.matching(face.labels).map(({ text }) => text)
    return new Set([...byLabels, ...this.#blocks.around(face.kind, face.address)])
  }
}
