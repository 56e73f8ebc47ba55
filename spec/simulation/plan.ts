import type { AgentOptions } from '@weir/adapters'
import type { EventBody } from '@weir/core'
import type { RoutingMode } from '@weir/core/routing/node-ways.js'
import fc from 'fast-check'
import { nodeAddresses, ownAddresses, worldAddresses } from '../oracle/generate/addresses.js'
import { leavingBodies } from '../oracle/generate/egress.js'
import { eventBodies } from '../oracle/generate/history.js'
import { mixedBodies } from '../oracle/generate/mixed.js'
import { nodeNames, podNames, portNumbers } from '../oracle/generate/names.js'
import { serviceBodies } from '../oracle/generate/services.js'
import { apiChanges, firstObjects } from './api-plan.js'
import type { ApiChange } from './api-source.js'
import type { FileChange } from './authors.js'
import { devicesState } from './device-plan.js'
import type { DiskCode, KernelCode } from './faults.js'
import { waysOutOf } from './leaving-plan.js'
import type { WayOut } from './leaving-watch.js'
import { fileChanges, firstFiles } from './manifest-plan.js'
import type { DevicesState } from './node-network.js'
import { endpointOf, podPlaces } from './places.js'
import { Random } from './random.js'
import { crampedSizes, type Sizes } from './room.js'
import { asksOf, firstService } from './service-plan.js'
import type { Ask } from './service-ways.js'
import type { Flow } from './traffic.js'
import { firstWays, modesOf, wayBodies, waysPause } from './ways-plan.js'

/** What happens to an agent, its inputs, and its machine. */
export type Action =
  /** A source says these, in one submission. `asked`: as a function of the state. */
  | { readonly kind: 'say'; readonly bodies: readonly EventBody[]; readonly asked: boolean }
  /** Programs change files of the folder that the agent follows. */
  | { readonly kind: 'files'; readonly changes: readonly FileChange[] }
  /** Objects of the API server change, or it fails. */
  | { readonly kind: 'api'; readonly changes: readonly ApiChange[] }
  /** The node's devices change. */
  | { readonly kind: 'devices'; readonly state: DevicesState }
  /** A source says once more what it said before, of some objects. */
  | { readonly kind: 'repeat'; readonly share: number }
  /** The process is killed in the midst of an operation, so many operations from now; or the power is lost. */
  | { readonly kind: 'kill'; readonly afterOperations: number; readonly power: boolean }
  | { readonly kind: 'restart' }
  | { readonly kind: 'disk fails'; readonly code: DiskCode; readonly after: number; readonly times: number }
  | { readonly kind: 'kernel refuses'; readonly code: KernelCode; readonly after: number; readonly times: number }
  /** Somebody else changes the maps. */
  | { readonly kind: 'meddle'; readonly salt: number }
  /** Connections of all flows that pass are opened, and are to go on. */
  | { readonly kind: 'connect' }

export type Step = Action & {
  /** Since the step before. */
  readonly afterMs: number
}

/** A run, as its seed gives it or as it was cut down. */
export interface Plan {
  readonly seed: number
  readonly steps: readonly Step[]
  /** What the packets are of. */
  readonly flows: readonly Flow[]
  /** What is asked of services. */
  readonly asks: readonly Ask[]
  /** How pods' packets leave the cluster. */
  readonly waysOut: readonly WayOut[]
  /** The kinds of ways to other nodes that agents keep, one after the other; none where nobody asks for any. */
  readonly modes: readonly RoutingMode[]
  /** The agent follows the node's devices. */
  readonly hasDevices: boolean
  /** All comes from files; or from an API server as well, where there is one. */
  readonly hasFiles: boolean
  /** All comes from an API server; or from files as well. */
  readonly hasApi: boolean
  /** Maps that have little room. */
  readonly sizes: Sizes
  readonly agent: Pick<
    AgentOptions,
    | 'snapshotEvery'
    | 'logRetention'
    | 'cidrMatch'
    | 'failSafePorts'
    | 'nodePortAddresses'
    | 'masquerade'
    | 'nativeRoutingCidrs'
  >
}

/**
 * What is spoken of in a run: NetworkPolicy alone, every dialect, services, the node and ways out, ways to other nodes; or
 * all comes from files, from an API server, or from both.
 */
type Subject = 'plain' | 'mixed' | 'services' | 'node' | 'files' | 'api' | 'both' | 'ways'

const subjects: readonly Subject[] = ['plain', 'mixed', 'services', 'node', 'files', 'api']
/** Taken from all of them alike. */
const waysShare = 1 / 7
const bothShare = 1 / 10
const sourceOf = {
  plain: eventBodies,
  mixed: mixedBodies,
  services: fc.oneof(serviceBodies, serviceBodies, eventBodies),
  node: fc.oneof(mixedBodies, leavingBodies, leavingBodies),
  files: eventBodies,
  api: eventBodies,
  both: eventBodies,
  ways: eventBodies,
}

