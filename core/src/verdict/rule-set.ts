import { entryOf } from '../multimap.js'
import type { LabelMap } from '../identity/labels.js'
import { ruleText } from '../policy/text.js'
import type { Rule } from '../policy/rule.js'
import type { LabelSelector } from '../policy/selector.js'
import { portSetIntervals } from './intervals.js'
import type { KeyUse } from './key-use.js'
import { portKey, type CompiledRule, type NamedUse, type Shape, type SubjectAtom } from './model.js'
import type { PeerAtoms } from './peer-atoms.js'
import { SubjectIndex } from './subject-index.js'

/**
 * The rules in force, and whom they select. A policy's new version keeps those of its rules that say the same, so that
 * a change of one rule touches what that rule touches. Only rules that select a pod of this node ask anything of peers:
 * what the others would ask tells no peers apart here.
 */
export class RuleSet {
  readonly subjects: SubjectIndex
  /** Shapes of judged pods and nodes whose rules may have changed. */
  readonly dirtyShapes = new Set<Shape>()
  readonly #keys: KeyUse
  readonly #atoms: PeerAtoms
  readonly #byPolicy = new Map<string, readonly CompiledRule[]>()
  #nextRule = 1
  #released: CompiledRule[] = []
  /** Rules that went, and still ask of peers. */
  #bound: CompiledRule[] = []
  /** Subject selectors whose rules may have begun to select a local pod, or ceased to. */
  readonly #unsettled = new Set<SubjectAtom>()

  constructor(keys: KeyUse, atoms: PeerAtoms) {
    this.#keys = keys
    this.#atoms = atoms
    this.subjects = new SubjectIndex(keys)
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

  /** The shape's first local pod is here. */
  addShape(shape: Shape): void {
    if (!this.subjects.add(shape)) return
    this.dirtyShapes.add(shape)
    for (const subject of this.subjects.matchesOf(shape)) if (subject.shapes.size === 1) this.#unsettled.add(subject)
  }

  /** The shape's last local pod is gone. */
  removeShape(shape: Shape): void {
    for (const subject of this.subjects.matchesOf(shape)) {
      if (subject.shapes.size === 1) this.#unsettled.add(subject)
    }
    this.subjects.remove(shape)
  }

  /** Lets the rules that select local pods ask of peers, and no others. What is asked anew comes before what ends. */
  settle(): void {
    for (const { shapes, rules } of this.#unsettled) if (shapes.size > 0) for (const rule of rules) this.#bind(rule)
    for (const { shapes, rules } of this.#unsettled) if (shapes.size === 0) for (const rule of rules) this.#unbind(rule)
    this.#unsettled.clear()
    for (const rule of this.#bound) this.#unbind(rule)
    this.#bound = []
  }

  /** Every rule in force, built-in ones included. */
  *all(): Iterable<CompiledRule> {
    for (const rules of this.#byPolicy.values()) yield* rules
  }

  /** The rules of a shape that `subjects` knows, in no particular order. */
  rulesOf(shape: Shape): CompiledRule[] {
    return this.#collect(this.subjects.matchesOf(shape))
  }

  /** The rules that would select somebody with these labels, wherever he is. */
  rulesFor(labels: LabelMap): CompiledRule[] {
    return this.#collect(this.subjects.matching(labels))
  }

  #collect(atoms: Iterable<SubjectAtom>): CompiledRule[] {
    const rules: CompiledRule[] = []
    for (const atom of atoms) rules.push(...atom.rules)
    return rules
  }

  #compile(rule: Rule, text: string): CompiledRule {
    const subject = this.subjects.acquire(rule.subject)
    const compiled: CompiledRule = {
      id: this.#nextRule++,
      text,
      rule,
      numbered: portSetIntervals(rule.ports),
      names: rule.ports === 'any' ? [] : rule.ports.named,
      subject,
      bound: false,
      bases: [],
      uses: [],
    }
    // Explanations ask the rules of other nodes' pods as well: a label that any rule asks for counts.
    for (const selector of peerSelectors(rule)) this.#keys.acquire(selector)
    if (subject === undefined) this.#bind(compiled)
    else {
      subject.rules.add(compiled)
      this.#unsettled.add(subject)
    }
    this.#touch(subject)
    return compiled
  }

  #release(compiled: CompiledRule): void {
    const { rule, subject } = compiled
    for (const selector of peerSelectors(rule)) this.#keys.release(selector)
    if (compiled.bound) this.#bound.push(compiled)
    subject.rules.delete(compiled)
    this.#touch(subject)
    this.subjects.release(subject)
  }

  #bind(compiled: CompiledRule): void {
    if (compiled.bound) return
    const { rule, names } = compiled
    const bases = rule.peers === 'any' ? 'any' : rule.peers.map(peer => this.#atoms.acquire(peer))
    const uses: NamedUse[] = []
    if (rule.direction === 'egress' && names.length > 0) {
      const resolvers = bases === 'any' ? [this.#atoms.acquire(anyNamed)] : bases
      for (const base of resolvers) {
        for (const { name, protocol } of names) {
          uses.push(this.#atoms.acquireUse(base, portKey(protocol, name), protocol))
        }
      }
    }
    Object.assign(compiled, { bound: true, bases, uses })
  }

  #unbind(compiled: CompiledRule): void {
    if (!compiled.bound) return
    const { bases, uses } = compiled
    for (const use of uses) this.#atoms.releaseUse(use)
    if (bases !== 'any') for (const base of bases) this.#atoms.release(base)
    else if (uses.length > 0) this.#atoms.release(uses[0]!.base)
    Object.assign(compiled, { bound: false, bases: [], uses: [] })
  }

  #touch(subject: SubjectAtom): void {
    for (const shape of subject.shapes) this.dirtyShapes.add(shape)
  }
}

function* peerSelectors({ peers }: Rule): Iterable<LabelSelector> {
  if (peers !== 'any') for (const peer of peers) if (peer.kind === 'labels') yield peer.selector
}

/** Whoever can give a named port a number. */
const anyNamed = {
  kind: 'labels',
  selector: [{ key: 'io.kubernetes.pod.namespace', operator: 'Exists', values: [] }],
} as const
