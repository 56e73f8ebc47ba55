import { systemClock } from '@weir/adapters/agent/clock.js'
import type { EventBody, Labels, PodFact } from '@weir/core'
import { type ClusterEdits, ManifestStage, type outsiders } from './manifest-stage.js'
import type { Line } from './semantics-cases.js'
import type { Verb } from './stage.js'

/** Pods of other nodes and policies of other namespaces, which have nothing to do with what is asked. */
const noiseNamespaces = 40
const addressesOfNoise = 5000

/** A stage on which things go wrong among thousands of events that have nothing to do with it. */
export class Exam {
  readonly stage: ManifestStage
  readonly #clock: { offsetMs: number }
  #noise = 0
  #untilMs = Date.now()

  private constructor(stage: ManifestStage, clock: { offsetMs: number }) {
    this.stage = stage
    this.#clock = clock
  }

  static async create(id: string): Promise<Exam> {
    const clock = { offsetMs: 0 }
    const nowMs = (): number => systemClock.nowMs() + clock.offsetMs
    return new Exam(await ManifestStage.create(id, { ...systemClock, nowMs }), clock)
  }

  /** The last event so far. */
  get seq(): number {
    return this.stage.agent.log.head.seq
  }

  set(manifests: string): Promise<void> {
    return this.stage.set(manifests)
  }

  edit(edits: ClusterEdits): Promise<void> {
    return this.stage.edit(edits)
  }

  /** Whether the line's packets pass; what should pass may take its time. */
  passes([from, to, what]: Line, expected: boolean): Promise<boolean> {
    const [verb, port] = what.split(':')
    return this.stage.passes(from, to, verb as Verb, Number(port), 4, expected ? 3000 : 300)
  }

  /** Whether a service answers a pod. */
  reachesService(from: string, address: string, port: number, expected: boolean): Promise<boolean> {
    return this.stage.reaches(from, address, 'TCP', port, expected ? 3000 : 300)
  }

  turnClock(offsetMs: number): void {
    this.#clock.offsetMs = offsetMs
  }

  /** DNS answers that a name is one outside. */
  async answer(name: string, outsider: keyof typeof outsiders, ttlSeconds: number): Promise<void> {
    const addresses = [this.stage.addressOf(outsider, 4), this.stage.addressOf(outsider, 6)]
    await this.#say({ kind: 'dns.answered', answer: { name, addresses, ttlSeconds } })
  }

  /** Time goes on for what DNS has answered. */
  async pass(seconds: number): Promise<void> {
    this.#untilMs += seconds * 1000
    await this.#say({ kind: 'time.passed', until: this.#untilMs })
  }

  /** A pod of `red` goes, and another gets its address and interface. */
  async giveAddress(from: string, to: string, labels: Labels): Promise<void> {
    const { pods, endpoints } = this.stage.agent.engine.state
    const [pod, endpoint] = [pods.get(`red/${from}`)!.fact, endpoints.get(`red/${from}`)!.fact]
    await this.#say(
      { kind: 'endpoint.detached', namespace: 'red', pod: from },
      { kind: 'pod.deleted', namespace: 'red', name: from },
      { kind: 'pod.upserted', pod: { ...pod, name: to, labels } },
      { kind: 'endpoint.attached', endpoint: { ...endpoint, pod: to } },
    )
  }

  /** Says facts in the place of what manifests say; resolves when it is enforced. */
  say(...bodies: readonly EventBody[]): Promise<void> {
    return this.#say(...bodies)
  }

  /** So many events about others. */
  async others(count: number): Promise<void> {
    const bodies: EventBody[] = []
    while (bodies.length < count) bodies.push(this.#other(this.#noise++))
    await this.#say(...bodies)
  }

  close(): Promise<void> {
    return this.stage.close()
  }

  #other(number: number): EventBody {
    const namespace = `noise-${number % noiseNamespaces}`
    if (number < noiseNamespaces)
      return { kind: 'namespace.upserted', namespace: { name: namespace, labels: { colour: `shade-${number}` } } }
    const turn = Math.floor(number / addressesOfNoise)
    switch (number % 7) {
      case 0:
        return {
          kind: 'networkpolicy.upserted',
          policy: {
            namespace,
            name: `p-${number % 5}`,
            podSelector: [{ key: 'app', operator: 'In', values: [`app-${turn}`] }],
            policyTypes: ['ingress'],
            ingress: [{ peers: [{ kind: 'ipBlock', cidr: `100.64.${number % 256}.0/24`, except: [] }], ports: [] }],
            egress: [],
          },
        }
      case 1:
        return { kind: 'pod.deleted', namespace, name: `n-${(number - 8) % addressesOfNoise}` }
      default:
        return { kind: 'pod.upserted', pod: this.#pod(number % addressesOfNoise, namespace, `app-${number % 9}`) }
    }
  }

  #pod(number: number, namespace: string, app: string): PodFact {
    return {
      namespace,
      name: `n-${number}`,
      labels: { app, tier: 'noise' },
      serviceAccount: 'default',
      node: 'neighbour',
      addresses: [`10.210.${number >> 8}.${number & 255}`],
      hostNetwork: false,
      ports: [],
    }
  }

  async #say(...bodies: readonly EventBody[]): Promise<void> {
    await this.stage.agent.submit('stage', bodies)
  }
}
