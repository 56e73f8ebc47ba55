import { Engine, type FlowQuery, packetKey, type WeirEvent } from '@weir/core'
import { parseAddress, prefixText } from '@weir/core/address/address.js'
import { type PairChange, pairChanges } from '@weir/core/compare/compare.js'
import { readingsOf } from '@weir/core/compare/ends.js'
import type { End } from '@weir/core/compare/ends.js'
import { NamedPrefixes, nodesOf } from '@weir/core/compare/residents.js'
import type { Explanation } from '@weir/core/explain/explain.js'
import { verdicts } from '@weir/core/tables/tables.js'
import { contains } from '@weir/core/verdict/intervals.js'
import { interestingAddresses, interestingPorts } from '../../oracle/generate/flows.js'
import { clusterOf } from '../../oracle/index.js'

/** Two states: after some events, and after some more. */
export interface States {
  readonly before: Engine
  readonly after: Engine
  readonly events: readonly WeirEvent[]
}

export function statesOf(events: readonly WeirEvent[], more: readonly WeirEvent[]): States {
  const before = new Engine()
  before.apply(events)
  const after = Engine.restore(structuredClone(before.snapshot()))
  after.apply(more)
  return { before, after, events: [...events, ...more] }
}

/** What the comparison says of one flow. */
export type Told = 'newly-allowed' | 'newly-denied' | 'changed-l7' | 'same'

/** Looks single flows up in what a comparison says about classes. */
export class Lookup {
  readonly changes: readonly PairChange[]
  readonly #prefixes: NamedPrefixes
  readonly #byEnds = new Map<string, PairChange[]>()

  constructor({ before, after }: States) {
    this.changes = pairChanges(readingsOf([before, after])).changes
    const rules = [...before.rules(), ...after.rules()]
    this.#prefixes = new NamedPrefixes(rules.flatMap(({ peers }) => (peers === 'any' ? [] : peers)))
    for (const change of this.changes) {
      for (const from of change.fromMembers)
        for (const to of change.toMembers) {
          const key = `${this.#member(from)} → ${this.#member(to)} ${change.from.family} ${change.own.join()}`
          // Two addresses of a node that no rule tells apart are told of once.
          this.#byEnds.set(key, [...new Set([...(this.#byEnds.get(key) ?? []), change])])
        }
    }
  }

  tells(before: Asked, after: Asked): readonly Told[] {
    const { flow, from, to } = before.explanation
    // Pods and nodes always reach themselves, whatever becomes of flows between them and others of their class.
    if (from.kind !== 'world' && from.kind === to.kind && from.name === to.name) return []
    const family = flow.from.includes(':') ? 6 : 4
    const own = [before.own, after.own].join()
    const key = `${this.#end(from)} → ${this.#end(to)} ${family} ${own}`
    const packet = packetKey(flow.protocol, flow.port)
    return (this.#byEnds.get(key) ?? []).flatMap(({ differences }) =>
      differences.filter(({ keys }) => contains(keys, packet)).map(({ change }) => change as Told),
    )
  }

  /** A node may have addresses that rules tell apart; each is an end. */
  #member({ kind, name, faces: [face] }: End): string {
    return kind === 'node' ? `${kind} ${name} ${prefixText(face!.address)}` : `${kind} ${name}`
  }

  #end({ kind, name, address }: Explanation['from']): string {
    if (kind === 'node') return `${kind} ${name} ${prefixText(this.#prefixes.around(parseAddress(address)!))}`
    if (kind !== 'world') return `${kind} ${name}`
    return `world ${prefixText(this.#prefixes.around(parseAddress(address)!))}`
  }
}

/** Every flow between addresses that are the same party's in both states; its whole list of addresses must be. */
export function* flowsOf({ before, after, events }: States, limit: number, salt: number) {
  const cluster = clusterOf(events)
  const ports = interestingPorts(cluster)
  const addresses = interestingAddresses(cluster)
  const party = (engine: Engine, address: string) => {
    const { from } = engine.explain({ from: address, to: address, protocol: 6, port: 1 })
    if (from.kind === 'world') return from.kind
    if (from.kind === 'node')
      return `node ${from.name} ${[...(nodesOf(engine.state).get(from.name) ?? [])].sort().join()}`
    return `pod ${from.name} ${engine.state.pods.get(from.name)!.fact.addresses.join()}`
  }
  const same = addresses.filter(address => party(before, address) === party(after, address))
  const total = same.length * same.length * ports.length
  const stride = total <= limit ? 1 : Math.max(1, Math.floor(total / limit) | 1)
  for (let at = salt % stride; at < total; at += stride) {
    const port = ports[at % ports.length]!
    const pair = Math.floor(at / ports.length)
    const from = same[pair % same.length]!
    const to = same[Math.floor(pair / same.length)]!
    if (from.includes(':') === to.includes(':')) yield { from, to, ...port }
  }
}

/** The node that is the host to a pod. */
function hostOf(engine: Engine, pod: string): string {
  const { state } = engine
  const agent = state.agent?.fact.node
  const node = state.pods.get(pod)!.fact.node
  return state.endpoints.has(pod) ? (agent ?? '') : node
}

/** A flow explained in one state. */
export interface Asked {
  readonly explanation: Explanation
  /** Whether it is between a pod and the node that runs it. */
  readonly own: boolean
}

export function asked(engine: Engine, flow: FlowQuery): Asked {
  const explanation = engine.explain(flow)
  const { from, to } = explanation
  const [pod, node] = from.kind === 'pod' ? [from, to] : [to, from]
  const own = pod.kind === 'pod' && node.kind === 'node' && node.name !== '' && hostOf(engine, pod.name) === node.name
  return { explanation, own }
}

export function truth(before: Asked, after: Asked): Told {
  const [a, b] = [before, after].map(({ explanation }) => explanation.verdict === verdicts.allow)
  return a === b ? 'same' : b ? 'newly-allowed' : 'newly-denied'
}
