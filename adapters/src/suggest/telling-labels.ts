import type { Labels } from '@weir/core'

/** Labels that select pods, and whether they select no others of those that are there. */
export interface TellingLabels {
  readonly labels: Labels
  readonly exact: boolean
}

/** Keys that say what a workload is, the most usual first. */
const namingKeys = [
  'app.kubernetes.io/name',
  'app',
  'k8s-app',
  'app.kubernetes.io/component',
  'component',
  'tier',
  'app.kubernetes.io/instance',
  'instance',
]

/** Keys that another release of the same workload has another value for: asked only when nothing else tells. */
const changingKeys = ['version', 'app.kubernetes.io/version', 'helm.sh/chart', 'chart', 'release']

/** Most labels of which every choice is tried. */
const triedMost = 3

/**
 * The fewest labels that tell pods from others of their namespace. Where no labels that all of them share do, each kind
 * of them gets labels of its own.
 *
 * @param keeps Says which keys count: those that differ from pod to pod, or from one rollout to the next, don't.
 */
export function tellingLabels(
  pods: readonly Labels[],
  others: readonly Labels[],
  keeps: (key: string) => boolean,
): readonly TellingLabels[] {
  const kept = distinct(pods.map(labels => Object.fromEntries(Object.entries(labels).filter(([key]) => keeps(key)))))
  const together = telling(sharedBy(kept), others)
  if (together.exact || kept.length <= 1) return [together]
  const apart = kept.map(labels => telling(Object.entries(labels), others))
  return apart.every(({ exact }) => exact) ? distinctBy(apart, ({ labels }) => textOf(labels)) : [together]
}

type Label = readonly [key: string, value: string]

function sharedBy(pods: readonly Labels[]): readonly Label[] {
  const [first = {}, ...rest] = pods
  return Object.entries(first).filter(([key, value]) => rest.every(labels => labels[key] === value))
}

function telling(shared: readonly Label[], others: readonly Labels[]): TellingLabels {
  const ranked = [...shared].sort(([a], [b]) => rankOf(a) - rankOf(b) || (a < b ? -1 : 1))
  const isTelling = (chosen: readonly Label[]): boolean =>
    chosen.length > 0 && !others.some(labels => chosen.every(([key, value]) => labels[key] === value))
  for (let size = 1; size <= Math.min(triedMost, ranked.length); size++)
    for (const chosen of choices(ranked, size))
      if (isTelling(chosen)) return { labels: Object.fromEntries(chosen), exact: true }
  return { labels: Object.fromEntries(ranked), exact: isTelling(ranked) }
}

function rankOf(key: string): number {
  const at = namingKeys.indexOf(key)
  if (at >= 0) return at
  return namingKeys.length + (changingKeys.includes(key) ? 1 : 0)
}

/** Every choice of so many, the first items first. */
function* choices<Item>(items: readonly Item[], size: number): Generator<readonly Item[]> {
  if (size === 0) return yield []
  for (let at = 0; at + size <= items.length; at++)
    for (const rest of choices(items.slice(at + 1), size - 1)) yield [items[at]!, ...rest]
}

const textOf = (labels: Labels): string => JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)))

const distinct = (all: readonly Labels[]): readonly Labels[] => distinctBy(all, textOf)

const distinctBy = <Item>(all: readonly Item[], text: (item: Item) => string): readonly Item[] => [
  ...new Map(all.map(item => [text(item), item])).values(),
]
