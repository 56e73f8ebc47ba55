import { entryOf } from '../multimap.js'
import { ruleText } from '../policy/text.js'
import type { Rule } from '../policy/rule.js'
import { portSetIntervals } from './intervals.js'
import type { KeyUse } from './key-use.js'
import { portKey, type CompiledRule, type NamedUse, type Shape, type SubjectAtom } from './model.js'
import type { Peers } from './peers.js'
import { SelectorIndex } from './selector-index.js'

/**
 * The rules in force, and whom they select. A policy's new version keeps those of its rules that say the same, so that
 * a change of one rule touches what that rule touches.
 */
export class RuleSet {
  readonly subjects: SelectorIndex<SubjectAtom>
  /** Local pods' shapes whose rules may have changed. */
  readonly dirtyShapes = new Set<Shape>()
  readonly #peers: Peers
  readonly #byPolicy = new Map<string, readonly CompiledRule[]>()
  readonly #builtin: readonly CompiledRule[]
  #nextRule = 1
  #released: CompiledRule[] = []

  constructor(keys: KeyUse, peers: Peers, builtin: readonly Rule[]) {
    this.#peers = peers
    this.subjects = new SelectorIndex(keys, shape => this.dirtyShapes.add(shape))
    this.#builtin = builtin.map(rule => this.#compile(rule, ruleText(rule)))
  }

  /** Puts the rules of a policy's new version in force; `[]` when it is gone. What they no longer say goes at `sweep`. */
  replace(policyKey: string, rules: readonly Rule[]): void {
    const spare = new Map<string, CompiledRule[]>()
    for (const old of this.#byPolicy.get(policyKey) ?? []) {
      entryOf(spare, old.text, () => []).push(old)
    }
    const compiled = rules.map(rule => {
      const text = ruleText(rule)
      const kept = spare.get(text)?.shift()
      if (kept === undefined) return this.#compile(rule, text)
      kept.rule = rule
      return kept
    })
    for (const rest of spare.values()) this.#released.push(...rest)
    if (compiled.length > 0) this.#byPolicy.set(policyKey, compiled)
    else this.#byPolicy.delete(policyKey)
  }

  /** Lets go of the replaced rules. Comes after all that is new, so that a selector used by both lives on. */
  sweep(): void {
    for (const rule of this.#released) this.#release(rule)
    this.#released = []
  }

  /** Every rule in force, built-in ones included. */
  *all(): Iterable<CompiledRule> {
    yield* this.#builtin
    for (const rules of this.#byPolicy.values()) yield* rules
  }

  /** The rules of a shape that `subjects` knows, in no particular order. */
  rulesOf(shape: Shape): CompiledRule[] {
    return this.#collect(this.subjects.matchesOf(shape) ?? [])
  }

  /** The rules that would select a pod of this shape, wherever it runs. */
  rulesFor(shape: Shape): CompiledRule[] {
    return this.#collect(this.subjects.matching(shape.labels))
  }

  #collect(atoms: Iterable<SubjectAtom>): CompiledRule[] {
    const rules = [...this.#builtin]
    for (const atom of atoms) rules.push(...atom.rules)
    return rules
  }

  #compile(rule: Rule, text: string): CompiledRule {
    const bases = rule.peers === 'any' ? 'any' : rule.peers.map(peer => this.#peers.acquire(peer))
    const names = rule.ports === 'any' ? [] : rule.ports.named
    const uses: NamedUse[] = []
    if (rule.direction === 'egress' && names.length > 0) {
      const resolvers = bases === 'any' ? [this.#peers.acquire(anyNamed)] : bases
      for (const base of resolvers) {
        for (const { name, protocol } of names) {
          uses.push(this.#peers.acquireUse(base, portKey(protocol, name), protocol))
        }
      }
    }
    const builtin = rule.origin.seq === 0
    const subject = builtin
      ? undefined
      : this.subjects.acquire(rule.subject, fields => ({ ...fields, rules: new Set<CompiledRule>() }))
    const compiled: CompiledRule = {
      id: this.#nextRule++,
      text,
      rule,
      numbered: portSetIntervals(rule.ports),
      names,
      subject,
      bases,
      uses,
    }
    subject?.rules.add(compiled)
    this.#touch(subject)
    return compiled
  }

  #release(compiled: CompiledRule): void {
    const { subject, bases, uses } = compiled
    for (const use of uses) this.#peers.releaseUse(use)
    if (bases !== 'any') for (const base of bases) this.#peers.release(base)
    else if (uses.length > 0) this.#peers.release(uses[0]!.base)
    if (subject === undefined) return
    subject.rules.delete(compiled)
    this.#touch(subject)
    this.subjects.release(subject)
  }

  #touch(subject: SubjectAtom | undefined): void {
    if (subject !== undefined) for (const shape of subject.shapes) this.dirtyShapes.add(shape)
  }
}

/** Whoever can give a named port a number. */
const anyNamed = {
  kind: 'labels',
  selector: [{ key: 'io.kubernetes.pod.namespace', operator: 'Exists', values: [] }],
} as const
