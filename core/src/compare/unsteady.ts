import { activeRules, type ActiveRules, changedRules, directions } from './active-rules.js'
import { type Classifier, isSteady } from './classes.js'
import type { End, Reading } from './ends.js'
import { namespaceFaces } from './namespace-faces.js'
import type { BookRule } from './rule-book.js'

/** The rules by which two states can come to other verdicts: those that differ, and those for which somebody does. */
export function activeBetween(readings: readonly Reading[], ends: readonly End[], classifier: Classifier): ActiveRules {
  const books = readings.map(({ book }) => book)
  const texts = changedRules(books)
  const changing = classifier.classesOf(ends.filter(end => !isSteady(end)))
  const peers = new Set<string>()
  const named = new Set<string>()
  const addDifference = (into: Set<string>, a: ReadonlySet<string>, b: ReadonlySet<string>): void => {
    for (const text of a) if (!b.has(text)) into.add(text)
    for (const text of b) if (!a.has(text)) into.add(text)
  }
  for (const { standings } of changing) {
    const [before, after] = standings
    for (const direction of directions) {
      const of = (rules: readonly BookRule[]): Set<string> => new Set(rules.map(({ text }) => text))
      addDifference(texts, of(before!.rules[direction]), of(after!.rules[direction]))
    }
    addDifference(peers, before!.meant, after!.meant)
    addDifference(peers, before!.meantByOwn, after!.meantByOwn)
    // Another port by the same name: whatever speaks of names there.
    if (before!.ports !== after!.ports) {
      for (const { rules, meant } of [before!, after!]) {
        for (const rule of [...rules.egress, ...rules.ingress]) if (rule.names.length > 0) named.add(rule.text)
        for (const text of meant) named.add(text)
      }
    }
  }
  // A pod that moves meets other nodes as its own: whatever tells a node's own pods from others.
  if (changing.some(({ members }) => members.some(({ hosts }) => new Set(hosts).size > 1))) {
    const nodesAndMoved = classifier.classesOf(ends.filter(end => end.kind === 'node' || !isSteady(end)))
    for (const { standings } of nodesAndMoved)
      for (const { meant, meantByOwn } of standings) addDifference(peers, meant, meantByOwn)
  }
  const keys = relabelledKeys(readings)
  const asks = (rule: BookRule): boolean =>
    keys.size > 0 &&
    [
      rule.rule.subject,
      ...(rule.rule.peers === 'any' ? [] : rule.rule.peers.map(peer => (peer.kind === 'labels' ? peer.selector : []))),
    ].some(selector => selector.some(({ key }) => keys.has(key)))
  for (const { rules } of books) {
    for (const rule of rules) {
      const means = (set: ReadonlySet<string>): boolean =>
        set.size > 0 && rule.peers !== 'any' && rule.peers.some(text => set.has(text))
      const isNamed =
        rule.names.length > 0 && (named.has(rule.text) || means(named) || (named.size > 0 && rule.peers === 'any'))
      if (means(peers) || isNamed || asks(rule)) texts.add(rule.text)
    }
  }
  return activeRules(books, texts)
}

/** Keys of labels that some namespace's pods have otherwise in the other state. */
function relabelledKeys(readings: readonly Reading[]): Set<string> {
  const keys = new Set<string>()
  for (const [before, after] of namespaceFaces(readings).values()) {
    if (before === after || before === undefined || after === undefined) continue
    for (const [key, value] of before) if (after.get(key) !== value) keys.add(key)
    for (const [key, value] of after) if (before.get(key) !== value) keys.add(key)
  }
  return keys
}
