import type { ObjectKey } from '../event/event.js'
import type { PathStep } from '../input/path.js'
import type { WrittenObject } from '../output/written.js'
import type { ClusterState } from '../state/state.js'
import { type Candidate, editedObject, objectIn, removed, replaced } from './candidate.js'
import { editsBetween, valueAt } from './document.js'

/**
 * Ways to have an object as it was, whole and in part: each single change that leads back, and of a policy that is gone
 * each of its rules alone.
 *
 * @param good the state in which it was well
 * @param bad the state to change
 */
export function puttingBack(good: ClusterState, bad: ClusterState, object: ObjectKey): readonly Candidate[] {
  const [was, is] = [objectIn(good, object), objectIn(bad, object)]
  if (was === undefined) return present([removed(bad, object)])
  if (is === undefined) return present([replaced(bad, object, was, 'put it back'), ...inPart(bad, object, was)])
  const edits = editsBetween(is, was)
  return present([
    ...edits.map(edit => editedObject(bad, object, [edit])),
    // All at once is one of them where there is one alone.
    ...(edits.length > 1 ? [replaced(bad, object, was, 'put it back as it was')] : []),
  ])
}

const sections = ['ingress', 'ingressDeny', 'egress', 'egressDeny'] as const

/** A policy with one of its rules and no others. */
function inPart(bad: ClusterState, object: ObjectKey, was: WrittenObject): readonly (Candidate | undefined)[] {
  const spec = was.spec
  if (typeof spec !== 'object' || spec === null) return []
  const places = sections.flatMap(section => {
    const rules = valueAt(spec, [section])
    return Array.isArray(rules) ? rules.map((_, at): readonly PathStep[] => [section, at]) : []
  })
  if (places.length < 2) return []
  return places.map(([section, at]) => {
    const others = Object.fromEntries(
      Object.entries(spec).flatMap(([name, value]) => {
        if (!sections.some(each => each === name)) return [[name, value]]
        return name === section ? [[name, [(value as readonly unknown[])[Number(at)]]]] : []
      }),
    )
    return replaced(bad, object, { ...was, spec: others }, `put it back with spec.${section}[${at}] alone`)
  })
}

const present = (candidates: readonly (Candidate | undefined)[]): readonly Candidate[] =>
  candidates.filter(candidate => candidate !== undefined)
