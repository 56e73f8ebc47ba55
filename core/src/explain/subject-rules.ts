import type { LabelMap } from '../identity/labels.js'
import type { Direction, Origin, Rule } from '../policy/rule.js'
import { compareRules, isIsolation } from '../verdict/evaluate.js'
import type { CompiledRule } from '../verdict/model.js'
import type { RuleSet } from '../verdict/rule-set.js'

/** The rules of one direction that select somebody. */
export interface DirectedRules {
  /** In deciding order. */
  readonly rules: readonly CompiledRule[]
  /** The policies that isolate. */
  readonly isolatedBy: readonly Origin[]
  readonly hasDeny: boolean
  /** Whether any of them asks for the peer's address, for one of a set that changes, for a port by its name. */
  readonly asksAddresses: boolean
  readonly asksSets: boolean
  readonly asksNames: boolean
}

/** The rules that select somebody, wherever he is. */
export interface RulesOfSubject extends Readonly<Record<Direction, DirectedRules>> {
  /** Whether any policy does. */
  readonly isSelected: boolean
}

interface Remembered {
  readonly rules: RulesOfSubject
  /** Each rule in the version that it was found in. */
  readonly versions: readonly Rule[]
  /** Changes of rules that are taken in. */
  changes: number
}

/** Rules by whom they select, found once for labels and anew where a change was about them. */
export class SubjectRules {
  readonly #rules: RuleSet
  readonly #known = new WeakMap<LabelMap, Remembered>()

  constructor(rules: RuleSet) {
    this.#rules = rules
  }

  /** @param labels that never change: a shape's */
  of(labels: LabelMap): RulesOfSubject {
    const { changes } = this.#rules
    const known = this.#known.get(labels)
    if (known !== undefined && changes.isSame(labels, known.changes)) {
      known.changes = changes.count
      return known.rules
    }
    const all = this.#rules.rulesFor(labels).sort(byOrder)
    const versions = all.map(({ rule }) => rule)
    if (known !== undefined && isSameList(known.versions, versions)) {
      // The same object: what was found by these rules holds, too.
      known.changes = changes.count
      return known.rules
    }
    const rules: RulesOfSubject = {
      isSelected: all.some(({ rule }) => rule.origin.seq > 0),
      egress: directed(all, 'egress'),
      ingress: directed(all, 'ingress'),
    }
    this.#known.set(labels, { rules, versions, changes: changes.count })
    return rules
  }
}

const isSameList = (a: readonly Rule[], b: readonly Rule[]): boolean =>
  a.length === b.length && a.every((rule, at) => rule === b[at])

function directed(all: readonly CompiledRule[], direction: Direction): DirectedRules {
  const rules = all.filter(({ rule }) => rule.direction === direction)
  const peers = rules.flatMap(({ rule }) => (rule.peers === 'any' ? [] : rule.peers))
  return {
    rules,
    asksAddresses: peers.some(({ kind }) => kind !== 'labels'),
    asksSets: peers.some(({ kind }) => kind === 'set'),
    asksNames: rules.some(({ names }) => names.length > 0),
    isolatedBy: rules.filter(({ rule }) => isIsolation(rule)).map(({ rule }) => rule.origin),
    hasDeny: rules.some(({ rule }) => rule.action === 'deny'),
  }
}

/**
 * Of rules that decide alike the first by its policy's name and its place there is told: whatever else they say, so that
 * an answer stays the same while names keep their order.
 */
const byOrder = (a: CompiledRule, b: CompiledRule): number =>
  compareRules(a.rule, b.rule) ||
  compareText(a.rule.origin.policy, b.rule.origin.policy) ||
  compareText(a.rule.origin.path, b.rule.origin.path) ||
  compareText(a.saying.text, b.saying.text)

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
