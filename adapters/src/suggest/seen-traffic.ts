import { type Direction, type FlowQuery, packetKey, type Party, type PodFact, verdicts } from '@weir/core'
import { nodesOf, workloadName } from '@weir/core/compare/residents.js'
import { entryOf } from '@weir/core/multimap.js'
import { type EventLog, type FlowBlock, type FlowStore, type ReadFlows, selectRows } from '@weir/store'
import { LogWalk } from '../flows/log-walk.js'

/** Who talked with a workload. */
export type SeenPeer =
  /** Pods, as each was at its time: `namespace/workload`. */
  | { readonly kind: 'pods'; readonly workload: string; readonly pods: readonly PodFact[] }
  /** A node; `isOwn`: the one that runs the pod on the other end. */
  | { readonly kind: 'node'; readonly isOwn: boolean; readonly addresses: readonly string[] }
  | { readonly kind: 'outside'; readonly address: string }

/** A peer, and the packet keys (`packetKey`) that were used with it. */
export interface SeenEnd {
  readonly peer: SeenPeer
  readonly keys: ReadonlySet<number>
}

/** What a workload's pods were seen to do, and were allowed to. */
export interface SeenTraffic {
  readonly ends: Readonly<Record<Direction, readonly SeenEnd[]>>
  /** Recorded flows, those of both directions. */
  readonly flows: number
  /** Allowed by the datapath while the log says otherwise: as a change took effect. They are left out. */
  readonly disputed: number
}

/**
 * Goes over the recorded flows that were allowed, each with the pods, nodes and labels of its own time. Replies, what a
 * pod sends to itself and what its own node sends to it are no matter of policy.
 *
 * @param workload `namespace/workload`
 */
export async function seenTraffic(
  log: EventLog,
  store: FlowStore,
  query: Omit<ReadFlows, 'newestFirst' | 'verdicts'>,
  workload: string,
): Promise<SeenTraffic> {
  const allowed = { ...query, verdicts: ['allowed'] as const }
  let seeing: Seeing | undefined
  try {
    for await (const block of store.read(allowed)) {
      const rows = selectRows(block, allowed)
      if (rows.length === 0) continue
      seeing ??= new Seeing(await LogWalk.from(log, block.seq[rows[0]!]!), workload)
      await seeing.see(block, rows)
    }
    return seeing?.traffic() ?? { ends: { ingress: [], egress: [] }, flows: 0, disputed: 0 }
  } finally {
    await seeing?.close()
  }
}

interface Gathered {
  readonly peer: SeenPeer
  readonly pods: Map<string, PodFact>
  readonly addresses: Set<string>
  readonly keys: Set<number>
}

class Seeing {
  readonly #walk: LogWalk
  readonly #workload: string
  readonly #ends: Readonly<Record<Direction, Map<string, Gathered>>> = { ingress: new Map(), egress: new Map() }
  /** Addresses of the workload's pods in the walk's state. */
  #own: ReadonlySet<string> | undefined
  /** Flows that were looked into since the state changed: whether they are the workload's, or disputed. */
  readonly #known = new Map<string, 'own' | 'disputed' | 'other'>()
  #flows = 0
  #disputed = 0

  constructor(walk: LogWalk, workload: string) {
    this.#walk = walk
    this.#workload = workload
  }

