import type { EventBody, ObjectKey } from '../event/event.js'
import { inputKinds, type UpsertBody } from '../input/kinds.js'
import { canonicalJson } from '../json.js'
import { writtenObject } from '../output/object.js'
import type { WrittenObject } from '../output/written.js'
import { bodyInForce, endOf } from '../state/in-force.js'
import type { ClusterState } from '../state/state.js'
import { type Edit, edited, editedLines, editText } from './document.js'

/** A change of one object, as it stands in a state. */
export interface Candidate {
  readonly object: ObjectKey
  /** Absent of an object that comes. */
  readonly before?: WrittenObject
  /** Absent of one that goes. */
  readonly after?: WrittenObject
  readonly body: EventBody
  /** `remove spec.ingressDeny[0]` */
  readonly change: string
  /** Lines that go and come, of the object as YAML. */
  readonly lines: number
}

/** The object as it is written in a state; undefined of one that isn't there, or that nobody writes. */
export function objectIn(state: ClusterState, key: ObjectKey): WrittenObject | undefined {
  const body = bodyInForce(state, key)
  return body === undefined ? undefined : writtenObject(body)
}

/** The change that these edits are; undefined where they make no legal object, or the same one. */
export function editedObject(
  state: ClusterState,
  object: ObjectKey,
  edits: readonly Edit[],
  change = edits.map(editText).join(', '),
): Candidate | undefined {
  const document = objectIn(state, object)
  if (document === undefined) return undefined
  const after = edits.reduce<unknown>(edited, document)
  return replaced(state, object, after as WrittenObject, change)
}

/** The change that puts an object in the place of what is there, or where nothing is. */
export function replaced(
  state: ClusterState,
  object: ObjectKey,
  after: WrittenObject,
  change: string,
): Candidate | undefined {
  const before = objectIn(state, object)
  const body = parsed(after, bodyInForce(state, object))
  if (body === undefined || (before !== undefined && canonicalJson(before) === canonicalJson(after))) return undefined
  const lines = editedLines(before, after)
  return { object, ...(before !== undefined && { before }), after, body, change, lines }
}

/** The change that takes an object away. */
export function removed(state: ClusterState, object: ObjectKey): Candidate | undefined {
  const [before, body] = [objectIn(state, object), endOf(object)]
  if (before === undefined || body === undefined) return undefined
  return { object, before, body, change: 'delete it', lines: editedLines(before, undefined) }
}

function parsed(written: WrittenObject, standing: UpsertBody | undefined): UpsertBody | undefined {
  const found = inputKinds.get(`${written.apiVersion}/${written.kind}`)?.parse(written)
  if (found === undefined || found._tag === 'Left') return undefined
  const [body] = found.right
  if (body?.kind !== 'pod.upserted' || standing?.kind !== 'pod.upserted') return body
  // What made a pod, and that it ends, is nothing that its manifest says.
  const { workload, terminating } = standing.pod
  const kept = { ...(workload !== undefined && { workload }), ...(terminating === true && { terminating }) }
  return { ...body, pod: { ...body.pod, ...kept } }
}
