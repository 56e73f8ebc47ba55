import type { ChangedBy } from '@weir/core/event/changed-by.js'
import type { EventBody, EventDraft, ObjectKey } from '@weir/core/event/event.js'
import { sameFact } from '@weir/core/input/same-fact.js'
import { allInForce, type FactInForce, factOf, inForceOf, podsInForce } from './in-force.js'
import type { KnownFacts } from './known.js'
import { keyText, type ManifestObject, type ManifestPart, type ManifestSet, type Refusal } from './set.js'

export interface DiffOptions {
  /** Milliseconds since the epoch, by the clock of whoever appends. */
  readonly timeMs: number
  /** False for an object that something else than manifests put into the log: it is not deleted. Default: all are owned. */
  readonly owns?: (object: ObjectKey) => boolean
  /** True when the log has all of the set that the reader gave before this one: then only what has changed is compared. */
  readonly afterLast?: boolean
  /** Who says that an object is gone; the set's root when absent. */
  readonly goneBy?: (object: ObjectKey) => string
}

/**
 * The order of drafts within a batch. Policies come before the pods they isolate and go after them, so that no prefix
 * of the batch has a pod without its policy; what policies refer to (blocks of addresses, services and their endpoints)
 * comes before them and goes after them; pods go before others come, so that an address is free before it is given
 * again; whatever is replaced by something of another name is there before the old one goes.
 */
const draftOrder: readonly EventBody['kind'][] = [
  'namespace.upserted',
  'node.upserted',
  'cidrgroup.upserted',
  'endpointslice.upserted',
  'service.upserted',
  'localredirect.upserted',
  'clusterpolicy.upserted',
  'ciliumpolicy.upserted',
  'networkpolicy.upserted',
  'egressgateway.upserted',
  'pod.deleted',
  'pod.upserted',
  'egressgateway.deleted',
  'networkpolicy.deleted',
  'ciliumpolicy.deleted',
  'clusterpolicy.deleted',
  'localredirect.deleted',
  'service.deleted',
  'endpointslice.deleted',
  'cidrgroup.deleted',
  'node.deleted',
  'namespace.deleted',
  'input.refused',
  'input.accepted',
]

interface Keyed {
  readonly key: ObjectKey
  readonly body: EventBody
  readonly source: string
  readonly by?: ChangedBy | undefined
}

type Told = Pick<ManifestObject, 'file' | 'line' | 'origin' | 'isDerived'>

const sourceOf = ({ file, line, origin, isDerived }: Told): string =>
  origin ?? `${isDerived ? 'derived' : 'manifests'}:${file}:${line}`

/** The key that a refusal holds for a pod of this workload. */
const workloadKey = (workload: string, namespace: string): string => {
  const slash = workload.indexOf('/')
  return keyText({ kind: workload.slice(0, slash), namespace, name: workload.slice(slash + 1) })
}

/**
 * Whether an object that the set doesn't have stays as it is: its definition, or that of its workload, is refused, or a
 * file that may hold it can't be read.
 */
export function standsFast({ refusals, incomplete }: ManifestSet): (key: ObjectKey, workload?: string) => boolean {
  const held = new Set(refusals.map(({ object }) => keyText(object)))
  return (key, workload) =>
    incomplete || held.has(keyText(key)) || (workload !== undefined && held.has(workloadKey(workload, key.namespace)))
}

/** @param said Keys of which something else is said: the log then forgets that they were refused. */
function* refused(
  before: ReadonlyMap<string, KnownRefusal>,
  refusals: readonly Refusal[],
  said: ReadonlySet<string>,
): Generator<Keyed> {
  for (const refusal of refusals) {
    const { object, problems } = refusal
    const text = keyText(object)
    if (!said.has(text) && sameFact(before.get(text)?.problems, problems)) continue
    yield { key: object, body: { kind: 'input.refused', object, problems }, source: sourceOf(refusal) }
  }
}

type KnownRefusal = KnownFacts['refusals'] extends ReadonlyMap<string, infer Refused> ? Refused : never

