import type { EventBody, EventDraft, ObjectKey } from '@weir/core/event/event.js'
import type { UpsertBody } from '@weir/core/input/kinds.js'
import { sameFact } from '@weir/core/input/same-fact.js'
import type { KnownFacts } from './known.js'
import { keyText, type ManifestObject, type ManifestSet, type Refusal } from './set.js'

export interface DiffOptions {
  /** Milliseconds since the epoch, by the clock of whoever appends. */
  readonly timeMs: number
  /** False for an object that something else than manifests put into the log: it is not deleted. Default: all are owned. */
  readonly owns?: (object: ObjectKey) => boolean
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
  'clusterpolicy.upserted',
  'ciliumpolicy.upserted',
  'networkpolicy.upserted',
  'pod.deleted',
  'pod.upserted',
  'networkpolicy.deleted',
  'ciliumpolicy.deleted',
  'clusterpolicy.deleted',
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
}

const namespacedKey = (kind: string, { namespace, name }: { namespace: string; name: string }): ObjectKey => ({
  kind,
  namespace,
  name,
})

const clusterKey = (kind: string, name: string): ObjectKey => ({ kind, namespace: '', name })

const factOf = (body: UpsertBody): { readonly key: ObjectKey; readonly fact: unknown } => {
  switch (body.kind) {
    case 'namespace.upserted':
      return { key: clusterKey('Namespace', body.namespace.name), fact: body.namespace }
    case 'node.upserted':
      return { key: clusterKey('Node', body.node.name), fact: body.node }
    case 'pod.upserted':
      return { key: namespacedKey('Pod', body.pod), fact: body.pod }
    case 'service.upserted':
      return { key: namespacedKey('Service', body.service), fact: body.service }
    case 'networkpolicy.upserted':
      return { key: namespacedKey('NetworkPolicy', body.policy), fact: body.policy }
    case 'ciliumpolicy.upserted':
      return { key: namespacedKey(body.policy.kind, body.policy), fact: body.policy }
    case 'cidrgroup.upserted':
      return { key: clusterKey('CiliumCIDRGroup', body.group.name), fact: body.group }
    case 'clusterpolicy.upserted':
      return { key: clusterKey(body.policy.kind, body.policy.name), fact: body.policy }
    case 'endpointslice.upserted':
      return { key: namespacedKey('EndpointSlice', body.slice), fact: body.slice }
  }
}

/** Every fact in force, with its key and the event that would end it. */
function* inForce(
  known: KnownFacts,
): Generator<{ key: ObjectKey; workload: string | undefined; fact: unknown; end: EventBody }> {
  const workload = undefined
  for (const { fact } of known.namespaces.values())
    yield {
      key: clusterKey('Namespace', fact.name),
      workload,
      fact,
      end: { kind: 'namespace.deleted', name: fact.name },
    }
  for (const { fact } of known.nodes.values())
    yield { key: clusterKey('Node', fact.name), workload, fact, end: { kind: 'node.deleted', name: fact.name } }
  for (const { fact } of known.pods.values())
    yield { key: namespacedKey('Pod', fact), workload: fact.workload, fact, end: ended('pod.deleted', fact) }
  for (const { fact } of known.services.values())
    yield { key: namespacedKey('Service', fact), workload, fact, end: ended('service.deleted', fact) }
  for (const { fact } of known.policies.values())
    yield { key: namespacedKey('NetworkPolicy', fact), workload, fact, end: ended('networkpolicy.deleted', fact) }
  for (const { fact } of known.endpointSlices?.values() ?? [])
    yield { key: namespacedKey('EndpointSlice', fact), workload, fact, end: ended('endpointslice.deleted', fact) }
  for (const { fact } of known.cidrGroups?.values() ?? []) {
    const end: EventBody = { kind: 'cidrgroup.deleted', name: fact.name }
    yield { key: clusterKey('CiliumCIDRGroup', fact.name), workload, fact, end }
  }
  for (const { fact } of known.ciliumPolicies?.values() ?? []) {
    const { kind: policyKind, namespace, name } = fact
    const end: EventBody = { kind: 'ciliumpolicy.deleted', policyKind, namespace, name }
    yield { key: namespacedKey(policyKind, fact), workload, fact, end }
  }
  for (const { fact } of known.clusterPolicies?.values() ?? []) {
    const { kind: policyKind, name } = fact
    const end: EventBody = { kind: 'clusterpolicy.deleted', policyKind, name }
    yield { key: clusterKey(policyKind, name), workload, fact, end }
  }
}

const ended = (
  kind: 'pod.deleted' | 'service.deleted' | 'networkpolicy.deleted' | 'endpointslice.deleted',
  { namespace, name }: { readonly namespace: string; readonly name: string },
): EventBody => ({ kind, namespace, name })

const sourceOf = ({ file, line }: Pick<ManifestObject, 'file' | 'line'>): string => `manifests:${file}:${line}`

/** The key that a refusal holds for a pod of this workload. */
const workloadKey = (workload: string, namespace: string): string => {
  const slash = workload.indexOf('/')
  return keyText({ kind: workload.slice(0, slash), namespace, name: workload.slice(slash + 1) })
}

function* refused(known: KnownFacts, refusals: readonly Refusal[]): Generator<Keyed> {
  const before = new Map([...known.refusals.values()].map(refusal => [keyText(refusal.object), refusal.problems]))
  for (const refusal of refusals) {
    const { object, problems } = refusal
    if (sameFact(before.get(keyText(object)), problems)) continue
    yield { key: object, body: { kind: 'input.refused', object, problems }, source: sourceOf(refusal) }
  }
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
  const current = new Map([...inForce(known)].map(entry => [keyText(entry.key), entry]))
  const wanted = new Set<string>()
  const drafts: Keyed[] = []
  for (const object of desired.objects)
    for (const body of object.bodies) {
      const { key, fact } = factOf(body)
      wanted.add(keyText(key))
      if (!sameFact(current.get(keyText(key))?.fact, fact)) drafts.push({ key, body, source: sourceOf(object) })
    }
  const held = new Set(desired.refusals.map(({ object }) => keyText(object)))
  const root = `manifests:${desired.root}`
  const ownNode = known.agent?.fact.node
  for (const [text, { key, workload, end }] of current) {
    const isHeld = held.has(text) || (workload !== undefined && held.has(workloadKey(workload, key.namespace)))
    const isAgents = key.kind === 'Node' && key.name === ownNode
    if (desired.incomplete || wanted.has(text) || isHeld || isAgents || !owns(key)) continue
    drafts.push({ key, body: end, source: root })
  }
  drafts.push(...refused(known, desired.refusals))
  for (const { object } of known.refusals.values())
    if (!desired.incomplete && !held.has(keyText(object)) && owns(object))
      drafts.push({ key: object, body: { kind: 'input.accepted', object }, source: root })
  const rank = new Map(draftOrder.map((kind, index) => [kind, index]))
  return drafts
    .sort((a, b) => (rank.get(a.body.kind) ?? 0) - (rank.get(b.body.kind) ?? 0) || compareKeys(a.key, b.key))
    .map(({ body, source }) => ({ ...body, time: options.timeMs, source }))
}
