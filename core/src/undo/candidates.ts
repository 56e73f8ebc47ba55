import type { Engine } from '../engine.js'
import type { ObjectKey } from '../event/event.js'
import type { Explanation, SideExplanation, SupposedFlow } from '../explain/explain.js'
import { nearestRules } from '../explain/nearest.js'
import type { WrittenObject } from '../output/written.js'
import type { Direction, Origin } from '../policy/rule.js'
import { refusalKey, type ClusterState } from '../state/state.js'
import { verdicts } from '../tables/tables.js'
import { type Candidate, editedObject, objectIn, removed } from './candidate.js'
import type { Edit } from './document.js'
import { type FlowEnd, flowEnd } from './flow-end.js'
import { narrowings, withoutProxy } from './narrowing.js'
import { allowSections, policyKeyOf, ruleAt, spellingOf } from './rule-place.js'
import { before, newDenials, newRules, type Passage, widenings } from './widening.js'

type Edits = readonly (readonly Edit[])[]

/**
 * Changes of policies after which a flow may be judged otherwise, by what decides it now: of a denied flow what denies
 * is taken away, made narrower or given an exception, and what allows is made wider; of an allowed one the other way
 * round. Whether one of them does is for the caller to try.
 */
export function changesFor(engine: Engine, flow: SupposedFlow): readonly Candidate[] {
  const explained = engine.explain(flow)
  const isAllowed = explained.verdict === verdicts.allow
  const sides = [explained.egress, explained.ingress]
  return sides.flatMap(side => {
    if (isAllowed) return closing(engine, explained, side)
    return side.verdict === verdicts.allow ? [] : opening(engine, explained, side)
  })
}

/** A policy that a side names, and how to say there who the other end is. */
interface Policy extends Omit<Passage, 'namespace'> {
  readonly key: ObjectKey
  readonly document: WrittenObject
  readonly state: ClusterState
}

function policyOf(
  { state }: Engine,
  origin: Origin,
  { from, to, flow }: Explanation,
  direction: Direction,
): Policy | undefined {
  const key = policyKeyOf(origin)
  const spelling = key === undefined ? undefined : spellingOf(key.kind)
  const document = key === undefined ? undefined : objectIn(state, key)
  if (key === undefined || spelling === undefined || document === undefined) return undefined
  const peer: FlowEnd | undefined = flowEnd(state, direction === 'ingress' ? from : to)
  return { key, document, spelling, direction, flow, peer, state }
}

const passage = ({ key, ...policy }: Policy): Passage => ({ ...policy, namespace: key.namespace })

function opening(engine: Engine, explained: Explanation, side: SideExplanation): readonly Candidate[] {
  const { direction, decidedBy, reason } = side
  if (reason === 'default-deny') {
    const near = nearestRules(engine, explained)[direction].map(({ origin }) => origin)
    return [
      ...policiesOf(engine, side.isolatedBy, explained, direction).flatMap(isolating),
      ...near.flatMap(origin => wider(engine, origin, explained, direction)),
    ]
  }
  const policy = decidedBy === undefined ? undefined : policyOf(engine, decidedBy.origin, explained, direction)
  if (decidedBy === undefined || policy === undefined) return []
  const rule = ruleAt(policy.document, decidedBy.origin.path)
  if (rule === undefined) return []
  if (reason === 'proxy') return candidates(policy, withoutProxy(rule))
  return [
    ...candidates(policy, [
      [{ kind: 'remove', steps: rule.steps }],
      ...narrowings(policy.document, rule, policy.spelling, policy.peer),
      ...(policy.spelling === 'cluster' ? before(rule, 'Accept', passage(policy)) : []),
      ...(policy.spelling === 'admin' ? before(rule, 'Allow', passage(policy)) : []),
    ]),
    ...present(removed(policy.state, policy.key)),
  ]
}

/** Of a policy that isolates: another rule, wider rules, isolation no more. */
function isolating(policy: Policy): readonly Candidate[] {
  const { document, direction, spelling, state, key } = policy
  const rules = allowSections(document, direction).flatMap(({ steps, value }) =>
    value.map((_, at) => ({ steps: [...steps, at], value: value[at]! })),
  )
  return [
    ...candidates(policy, [
      ...rules.flatMap(rule => widenings(document, rule, passage(policy))),
      ...newRules(document, passage(policy)),
      ...(spelling === 'kubernetes' ? withoutType(document, direction) : []),
      ...(spelling === 'cilium' && document.spec !== undefined
        ? [[{ kind: 'set', steps: ['spec', 'enableDefaultDeny', direction], value: false } as const]]
        : []),
    ]),
    ...present(removed(state, key)),
  ]
}

function withoutType(document: WrittenObject, direction: Direction): Edits {
  const { policyTypes = [] } = document.spec as { readonly policyTypes?: readonly string[] }
  const at = policyTypes.findIndex(type => type.toLowerCase() === direction)
  return policyTypes.length < 2 || at < 0 ? [] : [[{ kind: 'remove', steps: ['spec', 'policyTypes', at] }]]
}

function wider(engine: Engine, origin: Origin, explained: Explanation, direction: Direction): readonly Candidate[] {
  const policy = policyOf(engine, origin, explained, direction)
  const rule = policy === undefined ? undefined : ruleAt(policy.document, origin.path)
  return policy === undefined || rule === undefined
    ? []
    : candidates(policy, widenings(policy.document, rule, passage(policy)))
}

/** Of a side that allows: what allows is taken away or made narrower, or something denies before it. */
function closing(
  engine: Engine,
  explained: Explanation,
  { direction, matched }: SideExplanation,
): readonly Candidate[] {
  return matched
    .filter(({ action }) => action === 'allow')
    .flatMap(({ origin }): readonly Candidate[] => {
      const policy = policyOf(engine, origin, explained, direction)
      const rule = policy === undefined ? undefined : ruleAt(policy.document, origin.path)
      if (policy === undefined || rule === undefined) return []
      return [
        ...candidates(policy, [
          [{ kind: 'remove', steps: rule.steps }],
          ...narrowings(policy.document, rule, policy.spelling, policy.peer),
          ...newDenials(policy.document, passage(policy)),
          ...(policy.spelling === 'cluster' || policy.spelling === 'admin'
            ? before(rule, 'Deny', passage(policy))
            : []),
        ]),
        ...present(removed(policy.state, policy.key)),
      ]
    })
}

function policiesOf(
  engine: Engine,
  origins: readonly Origin[],
  explained: Explanation,
  direction: Direction,
): readonly Policy[] {
  const found = new Map<string, Policy>()
  for (const origin of origins) {
    const policy = policyOf(engine, origin, explained, direction)
    if (policy !== undefined) found.set(refusalKey(policy.key), policy)
  }
  return [...found.values()]
}

const candidates = ({ state, key }: Policy, edits: Edits): readonly Candidate[] =>
  edits.flatMap(each => present(editedObject(state, key, each)))

const present = (candidate: Candidate | undefined): readonly Candidate[] => (candidate === undefined ? [] : [candidate])