export function planOf(seed: number): Plan {
  const random = new Random(seed)
  const ways = new Random(seed ^ 0x3a75)
  const drawn = random.pick(subjects)
  const single = ways.chance(waysShare) ? 'ways' : drawn
  const subject = single !== 'ways' && new Random(seed ^ 0xb07).chance(bothShare) ? 'both' : single
  const hasFiles = subject === 'files' || subject === 'both'
  const hasApi = subject === 'api' || subject === 'both'
  const modes = subject === 'ways' ? modesOf(ways) : []
  const bodies = new Bodies(random.fork(), subject)
  const steps: Step[] = [{ kind: 'say', asked: false, afterMs: 0, bodies: bodies.beginning() }]
  const count = random.between(4, 24)
  const troubled = random.chance(0.9)
  if (hasFiles) steps.push({ kind: 'files', changes: firstFiles(random), afterMs: 0 })
  if (hasApi) steps.push({ kind: 'api', changes: firstObjects(random), afterMs: 0 })
  while (steps.length < count) {
    const afterMs = pause(random) + (subject === 'ways' ? waysPause(random, steps.length) : 0)
    // The next agent keeps ways of another kind.
    const isChanged = modes.length > 1 && random.chance(0.12)
    const isMeddled = subject === 'ways' && troubled && random.chance(0.15)
    const happens = isMeddled ? meddled(random) : action(random, bodies, troubled)
    steps.push({ ...(isChanged ? ({ kind: 'restart' } as const) : happens), afterMs })
  }
  const asks = asksOf(random.fork())
  return {
    ...{ seed, steps, flows: flowsOf(random.fork(), subject), agent: agentOf(random, subject) },
    asks: subject === 'services' ? asks : [],
    waysOut: subject === 'node' ? waysOutOf(random.fork()) : [],
    modes,
    hasDevices: subject === 'node',
    ...{ hasFiles, hasApi },
    sizes: random.chance(0.3) ? crampedSizes(random, subject === 'services') : {},
  }
}

function agentOf(random: Random, subject: Subject): Plan['agent'] {
  return {
    snapshotEvery: random.pick([3, 10, 40]),
    ...(random.chance(0.3) && { logRetention: { events: random.between(1, 30) } }),
    ...(random.chance(0.3) && { cidrMatch: random.pick([['nodes'], ['pods'], ['nodes', 'pods']] as const) }),
    ...(random.chance(0.2) && { failSafePorts: random.pick([[], [80]]) }),
    ...(random.chance(0.2) && { nodePortAddresses: random.pick([[], ['192.168.0.0/16']]) }),
    ...(subject === 'node' && { masquerade: random.pick([['ipv4', 'ipv6'], ['ipv4'], []]) }),
    ...(subject === 'node' && random.chance(0.3) && { nativeRoutingCidrs: ['10.0.0.0/8', 'fd00::/16'] }),
  }
}

const pause = (random: Random): number =>
  random.chance(0.6) ? random.below(8) : random.chance(0.8) ? random.below(300) : random.below(20_000)

function action(random: Random, bodies: Bodies, troubled: boolean): Action {
  if (!troubled || random.chance(0.55)) return bodies.news()
  const after = random.chance(0.5) ? random.below(4) : random.below(40)
  const times = random.chance(0.7) ? 1 : random.between(2, 5)
  switch (random.below(12)) {
    case 0:
    case 1:
    case 2:
      return { kind: 'kill', afterOperations: random.chance(0.4) ? random.below(5) : random.below(60), power: false }
    case 3:
      return { kind: 'kill', afterOperations: random.below(60), power: true }
    case 4:
      return { kind: 'restart' }
    case 5:
      return { kind: 'disk fails', code: random.pick(['EIO', 'ENOSPC']), after: random.below(4), times }
    case 6:
    case 7:
      return { kind: 'kernel refuses', code: random.pick(['E2BIG', 'ENOMEM', 'EBUSY']), after, times }
    case 8:
      return meddled(random)
    case 9:
    case 10:
      return { kind: 'connect' }
    default:
      return { kind: 'repeat', share: random.next() }
  }
}

const meddled = (random: Random): Action => ({ kind: 'meddle', salt: random.below(2 ** 32) })

/** What sources say, drawn by fast-check's generators: those that the oracle is compared with elsewhere. */
class Bodies {
  readonly #random: Random
  readonly #subject: Subject
  #drawn: EventBody[] = []

  constructor(random: Random, subject: Subject) {
    this.#random = random
    this.#subject = subject
  }

