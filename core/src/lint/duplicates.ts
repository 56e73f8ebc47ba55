import type { BookRule } from '../compare/rule-book.js'
import { canonicalJson } from '../json.js'
import { entryOf } from '../multimap.js'
import { peerText } from '../policy/text.js'
import type { PeerSelector } from '../policy/rule.js'
import { isIsolation } from '../verdict/evaluate.js'
import { union, type Intervals } from '../verdict/intervals.js'
import type { LintCluster } from './cluster.js'
import type { Finding } from './finding.js'
import { divide, type FlowRegion, regionsOf } from './flow-region.js'
import { selectorMeaning } from './label-cube.js'
import { listed } from './wording.js'

/** Where two policies take more parts than this to hold against each other, they are taken to differ. */
const regionsMax = 2_000

/** Policies that decide the same as another, however they are written: now and whoever may come. */
export function* duplicatePolicies({ reading }: LintCluster): Iterable<Finding> {
  const policies = new Map<string, BookRule[]>()
  for (const each of reading.book.rules)
    if (each.rule.origin.seq > 0) entryOf(policies, each.rule.origin.policy, () => []).push(each)
  const alike = new Map<string, string[][]>()
  for (const [policy, rules] of policies) {
    const outline = outlineOf(rules)
    // Policies that say nothing to anybody have that in common, and are told so elsewhere.
    if (outline === '') continue
    const groups = entryOf(alike, outline, () => [])
    const equal = groups.find(([first]) => saySame(policies.get(first!)!, rules))
    if (equal === undefined) groups.push([policy])
    else equal.push(policy)
  }
  for (const equals of [...alike.values()].flat()) {
    const [kept, ...others] = equals.sort()
    for (const policy of others) {
      const { seq } = policies.get(policy)![0]!.rule.origin
      const message = `it says the same as ${listed([kept!, ...others.filter(other => other !== policy)])}`
      const suggestion = 'one of them is enough'
      yield { kind: 'duplicate-policy', severity: 'warning', policy, path: '', seq, message, suggestion }
    }
  }
}

/** Rules of one policy that decide alike: their order among themselves means nothing in the namespaced tier. */
function voiceOf({ rule }: BookRule): string {
  const said = isIsolation(rule) ? 'isolation' : rule.action
  return [rule.tier, rule.direction, said, ...(rule.l7 === undefined ? [] : [canonicalJson(rule.l7)])].join(' ')
}

function voicesOf(rules: readonly BookRule[]): Map<string, BookRule[]> {
  const voices = new Map<string, BookRule[]>()
  for (const each of rules) entryOf(voices, voiceOf(each), () => []).push(each)
  return voices
}

/** A text that policies which say the same have in common, and few others. */
function outlineOf(rules: readonly BookRule[]): string {
  if (rules.some(({ rule }) => rule.tier !== 'namespaced')) return orderedText(rules)
  const voices = [...voicesOf(rules)].flatMap(([voice, own]) => {
    const telling = own.filter(each => regionsOf(each).length > 0)
    if (telling.length === 0) return []
    const subjects = [...new Set(telling.map(({ rule }) => selectorMeaning(rule.subject)))].sort()
    const numbers = telling.every(({ names }) => names.length === 0)
      ? telling.reduce<Intervals>((sum, { numbered }) => union(sum, numbered), []).join()
      : 'names'
    return [`${voice} of ${subjects.join(' & ')} on ${numbers}`]
  })
  return voices.sort().join('\n')
}

/** Around the namespaced tier rules decide in their order, at their policy's priority. */
function orderedText(rules: readonly BookRule[]): string {
  return rules
    .map(({ rule, numbered, names }) => {
      const peers = rule.peers === 'any' ? ['any'] : [...new Set(rule.peers.map(meaningOf))].sort()
      const named = names.map(({ name, protocol }) => `${protocol}:${name}`).sort()
      return [
        `${rule.tier} ${rule.order} ${rule.direction} ${rule.action} of ${selectorMeaning(rule.subject)}`,
        `${peers.join('; ')} on ${numbered.join()} ${named.join()}`,
      ].join(' ')
    })
    .sort()
    .join('\n')
}

const meaningOf = (peer: PeerSelector): string =>
  peer.kind === 'labels' ? selectorMeaning(peer.selector) : peerText(peer)

/** Whether each of the two covers all that the other says, voice by voice. */
function saySame(a: readonly BookRule[], b: readonly BookRule[]): boolean {
  if (a.some(({ rule }) => rule.tier !== 'namespaced')) return true
  const [ofA, ofB] = [voicesOf(a), voicesOf(b)]
  return [...new Set([...ofA.keys(), ...ofB.keys()])].every(voice => {
    const [left, right] = [ofA.get(voice) ?? [], ofB.get(voice) ?? []]
    return covers(left, right) && covers(right, left)
  })
}

function covers(wide: readonly BookRule[], narrow: readonly BookRule[]): boolean {
  let open: readonly FlowRegion[] = narrow.flatMap(regionsOf)
  for (const each of wide) {
    if (open.length === 0) return true
    if (open.length > regionsMax) return false
    open = divide(open, each).rest
  }
  return open.length === 0
}
