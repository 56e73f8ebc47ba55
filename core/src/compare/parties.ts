import { entryOf } from '../multimap.js'
import type { EndClass } from './classes.js'
import type { End } from './ends.js'

/** Who sends or receives, as a reader knows him. */
export interface Party {
  /** `selector`: pods that a rule names and that aren't there. */
  readonly kind: 'workload' | 'pod' | 'selector' | 'host' | 'remote-node' | 'world'
  /** `payments/web`; a selector; a node's name or '' for every node; a prefix, `world` for a /0. */
  readonly name: string
  /** `namespace/name` of each pod. */
  readonly pods: readonly string[]
  /** Set when he is in one of the states only. */
  readonly only?: 'before' | 'after'
}

/** A party as a line shows it. */
export function partyText({ kind, name, only }: Party): string {
  const where = only === undefined ? '' : ` (only ${only})`
  if (kind === 'selector') return `pods with ${name} (none now)`
  if (kind === 'host' || kind === 'remote-node') return name === '' ? kind : `${kind} ${name}${where}`
  return name + where
}

/** Names ends: a workload when all of its pods are among them, else its pods one by one. */
export class Parties {
  /** Names of the pods of each workload, whether or not anything changes for them. */
  readonly #workloads = new Map<string, Set<string>>()
  readonly #nodes = new Set<string>()

  constructor(classes: Iterable<EndClass>) {
    for (const { kind, members } of classes) {
      for (const { workload, name } of members) {
        if (kind === 'pod') entryOf(this.#workloads, workload, () => new Set()).add(name)
        if (kind === 'node') this.#nodes.add(name)
      }
    }
  }

  /** @param own of nodes: whether they are the other end's own */
  of(members: readonly End[], own: boolean): Party[] {
    const kind = members[0]?.kind
    if (kind === 'node') return this.#nodesAs(own ? 'host' : 'remote-node', members)
    if (kind !== 'pod') {
      const names = new Set(members.map(({ name }) => (kind === 'world' && name.endsWith('/0') ? 'world' : name)))
      return [...names].map(name => party(kind === 'world' ? 'world' : 'selector', name, [], undefined))
    }
    const byWorkload = new Map<string, Map<string, End>>()
    for (const end of members) entryOf(byWorkload, end.workload, () => new Map()).set(end.name, end)
    return [...byWorkload].flatMap(([workload, pods]) => {
      const names = [...pods.keys()].sort()
      const whole = names.length === this.#workloads.get(workload)?.size
      const onlys = new Set([...pods.values()].map(onlyOf))
      if (whole && onlys.size === 1) return [party('workload', workload, names, [...onlys][0])]
      return [...pods].map(([name, end]) => party('pod', name, [name], onlyOf(end)))
    })
  }

  #nodesAs(kind: 'host' | 'remote-node', members: readonly End[]): Party[] {
    const names = new Map(members.map(end => [end.name, end]))
    if (names.size === this.#nodes.size) return [{ kind, name: '', pods: [] }]
    return [...names].map(([name, end]) => party(kind, name, [], name === '' ? undefined : onlyOf(end)))
  }
}

function party(kind: Party['kind'], name: string, pods: readonly string[], only: Party['only']): Party {
  return { kind, name, pods, ...(only !== undefined && { only }) }
}

function onlyOf({ present }: End): Party['only'] {
  const [before, after] = present
  return before === after ? undefined : before ? 'before' : 'after'
}
