import type { Labels } from '../event/event.js'
import type { PathStep } from '../input/path.js'
import type { WrittenObject } from '../output/written.js'
import { derivedKeys } from '../identity/labels.js'
import type { Edit } from './document.js'
import { blockOf, type FlowEnd } from './flow-end.js'
import { peerLists, type Placed, placed, portLists, type Spelling } from './rule-place.js'

type Map = Readonly<Record<string, unknown>>

/**
 * Ways to have a rule mean somebody no more, or not on some port: without a peer or a port of several, with an exception
 * from a block, with a label that a selector's pods must not have.
 */
export function narrowings(
  document: WrittenObject,
  rule: Placed<Map>,
  spelling: Spelling,
  peer: FlowEnd | undefined,
): readonly (readonly Edit[])[] {
  const peers = peerLists(document, rule)
  return [
    ...withoutOne(peers),
    ...withoutOne(portLists(document, rule)),
    ...(peer === undefined ? [] : peers.flatMap(list => list.value.flatMap((_, at) => excluding(list, at, peer)))),
    ...(rule.value.toPorts === undefined ? [] : withoutOne([placed(document, [...rule.steps, 'toPorts'])!])),
    ...(spelling === 'cluster' || spelling === 'admin' ? withoutOne(networksIn(document, peers)) : []),
  ]
}

/** The last item has to stay: lists without items mean everybody, or every port. */
const withoutOne = (lists: readonly Placed<readonly unknown[]>[]): readonly (readonly Edit[])[] =>
  lists
    .filter(({ value }) => value.length > 1)
    .flatMap(({ steps, value }) => value.map((_, at): readonly Edit[] => [{ kind: 'remove', steps: [...steps, at] }]))

const networksIn = (
  document: WrittenObject,
  lists: readonly Placed<readonly unknown[]>[],
): readonly Placed<readonly unknown[]>[] =>
  lists.flatMap(({ steps, value }) =>
    value.flatMap((_, at) => placed<readonly unknown[]>(document, [...steps, at, 'networks']) ?? []),
  )

/** Ways to leave somebody out of a peer. */
function excluding(list: Placed<readonly unknown[]>, at: number, end: FlowEnd): readonly (readonly Edit[])[] {
  const item = list.value[at] as Map | string
  const steps = [...list.steps, at]
  if (typeof item === 'string') return []
  if (end.kind !== 'pod') {
    const block = item.ipBlock === undefined ? steps : [...steps, 'ipBlock']
    const written = (item.ipBlock ?? item) as Map
    if (written.cidr === undefined && written.cidrGroupRef === undefined && written.cidrGroupSelector === undefined)
      return []
    return [[insertion(written.except, [...block, 'except'], blockOf(end.address))]]
  }
  const isEndpoints = list.steps.at(-1)?.toString().endsWith('Endpoints') === true
  return [
    ...(isEndpoints ? lacking(item, steps, podLabels(end)) : []),
    ...(['podSelector', 'namespaceSelector', 'namespaces'] as const).flatMap(field =>
      selectorEdits(item, steps, field, end),
    ),
    ...(item.pods === undefined
      ? []
      : (['podSelector', 'namespaceSelector'] as const).flatMap(field =>
          selectorEdits(item.pods as Map, [...steps, 'pods'], field, end),
        )),
  ]
}

function selectorEdits(
  item: Map,
  steps: readonly PathStep[],
  field: 'podSelector' | 'namespaceSelector' | 'namespaces',
  end: FlowEnd & { readonly kind: 'pod' },
): readonly (readonly Edit[])[] {
  const selector = item[field] as Map | undefined
  // A namespace's selector says that the pods of other namespaces are meant too: it can't come from nothing.
  if (selector === undefined) return []
  return lacking(selector, [...steps, field], field === 'podSelector' ? end.labels : end.namespaceLabels)
}

/** As a Cilium policy's selector sees them. */
const podLabels = ({ namespace, labels }: FlowEnd & { readonly kind: 'pod' }): Labels => ({
  ...labels,
  [`k8s:${derivedKeys.namespace}`]: namespace,
})

/** A requirement more, for each label that somebody has: not to have it. */
function lacking(selector: Map, steps: readonly PathStep[], labels: Labels): readonly (readonly Edit[])[] {
  const asked = (selector.matchLabels ?? {}) as Labels
  return Object.entries(labels)
    .filter(([key]) => !Object.hasOwn(asked, key))
    .map(([key, value]) => [
      insertion(selector.matchExpressions, [...steps, 'matchExpressions'], { key, operator: 'NotIn', values: [value] }),
    ])
}

/** Behind the last item of a list, which may not be there yet. */
export function insertion(list: unknown, steps: readonly PathStep[], value: unknown): Edit {
  const at = Array.isArray(list) ? list.length : 0
  return { kind: 'insert', steps: [...steps, at], value }
}

/** Rules that a proxy needs for: without them an allowance lets pass by itself. */
export const withoutProxy = (rule: Placed<Map>): readonly (readonly Edit[])[] => {
  const entries = (rule.value.toPorts as readonly Map[] | undefined) ?? []
  return entries.flatMap((entry, at): readonly (readonly Edit[])[] =>
    entry.rules === undefined ? [] : [[{ kind: 'remove', steps: [...rule.steps, 'toPorts', at, 'rules'] }]],
  )
}
