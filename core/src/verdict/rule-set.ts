import { entryOf } from '../multimap.js'
import type { LabelMap } from '../identity/labels.js'
import { frameText, peerText } from '../policy/text.js'
import type { AddressScope, Rule } from '../policy/rule.js'
import type { LabelSelector } from '../policy/selector.js'
import { askedOf, type Asked, type BlockPeer } from './block-list.js'
import { portSetIntervals } from './intervals.js'
import type { KeyUse } from './key-use.js'
import {
  portKey,
  type BaseAtom,
  type CidrAtom,
  type CompiledRule,
  type NamedUse,
  type PeersChange,
  type Shape,
  type SubjectAtom,
} from './model.js'
import type { PeerAtoms } from './peer-atoms.js'
import { samePeers, sayingOf, type Saying } from './saying.js'
import { SubjectChanges } from './subject-changes.js'
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
  readonly changes = new SubjectChanges()
  readonly #keys: KeyUse
  readonly #atoms: PeerAtoms
  readonly #byPolicy = new Map<string, readonly CompiledRule[]>()
  #nextRule = 1
  #released: CompiledRule[] = []
  /** Rules that went, and still ask of peers. */
  #bound: CompiledRule[] = []
  /** Rules in force whose peers are others since the last settling. */
  readonly #changed = new Set<CompiledRule>()
  /** Lists of blocks, and what stays of them. */
  #reduced: (readonly [list: CidrAtom, peers: ReadonlyMap<string, BlockPeer>])[] = []
  /** Subject selectors whose rules may have begun to select a local pod, or ceased to. */
  readonly #unsettled = new Set<SubjectAtom>()

  constructor(keys: KeyUse, atoms: PeerAtoms) {
    this.#keys = keys
    this.#atoms = atoms
    this.subjects = new SubjectIndex(keys)
  }

  /** Puts the rules of a policy's new version in force; `[]` when it is gone. What they no longer say goes at `sweep`. */
  replace(policyKey: string, rules: readonly Rule[]): void {
    const before = this.#byPolicy.get(policyKey) ?? []
    this.changes.add([...before.map(({ rule }) => rule.subject), ...rules.map(({ subject }) => subject)])
    const spare = new Map<string, CompiledRule[]>()
    for (const old of before) entryOf(spare, old.frame, () => []).push(old)
    const wanted = rules.map(rule => ({ rule, frame: frameText(rule), saying: sayingOf(rule) }))
    const same = wanted.map(({ frame, saying }) => take(spare.get(frame), old => samePeers(old.saying, saying)))
    const compiled = wanted.map(({ rule, frame, saying }, index) => {
      const kept = same[index] ?? take(spare.get(frame), hasPeersAlone)
      if (kept === undefined) return this.#compile(rule, frame, saying)
      if (same[index] === undefined) this.#changePeers(kept, rule, saying)
      kept.rule = rule
      return kept
    })
    for (const rest of spare.values()) this.#released.push(...rest)
    if (compiled.length > 0) this.#byPolicy.set(policyKey, compiled)
    else this.#byPolicy.delete(policyKey)
  }

  /** Lets go of the replaced rules. Comes after all that is new, so that a selector used by both lives on. */
  sweep(): void {
    if (this.#released.length === 0) return
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

  /**
   * Lets the rules that select local pods ask of peers, and no others. What is asked anew comes before what ends.
   * @returns rules that asked before, and ask other peers now
   */
  settle(): PeersChange[] {
    if (this.#unsettled.size + this.#changed.size + this.#bound.length === 0) return []
    for (const { shapes, rules } of this.#unsettled) if (shapes.size > 0) for (const rule of rules) this.#bind(rule)
    for (const { shapes, rules } of this.#unsettled) if (shapes.size === 0) for (const rule of rules) this.#unbind(rule)
    this.#unsettled.clear()
    const changes = [...this.#changed].filter(({ bound }) => bound).map(rule => this.#rebind(rule))
    this.#changed.clear()
    for (const rule of this.#bound) this.#unbind(rule)
    this.#bound = []
    for (const { ended } of changes) for (const base of ended) this.#atoms.release(base)
    for (const [list, peers] of this.#reduced) this.#atoms.reduceList(list, peers)
    this.#reduced = []
    return changes
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

  /** Asks other peers from the next settling on, if it asks any. */
  #changePeers(compiled: CompiledRule, rule: Rule, saying: Saying): void {
    for (const selector of peerSelectors(rule)) this.#keys.acquire(selector)
    for (const selector of peerSelectors(compiled.rule)) this.#keys.release(selector)
    compiled.saying = saying
    this.#changed.add(compiled)
  }

  #rebind(rule: CompiledRule): PeersChange {
    const { saying, bases: before } = rule
    const [bases, begun, ended] = [new Map<string, BaseAtom>(), [] as BaseAtom[], [] as BaseAtom[]]
    if (saying.peers === 'any' || before === 'any') return { rule, begun, ended }
    const { apart, together } = askedOf(saying.peers)
    for (const [text, peer] of apart) {
      const known = before.get(text)
      const base = known ?? this.#atoms.acquire(peer, text)
      if (known === undefined) begun.push(base)
      bases.set(text, base)
    }
    for (const [scope, peers] of together) {
      const known = before.get(listKey(scope))
      const base = known ?? this.#atoms.acquireList(scope, peers)
      bases.set(listKey(scope), base)
      if (known?.kind !== 'cidr') begun.push(base)
      else {
        this.#atoms.extendList(known, peers)
        this.#reduced.push([known, peers])
      }
    }
    for (const [text, base] of before) if (!bases.has(text)) ended.push(base)
    rule.bases = bases
    return { rule, begun, ended }
  }

  #compile(rule: Rule, frame: string, saying: Saying): CompiledRule {
    const subject = this.subjects.acquire(rule.subject)
    const compiled: CompiledRule = {
      id: this.#nextRule++,
      frame,
      saying,
      rule,
      numbered: portSetIntervals(rule.ports),
      names: rule.ports === 'any' ? [] : rule.ports.named,
      subject,
      bound: false,
      bases: noBases,
      uses: [],
    }
    // Explanations ask the rules of other nodes' pods as well: a label that any rule asks for counts.
    for (const selector of peerSelectors(rule)) this.#keys.acquire(selector)
    subject.rules.add(compiled)
    this.#unsettled.add(subject)
    this.#touch(subject)
    return compiled
  }

  #release(compiled: CompiledRule): void {
    const { rule, subject } = compiled
    for (const selector of peerSelectors(rule)) this.#keys.release(selector)
    // What it would have asked since it was last settled is moot.
    this.#changed.delete(compiled)
    if (compiled.bound) this.#bound.push(compiled)
    subject.rules.delete(compiled)
    this.#touch(subject)
    this.subjects.release(subject)
  }

  #bind(compiled: CompiledRule): void {
    if (compiled.bound) return
    const { rule, saying, names } = compiled
    const bases = saying.peers === 'any' ? 'any' : this.#basesOf(askedOf(saying.peers))
    const uses: NamedUse[] = []
    if (rule.direction === 'egress' && names.length > 0) {
      const resolvers = bases === 'any' ? [this.#atoms.acquire(anyNamed, anyNamedText)] : bases.values()
      for (const base of resolvers) {
        for (const { name, protocol } of names) {
          uses.push(this.#atoms.acquireUse(base, portKey(protocol, name), protocol))
        }
      }
    }
    Object.assign(compiled, { bound: true, bases, uses })
  }

  #basesOf({ apart, together }: Asked): ReadonlyMap<string, BaseAtom> {
    const bases = new Map<string, BaseAtom>()
    for (const [text, peer] of apart) bases.set(text, this.#atoms.acquire(peer, text))
    for (const [scope, peers] of together) bases.set(listKey(scope), this.#atoms.acquireList(scope, peers))
    return bases
  }

  #unbind(compiled: CompiledRule): void {
    const { bases, uses } = compiled
    for (const use of uses) this.#atoms.releaseUse(use)
    if (bases !== 'any') for (const base of bases.values()) this.#atoms.release(base)
    else if (uses.length > 0) this.#atoms.release(uses[0]!.base)
    Object.assign(compiled, { bound: false, bases: noBases, uses: [] })
  }

  #touch(subject: SubjectAtom): void {
    for (const shape of subject.shapes) this.dirtyShapes.add(shape)
  }
}

/** Where a rule's blocks of a scope stand among its bases, if there are several. */
const listKey = (scope: AddressScope): string => `blocks ${scope}`

const noBases: ReadonlyMap<string, BaseAtom> = new Map()

/** Takes the first rule out of a list that passes. */
function take(rules: CompiledRule[] | undefined, passes: (rule: CompiledRule) => boolean): CompiledRule | undefined {
  const at = rules?.findIndex(passes) ?? -1
  return at < 0 ? undefined : rules!.splice(at, 1)[0]
}

/** Whether a rule asks nothing of its peers but who they are. */
const hasPeersAlone = ({ rule, names }: CompiledRule): boolean => rule.direction === 'ingress' || names.length === 0

function* peerSelectors({ peers }: Rule): Iterable<LabelSelector> {
  if (peers !== 'any') for (const peer of peers) if (peer.kind === 'labels') yield peer.selector
}

/** Whoever can give a named port a number. */
const anyNamed = {
  kind: 'labels',
  selector: [{ key: 'io.kubernetes.pod.namespace', operator: 'Exists', values: [] }],
} as const

const anyNamedText = peerText(anyNamed)
