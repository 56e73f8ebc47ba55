import type { FlowChange, FlowParty } from '@weir/core'
import { entryOf } from '@weir/core/multimap.js'

/** Pairs of pods, nodes and blocks that are there, between which a change takes flows away or brings some. */
export interface ClosingCount {
  /** Pairs that lose flows that would pass now. */
  readonly closed: number
  /** Of them, those that lose every flow of an address family. */
  readonly wholly: number
  /** Pairs that get flows that wouldn't pass now. */
  readonly opened: number
}

/** Protocols and ports that there are. */
const keysAll = 256 * 65_536

/** Counts pairs, from the exact difference of two states. */
export function closingOf(changes: readonly FlowChange[]): ClosingCount {
  const lost = new Map<string, Map<number, number>>()
  const opened = new Set<string>()
  for (const { change, from, to, families, ports } of changes) {
    if (change === 'changed-l7') continue
    const keys = ports.reduce(
      (sum, { protocols, ports: [first, last] }) => sum + (protocols[1] - protocols[0] + 1) * (last - first + 1),
      0,
    )
    for (const source of from.flatMap(membersOf))
      for (const target of to.flatMap(membersOf)) {
        if (source === target) continue
        const pair = `${source} ${target}`
        if (change === 'newly-allowed') opened.add(pair)
        else {
          const byFamily = entryOf(lost, pair, () => new Map<number, number>())
          for (const family of families) byFamily.set(family, (byFamily.get(family) ?? 0) + keys)
        }
      }
  }
  const wholly = [...lost.values()].filter(byFamily => [...byFamily.values()].includes(keysAll))
  return { closed: lost.size, wholly: wholly.length, opened: opened.size }
}

/** Those who are there; whoever might come is another matter. */
function membersOf({ kind, name, pods, selector }: FlowParty): readonly string[] {
  if (kind === 'workload' || kind === 'pod') return pods
  return selector === undefined ? [`${kind} ${name}`] : []
}