  async see(block: FlowBlock, rows: Uint32Array): Promise<void> {
    for (const row of rows) {
      if (this.#walk.engine.seq < block.seq[row]!) await this.#advance(block.seq[row]!)
      const { protocol, port, isReply } = block.sorts[block.sort[row]!]!
      if (isReply) continue
      const from = block.ends[block.source[row]!]!.address
      const to = block.ends[block.destination[row]!]!.address
      this.#own ??= this.#addresses()
      if (!this.#own.has(from) && !this.#own.has(to)) continue
      const text = `${from} ${to} ${protocol} ${port}`
      const found = entryOf(this.#known, text, () => this.#look({ from, to, protocol, port }))
      if (found === 'own') this.#flows++
      if (found === 'disputed') this.#disputed++
    }
  }

  traffic(): SeenTraffic {
    const endsOf = (direction: Direction): SeenEnd[] =>
      [...this.#ends[direction].values()].map(({ peer, pods, addresses, keys }) => ({
        peer:
          peer.kind === 'pods'
            ? { ...peer, pods: [...pods.values()] }
            : peer.kind === 'node'
              ? { ...peer, addresses: [...addresses] }
              : peer,
        keys,
      }))
    return {
      ends: { ingress: endsOf('ingress'), egress: endsOf('egress') },
      flows: this.#flows,
      disputed: this.#disputed,
    }
  }

  close(): Promise<void> {
    return this.#walk.close()
  }

  async #advance(seq: number): Promise<void> {
    const events = await this.#walk.to(seq)
    if (events.length === 0) return
    this.#known.clear()
    if (events.some(({ kind }) => kind.startsWith('pod.'))) this.#own = undefined
  }

  #addresses(): ReadonlySet<string> {
    const pods = [...this.#walk.engine.state.pods.values()]
    return new Set(
      pods.flatMap(({ fact }) => (!fact.hostNetwork && workloadName(fact) === this.#workload ? fact.addresses : [])),
    )
  }

  #look(flow: FlowQuery): 'own' | 'disputed' | 'other' {
    const { engine } = this.#walk
    const { from, to } = engine.explain(flow)
    const [sender, receiver] = [this.#podOf(from), this.#podOf(to)]
    const isOwn = { egress: this.#isOwn(sender), ingress: this.#isOwn(receiver) }
    if ((!isOwn.egress && !isOwn.ingress) || from.name === to.name) return 'other'
    if (engine.verdict(flow) !== verdicts.allow) return 'disputed'
    const key = packetKey(flow.protocol, flow.port)
    if (isOwn.egress) this.#note('egress', sender!, to, key)
    if (isOwn.ingress && !this.#isOwnNode(from, receiver!)) this.#note('ingress', receiver!, from, key)
    return 'own'
  }

  #podOf({ kind, name }: Party): PodFact | undefined {
    return kind === 'pod' ? this.#walk.engine.state.pods.get(name)?.fact : undefined
  }

  #isOwn(pod: PodFact | undefined): boolean {
    return pod !== undefined && workloadName(pod) === this.#workload
  }

  #isOwnNode({ kind, name }: Party, { node }: PodFact): boolean {
    return kind === 'node' && name === node
  }

  #note(direction: Direction, own: PodFact, party: Party, key: number): void {
    const pod = this.#podOf(party)
    const peer: SeenPeer =
      pod !== undefined
        ? { kind: 'pods', workload: workloadName(pod), pods: [] }
        : party.kind === 'node'
          ? { kind: 'node', isOwn: this.#isOwnNode(party, own), addresses: [] }
          : { kind: 'outside', address: party.address }
    const text =
      pod !== undefined ? workloadName(pod) : party.kind === 'node' ? `${party.name} ${own.node}` : party.address
    const gathered = entryOf(this.#ends[direction], `${peer.kind} ${text}`, () => ({
      ...{ peer, pods: new Map(), addresses: new Set<string>(), keys: new Set<number>() },
    }))
    gathered.keys.add(key)
    if (pod !== undefined) gathered.pods.set(JSON.stringify([pod.namespace, Object.entries(pod.labels).sort()]), pod)
    else gathered.addresses.add(party.address)
  }
}

/** Addresses of all nodes and pods of a state: whoever is outside has none of them. */
export const addressesInside = (state: Parameters<typeof nodesOf>[0]): readonly string[] => [
  ...[...nodesOf(state).values()].flat(),
  ...[...state.pods.values()].flatMap(({ fact }) => fact.addresses),
  ...[...state.nodes.values()].flatMap(({ fact }) => fact.podCidrs),
]