  /** Some pods of this node, so that there is traffic. */
  beginning(): readonly EventBody[] {
    const nodes = this.#subject === 'node' ? firstNodes : this.#subject === 'ways' ? firstWays : []
    const pods = podNames.map(name => ({ namespace: 'default', name }))
    const services = this.#subject === 'services' ? firstService() : []
    const wired = pods.flatMap(({ namespace, name }, at): readonly EventBody[] => [
      {
        kind: 'pod.upserted',
        pod: {
          ...{ namespace, name, node: at === 2 ? 'there' : 'here', hostNetwork: false, serviceAccount: 'default' },
          labels: { app: at === 0 ? 'x' : 'y' },
          addresses: ownAddresses(namespace, name, 0),
          ports: [{ name: 'http', protocol: 'TCP', port: 80 }],
        },
      },
      ...(at === 2 ? [] : [{ kind: 'endpoint.attached' as const, endpoint: endpointOf({ namespace, name }) }]),
    ])
    // What isn't in the files, or at the server, goes, but for the wiring.
    if (['files', 'api', 'both'].includes(this.#subject))
      return wired.filter(({ kind }) => kind === 'endpoint.attached')
    return [...nodes, ...wired, ...services]
  }

  /** Something new, by the way that things are known. */
  news(): Action {
    const isOfFiles = this.#subject === 'files' || (this.#subject === 'both' && this.#random.chance(0.5))
    if (isOfFiles) return { kind: 'files', changes: fileChanges(this.#random) }
    if (this.#subject === 'api' || this.#subject === 'both') return { kind: 'api', changes: apiChanges(this.#random) }
    if (this.#subject === 'node' && this.#random.chance(0.2))
      return { kind: 'devices', state: devicesState(this.#random) }
    const isOfWays = this.#subject === 'ways' && this.#random.chance(0.7)
    const bodies = isOfWays ? wayBodies(this.#random) : this.#some()
    return { kind: 'say', asked: this.#random.chance(0.3), bodies }
  }

  #some(): readonly EventBody[] {
    const count = this.#random.chance(0.8) ? this.#random.between(1, 4) : this.#random.between(5, 12)
    return Array.from({ length: count }, () => this.#one()).flat()
  }

  #one(): readonly EventBody[] {
    if (this.#random.chance(0.04)) return [this.#refusal()]
    const body = this.#draw()
    switch (body.kind) {
      // The agent says that itself.
      case 'agent.configured':
      case 'backend.checked':
      case 'ipmasq.configured':
      case 'ipmasq.withdrawn':
        return []
      case 'host.observed':
      case 'devices.observed':
        return this.#subject === 'node' ? [] : [body]
      case 'service.upserted': {
        const { healthCheck, ...service } = body.service
        const [intervalSeconds, failures] = [this.#random.between(1, 2), this.#random.between(1, 2)]
        const check = healthCheck === undefined ? {} : { healthCheck: { ...healthCheck, intervalSeconds, failures } }
        return [{ kind: body.kind, service: { ...service, ...check } }]
      }
      case 'endpoint.attached':
        return [{ kind: body.kind, endpoint: endpointOf({ ...body.endpoint, name: body.endpoint.pod }) }]
      case 'pod.upserted':
        if (body.pod.node !== 'here' || body.pod.hostNetwork || this.#random.chance(0.3)) return [body]
        return [body, { kind: 'endpoint.attached', endpoint: endpointOf(body.pod) }]
      default:
        return [body]
    }
  }

  /** An input that can't be understood: what was in force of it stays. */
  #refusal(): EventBody {
    return {
      kind: 'input.refused',
      object: { kind: 'NetworkPolicy', namespace: 'default', name: this.#random.pick(['p', 'q', 'r']) },
      problems: [{ path: 'spec.ingress', message: 'this is not a list', expected: 'a list' }],
    }
  }

  #draw(): EventBody {
    if (this.#drawn.length === 0)
      this.#drawn = fc.sample<EventBody>(sourceOf[this.#subject], { seed: this.#random.below(2 ** 31), numRuns: 32 })
    // As they come from a log: without prototypes of their own, and without what is undefined. The agent says when.
    const { time: _, ...body } = JSON.parse(JSON.stringify(this.#drawn.pop())) as EventBody & { readonly time?: number }
    return body
  }
}

function flowsOf(random: Random, subject: Subject): readonly Flow[] {
  const flows: Flow[] = []
  while (flows.length < 10) {
    const six = random.below(3) === 0 ? 1 : 0
    const place = (share: number): string => {
      if (subject === 'node' && random.chance(0.3)) return nodeAddresses('here')[six]
      if (random.chance(share)) return ownAddresses('default', random.pick(podNames), 0)[six]
      const others = [
        ...podPlaces.map(({ namespace, name }) => ownAddresses(namespace, name, 0)[six]),
        ...worldAddresses.filter(address => address.includes(':') === (six === 1)),
        nodeAddresses('there')[six],
      ]
      return random.pick(others)
    }
    const [from, to] = [place(0.7), place(0.6)]
    if (from === to) continue
    const protocol = random.chance(0.8) ? 6 : 17
    flows.push({ from, to, protocol, port: random.chance(0.5) ? 80 : random.pick(portNumbers) })
  }
  return flows
}

const firstNodes: readonly EventBody[] = nodeNames.map((name, at) => ({
  kind: 'node.upserted',
  node: { name, labels: { zone: at === 0 ? 'x' : 'y' }, addresses: nodeAddresses(name), podCidrs: [] },
}))
