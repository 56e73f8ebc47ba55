import { counted } from '../counted.js'
import { entryOf } from '../multimap.js'
import { derivedKeys } from '../identity/labels.js'
import { selectorText } from '../policy/match.js'
import type { LabelSelector } from '../policy/selector.js'
import type { End, Reading } from './ends.js'
import { cubeSelectors } from './key-set.js'
import type { Remainders } from './remainders.js'
import { workloadName } from './residents.js'

/** Who sends or receives, as a reader knows him. */
export interface Party {
  /** `selector`: pods that a rule names and that aren't there. */
  readonly kind: 'workload' | 'pod' | 'selector' | 'host' | 'remote-node' | 'world'
  /** `payments/web`; a selector; a node's name or '' for every node; a prefix, `world` for a /0. */
  readonly name: string
  /** Of a prefix: the narrower ones that rules name and that aren't meant. */
  readonly except?: readonly string[]
  /** `namespace/name` of each pod. */
  readonly pods: readonly string[]
  /** Of pods and nodes that aren't there: who they are. */
  readonly selector?: LabelSelector
  /** Of pods and nodes that aren't there: the one that is and that is as they would be. */
  readonly like?: string
  /** Of pods and nodes that aren't there: the prefix that rules name around their addresses. */
  readonly within?: string
  /** Set when he is in one of the states only. */
  readonly only?: 'before' | 'after'
}

/** A party as a line shows it. */
export function partyText({ kind, name, except, only, like, within, selector }: Party): string {
  const where = only === undefined ? '' : ` (only ${only})`
  if (selector !== undefined) {
    const isAny = kind !== 'selector' && selector.length === 0
    if (isAny && like === undefined && within === undefined) return kind
    const who = kind === 'selector' ? name : `${kind} ${name}`.trimEnd()
    const place = within === undefined ? '' : ` at ${within}`
    return like === undefined ? `${who}${place} (none now)` : `${who}${place} (besides ${like})`
  }
  if (kind === 'host' || kind === 'remote-node') return name === '' ? kind : `${kind} ${name}${where}`
  return name + (except === undefined ? '' : ` except ${exceptText(except)}`) + where
}

/** Blocks that are told one by one; of more the others are counted. */
const toldMax = 12

function exceptText(blocks: readonly string[]): string {
  const more = blocks.length - toldMax
  return more <= 0 ? blocks.join(', ') : `${blocks.slice(0, toldMax).join(', ')} and ${counted(more, 'more block')}`
}

/** Says of the blocks of one line which narrower ones aren't meant with them. */
export function withRemainders<Of extends Party>(parties: readonly Of[], remainders: Remainders): Of[] {
  const isBlock = ({ kind, name }: Of): boolean => kind === 'world' && name !== 'world'
  const blocks = new Map(parties.filter(isBlock).map(each => [each.name, each]))
  if (blocks.size === 0) return [...parties]
  const told = remainders.of(new Set(blocks.keys()))
  return [
    ...parties.filter(each => !isBlock(each)),
    ...told.map(({ block, except }) => ({ ...blocks.get(block)!, ...(except.length > 0 && { except }) })),
  ]
}

/** A party, or a pod or node to come whose name waits for others of its line. */
export type NamedEnd = Party & { readonly end?: End }

/** Gives pods and nodes to come of one line their names: those that few selectors mean together. */
export function settledParties(named: readonly NamedEnd[]): Party[] {
  const coming = named.flatMap(({ kind, end }) => (end === undefined ? [] : [{ kind, end }]))
  return [...named.filter(({ end }) => end === undefined), ...prospectParties(coming)]
}

/** Names ends: a workload when all of its pods are among them, else its pods one by one. */
export class Parties {
  /** How many pods each workload has, whether or not anything changes for them. */
  readonly #sizes = new Map<string, number>()
  readonly #nodes: number

  constructor(readings: readonly Reading[]) {
    const names = new Set(readings.flatMap(({ residents }) => [...residents.keys()]))
    for (const name of names) {
      const { pod } = readings.findLast(({ residents }) => residents.has(name))!.residents.get(name)!
      const workload = workloadName(pod)
      this.#sizes.set(workload, (this.#sizes.get(workload) ?? 0) + 1)
    }
    const nodes = new Set(readings.flatMap(({ nodes: each }) => [...each.keys()]))
    // One that is alone goes by its name: others may come.
    this.#nodes = Math.max(nodes.size, 2)
  }

