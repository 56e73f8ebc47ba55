import { type EndpointFact, type PodFact, protocolNumbers } from '@weir/core'
import { closeSocket, openSocketIn } from 'netns-napi'
import type { Subscription } from 'rxjs'
import type { Agent } from '../agent/agent.js'
import type { FlowRecord } from '../agent/protocol.js'
import { createNodeNetwork, type NodeNetwork, type PodLink } from '../network/node-network.js'
import { demoNetwork } from './addresses.js'
import { attempt, type Sighting } from './attempt.js'
import type { Cell, Party } from './cells.js'
import { type Listener, listenEcho, ProtocolMissing } from './echo.js'
import type { Ground, Outcome } from './ground.js'
import { inParallel } from './pool.js'

/** Port of the listener outside: a bank, say. */
const worldPort = { protocol: 'TCP', port: 443 } as const

/** Tries under way at once. */
const width = 48
/** Long tries under way at once: all they do is wait. */
const longWidth = 256
/** How long the sender listens for an answer; a machine that is busy may need it for packets that do pass. */
const defaultPatienceMs = 500
/** Silence without a drop event is listened to this many times as long: past TCP's first repetition after a second. */
const longPatience = 5
/** After a drop event: an answer to another packet of the try would be here by then. */
const graceMs = 20

/**
 * Real pods: namespaces, veth pairs, listeners, connections.
 *
 * @param id Part of every name; see `leftovers.ts`.
 */
export async function createKernelGround(options: {
  readonly id: string
  readonly world?: boolean
  readonly patienceMs?: number
}): Promise<Ground> {
  const network = await createNodeNetwork({
    id: options.id,
    nodeAddresses: demoNetwork.nodeAddresses,
    worldAddresses: options.world === false ? [] : demoNetwork.worldAddresses,
  })
  const ground = new KernelGround(network, options.patienceMs ?? defaultPatienceMs)
  try {
    await ground.listenOutside()
    return ground
  } catch (error) {
    await ground.close()
    throw error
  }
}

interface Plugged {
  readonly link: PodLink
  readonly listeners: readonly Listener[]
}

class KernelGround implements Ground {
  readonly netns: string
  readonly world: Party | undefined
  readonly missing: ReadonlySet<Cell['protocol']>
  readonly #network: NodeNetwork
  readonly #patienceMs: number
  readonly #pods = new Map<string, Plugged>()
  readonly #drops = new DropWatch()
  #outside: readonly Listener[] = []
  #flows: Subscription | undefined

  constructor(network: NodeNetwork, patienceMs: number) {
    this.#network = network
    this.#patienceMs = patienceMs
    this.netns = network.netnsPath
    this.missing = new Set(hasSctp(network.netnsPath) ? [] : ['SCTP'])
    this.world =
      network.world === undefined
        ? undefined
        : { name: 'world', addresses: network.world.addresses, ports: [worldPort] }
  }

  join(agent: Agent): void {
    this.#flows = agent.flows.live.subscribe(flow => this.#drops.see(flow))
  }