/** What the log has as refused, by key; of a part's keys only. */
function refusalsOf({ refusals }: KnownFacts, part: ManifestPart | undefined): ReadonlyMap<string, KnownRefusal> {
  if (part === undefined) return new Map([...refusals.values()].map(refusal => [keyText(refusal.object), refusal]))
  const found = new Map<string, KnownRefusal>()
  for (const text of part.keys.keys()) {
    const refusal = refusals.get(text)
    if (refusal !== undefined) found.set(text, refusal)
  }
  return found
}

/** Pods that were held for workloads which are no longer refused; nobody else may name them any more. */
function released(
  known: KnownFacts,
  refusedBefore: ReadonlyMap<string, KnownRefusal>,
  refusedNow: ReadonlySet<string>,
): readonly FactInForce[] {
  const accepted = new Set([...refusedBefore.keys()].filter(text => !refusedNow.has(text)))
  if (accepted.size === 0) return []
  return [...podsInForce(known)].filter(
    ({ key, workload }) => workload !== undefined && accepted.has(workloadKey(workload, key.namespace)),
  )
}

const compareKeys = (a: ObjectKey, b: ObjectKey): number => {
  const left = keyText(a)
  const right = keyText(b)
  return left < right ? -1 : left > right ? 1 : 0
}

/**
 * The fewest events that take what the log says to what the set says: upserts of what differs, deletions of what is
 * gone, refusals that are new or have changed, and acceptances of what is no longer refused. An object whose present
 * definition is refused stays as it is, and so do the pods of a refused workload; while the set is incomplete nothing
 * is deleted. The agent's own node belongs to the agent and is never deleted here.
 */
export const diffFacts = (known: KnownFacts, desired: ManifestSet, options: DiffOptions): readonly EventDraft[] => {
  const owns = options.owns ?? (() => true)
  // Nothing else can differ when the set before this one is in the log.
  const part = options.afterLast === true ? desired.changed : undefined
  const { objects, refusals } = part ?? desired
  const refusedBefore = refusalsOf(known, part)
  const refusedNow = new Set(refusals.map(({ object }) => keyText(object)))
  const entries = part === undefined ? [...allInForce(known)] : [...inForceOf(known, part.keys.values())]
  if (part !== undefined) entries.push(...released(known, refusedBefore, refusedNow))
  const current = new Map(entries.map(entry => [keyText(entry.key), entry]))
  const wanted = new Set<string>()
  const drafts: Keyed[] = []
  for (const object of objects)
    for (const body of object.bodies) {
      const { key, fact } = factOf(body)
      wanted.add(keyText(key))
      if (!sameFact(current.get(keyText(key))?.fact, fact))
        drafts.push({ key, body, source: sourceOf(object), by: object.by })
    }
  const isHeld = (text: string): boolean =>
    refusedNow.has(text) || (part !== undefined && !part.keys.has(text) && known.refusals.has(text))
  const goneBy = options.goneBy ?? (() => `manifests:${desired.root}`)
  const ownNode = known.agent?.fact.node
  for (const [text, { key, workload, end }] of current) {
    const held = isHeld(text) || (workload !== undefined && isHeld(workloadKey(workload, key.namespace)))
    const isAgents = key.kind === 'Node' && key.name === ownNode
    if (desired.incomplete || wanted.has(text) || held || isAgents || !owns(key)) continue
    drafts.push({ key, body: end, source: goneBy(key) })
  }
  drafts.push(...refused(refusedBefore, refusals, new Set(drafts.map(({ key }) => keyText(key)))))
  for (const [text, { object }] of refusedBefore)
    if (!desired.incomplete && !refusedNow.has(text) && owns(object))
      drafts.push({ key: object, body: { kind: 'input.accepted', object }, source: goneBy(object) })
  const rank = new Map(draftOrder.map((kind, index) => [kind, index]))
  return drafts
    .sort((a, b) => (rank.get(a.body.kind) ?? 0) - (rank.get(b.body.kind) ?? 0) || compareKeys(a.key, b.key))
    .map(({ body, source, by }) => ({ ...body, time: options.timeMs, source, ...(by !== undefined && { by }) }))
}