  /** @param own of nodes: whether they are the other end's own */
  of(members: readonly End[], own: boolean): NamedEnd[] {
    const kind = members[0]?.kind
    if (kind === 'node') return this.#nodesAs(own ? 'host' : 'remote-node', members)
    if (kind === 'hypothetical') return members.map(end => ({ ...party('selector', end.name, [], undefined), end }))
    if (kind === 'world') {
      const names = new Set(members.map(({ name }) => (name.endsWith('/0') ? 'world' : name)))
      return [...names].map(name => party('world', name, [], undefined))
    }
    const byWorkload = new Map<string, Map<string, End>>()
    for (const end of members) entryOf(byWorkload, end.workload, () => new Map()).set(end.name, end)
    return [...byWorkload].flatMap(([workload, pods]) => {
      const names = [...pods.keys()].sort()
      const whole = names.length === this.#sizes.get(workload)
      const onlys = new Set([...pods.values()].map(onlyOf))
      if (whole && onlys.size === 1) return [party('workload', workload, names, [...onlys][0])]
      return [...pods].map(([name, end]) => party('pod', name, [name], onlyOf(end)))
    })
  }

  #nodesAs(kind: 'host' | 'remote-node', members: readonly End[]): NamedEnd[] {
    if (members[0]?.prospect !== undefined)
      return members.map(end => ({ ...party(kind, end.name, [], undefined), end }))
    const names = new Map(members.map(end => [end.name, end]))
    if (names.size === this.#nodes) return [{ kind, name: '', pods: [] }]
    return [...names].map(([name, end]) => party(kind, name, [], name === '' ? undefined : onlyOf(end)))
  }
}

/** Those to come: one party per selector that it takes to mean them. */
function prospectParties(members: readonly { readonly kind: Party['kind']; readonly end: End }[]): Party[] {
  const byPlace = new Map<string, { readonly kind: Party['kind']; readonly ends: End[] }>()
  for (const { kind, end } of members) {
    const place = `${kind} ${end.prospect?.within ?? ''} ${end.prospect?.like ?? ''}`
    entryOf(byPlace, place, () => ({ kind, ends: [] })).ends.push(end)
  }
  return [...byPlace.values()].flatMap(({ kind, ends }) =>
    cubeSelectors(ends.flatMap(({ prospect }) => prospect?.cubes ?? [])).map(selector => ({
      kind,
      name:
        kind === 'selector' ? prospectText(selector, ends[0]!.prospect?.namespaces ?? []) : nodeProspectText(selector),
      pods: [],
      selector,
      ...(ends[0]!.prospect?.like !== undefined && { like: ends[0]!.prospect.like }),
      ...(ends[0]!.prospect?.within !== undefined && { within: ends[0]!.prospect.within }),
    })),
  )
}

/** A selector of nodes by their own labels as a reader takes it. */
export const nodeProspectText = (selector: LabelSelector): string =>
  selector.length === 0 ? '' : `with ${selectorText(selector)}`

/** A selector as a reader takes it; one that leaves out every namespace there is means namespaces to come. */
export function prospectText(selector: LabelSelector, namespaces: readonly string[]): string {
  const isNew = ({ key, operator, values }: LabelSelector[number]): boolean =>
    key === derivedKeys.namespace &&
    operator === 'NotIn' &&
    namespaces.length > 0 &&
    namespaces.every(name => values.includes(name))
  const rest = selector.filter(requirement => !isNew(requirement))
  const where = rest.length === selector.length ? '' : ' in a namespace to come'
  return rest.length === 0 ? `other pods${where}` : `pods with ${selectorText(rest)}${where}`
}

function party(kind: Party['kind'], name: string, pods: readonly string[], only: Party['only']): Party {
  return { kind, name, pods, ...(only !== undefined && { only }) }
}

function onlyOf({ present }: End): Party['only'] {
  const [before, after] = present
  return before === after ? undefined : before ? 'before' : 'after'
}