  async listenOutside(): Promise<void> {
    const { world } = this.#network
    if (world !== undefined)
      this.#outside = await Promise.all(
        world.addresses.map(address => listenEcho(world.netnsPath, address, worldPort.protocol, worldPort.port)),
      )
  }

  async plug(pods: readonly PodFact[]): Promise<readonly EndpointFact[]> {
    const links = await this.#network.addPods(pods)
    return await Promise.all(
      pods.map(async (pod, at): Promise<EndpointFact> => {
        const link = links[at]!
        this.#pods.set(`${pod.namespace}/${pod.name}`, { link, listeners: await listenAll(pod, link) })
        const { ifindex, ifname, hostMac, podMac } = link
        return { namespace: pod.namespace, pod: pod.name, ifindex, ifname, hostMac, podMac }
      }),
    )
  }

  async unplug(pods: readonly { readonly namespace: string; readonly name: string }[]): Promise<void> {
    const gone = pods.flatMap(({ namespace, name }) => this.#pods.get(`${namespace}/${name}`) ?? [])
    for (const { namespace, name } of pods) this.#pods.delete(`${namespace}/${name}`)
    await Promise.all(gone.flatMap(({ listeners }) => listeners).map(listener => listener.close()))
    await this.#network.removePods(gone.map(({ link }) => link))
  }

  async attempt(cells: readonly Cell[], isOver: () => boolean): Promise<readonly (Outcome | undefined)[]> {
    const tries = await inParallel(cells, width, cell => this.#try(cell), isOver)
    const outcomes = await Promise.all(tries.map(each => each?.settled()))
    // Neither an answer nor a drop event: loss of an event is possible, of a packet on a veth hardly. Ask again, longer.
    const silent = outcomes.flatMap((outcome, at) =>
      outcome !== undefined && outcome !== 'missing' && outcome.kind === 'unsure' ? [at] : [],
    )
    const again = await inParallel(silent, longWidth, at => this.#tryLong(cells[at]!))
    const second = new Map(silent.map((at, index) => [at, again[index]]))
    return outcomes.map((outcome, at) => {
      if (outcome === undefined || outcome === 'missing') return undefined
      return outcome.kind === 'unsure' ? second.get(at) : outcome.outcome
    })
  }

  async close(): Promise<void> {
    this.#flows?.unsubscribe()
    await Promise.all(
      [...this.#outside, ...[...this.#pods.values()].flatMap(({ listeners }) => listeners)].map(listener =>
        listener.close(),
      ),
    )
    this.#pods.clear()
    await this.#network.destroy()
  }

  /** Resolves early, when a drop event tells what the rest of the waiting will show; `settled` waits for it all the same. */
  async #try(cell: Cell): Promise<Try> {
    const netns = this.#netnsOf(cell.from)
    if (netns === undefined || this.missing.has(cell.protocol)) return { settled: async () => 'missing' }
    const drop = this.#drops.expect(cell)
    const sighting = attempt(netns, cell, this.#patienceMs)
    await Promise.race([sighting, drop.seen.then(() => pause(graceMs))])
    return {
      settled: async () => {
        const seen = await sighting
        drop.forget()
        if (seen.kind === 'silent' && drop.reason === undefined) return { kind: 'unsure' }
        return { kind: 'sure', outcome: outcomeOf(seen, drop.reason) }
      },
    }
  }

  async #tryLong(cell: Cell): Promise<Outcome> {
    const drop = this.#drops.expect(cell)
    const seen = await attempt(this.#netnsOf(cell.from)!, cell, longPatience * this.#patienceMs)
    drop.forget()
    return outcomeOf(seen, drop.reason)
  }

  #netnsOf(party: string): string | undefined {
    if (party === 'host') return this.#network.netnsPath
    if (party === 'world') return this.#network.world?.netnsPath
    return this.#pods.get(party)?.link.netnsPath
  }
}

interface Try {
  settled(): Promise<'missing' | { readonly kind: 'unsure' } | { readonly kind: 'sure'; readonly outcome: Outcome }>
}

/** A packet that was dropped is denied only if no other of the same try got through. */
function outcomeOf(seen: Sighting, dropReason: string | undefined): Outcome {
  if (seen.kind === 'answered') return { allowed: true, evidence: `answered in ${seen.afterMs.toFixed(1)} ms` }
  if (seen.kind === 'refused') return { allowed: true, evidence: 'refused by the destination itself' }
  return { allowed: false, evidence: dropReason === undefined ? seen.error : `dropped: ${dropReason}` }
}

async function listenAll(pod: PodFact, link: PodLink): Promise<readonly Listener[]> {
  const listeners: Listener[] = []
  const seen = new Set<string>()
  for (const { protocol, port } of pod.ports) {
    const key = `${protocol} ${port}`
    if (seen.has(key) || (protocol !== 'TCP' && protocol !== 'UDP' && protocol !== 'SCTP')) continue
    seen.add(key)
    for (const address of pod.addresses)
      try {
        listeners.push(await listenEcho(link.netnsPath, address, protocol, port))
      } catch (error) {
        if (!(error instanceof ProtocolMissing)) throw error
      }
  }
  return listeners
}

function hasSctp(netns: string): boolean {
  try {
    closeSocket(openSocketIn(netns, { family: 4, type: 'stream', protocol: protocolNumbers.SCTP }))
    return true
  } catch {
    return false
  }
}

/** Drop events by what was tried. */
class DropWatch {
  readonly #expected = new Map<string, (reason: string) => void>()

  expect(cell: Cell): { readonly seen: Promise<void>; readonly reason: string | undefined; forget(): void } {
    const { from, to, protocol, port } = cell.flow
    const key = `${from} ${to} ${protocol} ${port}`
    let reason: string | undefined
    const seen = new Promise<void>(resolve => {
      this.#expected.set(key, given => {
        reason = given
        resolve()
      })
    })
    return {
      seen,
      get reason() {
        return reason
      },
      forget: () => void this.#expected.delete(key),
    }
  }

  see(flow: FlowRecord): void {
    if (flow.verdict === 'allowed' || flow.destination.port === undefined) return
    const protocol = protocolNumbers[flow.protocol as keyof typeof protocolNumbers]
    this.#expected.get(`${flow.source.address} ${flow.destination.address} ${protocol} ${flow.destination.port}`)?.(
      flow.reason,
    )
  }
}

function pause(delayMs: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, delayMs))
}
