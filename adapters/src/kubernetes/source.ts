import { setMaxListeners } from 'node:events'
import type { Claims } from '../agent/claims.js'
import type { Clock } from '../agent/clock.js'
import { abortOf } from '../agent/pause.js'
import type { ResourceStatus } from '../agent/protocol.js'
import type { Source, SourceSink } from '../agent/source.js'
import type { Api } from './api.js'
import { CustomKinds } from './custom-kinds.js'
import { type Entry, nameOf, readEntry } from './entry.js'
import { ObjectIntake, type OwnNode } from './intake.js'
import { Reflector } from './reflector.js'
import { type Resource, resources } from './resource.js'
import { WriteBack } from './write-back.js'

export interface KubernetesSourceOptions {
  /**
   * Finds the API server and what it takes to be let in.
   *
   * @throws WeirError WEIR_KUBERNETES_CONFIG
   */
  readonly connect: () => Promise<Api>
  readonly clock: Clock
  /** From 0 up to 1. */
  readonly random: () => number
  readonly ownNode: OwnNode
  /** Whether the cluster is told what became of its policies, too. */
  readonly writesBack: boolean
  /** Where a folder is followed beside it. */
  readonly claims?: Claims | undefined
  /** Told once of each object that is refused. */
  readonly report: (message: string) => void
}

/**
 * Follows what an API server has: every change that differs from the log becomes an event. What is gone is taken back
 * only when the server has said so, or has said all that it has of that kind.
 */
export function kubernetesSource(options: KubernetesSourceOptions): Source {
  let following: Following | undefined
  return {
    name: 'kubernetes',
    resources: () => following?.status ?? [],
    waiting: () => options.claims?.waiting ?? [],
    run: async (sink, signal) => {
      following = new Following(await options.connect(), sink, options)
      await following.run(signal)
    },
  }
}

class Following {
  readonly #sink: SourceSink
  readonly #reflectors: ReadonlyMap<Resource, Reflector<Entry>>
  readonly #customKinds: CustomKinds
  readonly #writeBack: WriteBack | undefined
  #told = ''

  constructor(api: Api, sink: SourceSink, options: KubernetesSourceOptions) {
    const { clock, random, ownNode, claims, report } = options
    this.#sink = sink
    const intake = new ObjectIntake({ sink, nowMs: () => clock.nowMs(), ownNode, claims, report })
    if (options.writesBack) this.#writeBack = new WriteBack({ api, clock, random, node: ownNode.name, report })
    const onStatus = (): void => this.#tell()
    const reflector = (resource: Resource): Reflector<Entry> =>
      new Reflector({
        ...{ api, clock, random, resource, nameOf, onStatus },
        read: (raw, apiVersion) => readEntry(raw, apiVersion, resource),
        take: async changes => {
          await intake.take(changes)
          this.#writeBack?.told(resource, changes)
        },
        listed: (names, version) => intake.listed(resource.kind, names, version),
      })
    this.#reflectors = new Map(resources.map(resource => [resource, reflector(resource)]))
    const custom = [...this.#reflectors].filter(([{ isCustom }]) => isCustom)
    this.#customKinds = new CustomKinds(new Map(custom), { api, clock, random, onStatus })
  }

  get status(): readonly ResourceStatus[] {
    return [...[...this.#reflectors.values()].map(({ status }) => status), this.#customKinds.status]
  }

  async run(signal: AbortSignal): Promise<void> {
    const failed = new AbortController()
    const either = AbortSignal.any([signal, failed.signal])
    // Every kind listens to it, with its request or its pause.
    setMaxListeners(0, either)
    const built = [...this.#reflectors].filter(([{ isCustom }]) => !isCustom)
    const parts = [
      this.#customKinds.run(either),
      this.#writeBack?.run(either),
      ...built.map(([{ kind }, reflector]) =>
        kind === 'Pod' ? this.#runPods(reflector, either) : reflector.run(either),
      ),
    ]
    try {
      await Promise.all(parts)
    } finally {
      failed.abort()
      await Promise.allSettled(parts)
    }
  }

  /** No pod is told of before all that may forbid it something is known: it would be open until then. */
  async #runPods(pods: Reflector<Entry>, signal: AbortSignal): Promise<void> {
    const deciding = [...this.#reflectors].filter(([{ decides }]) => decides)
    await Promise.race([abortOf(signal), Promise.all(deciding.map(([, { known }]) => known))])
    await pods.run(signal)
  }

  /** How it is with all kinds together, when that is something new. */
  #tell(): void {
    const { status } = this
    const away = status.filter(({ state }) => state === 'away')
    const [first] = away
    if (first !== undefined) {
      const others = away.length === 1 ? '' : ` and ${away.length - 1} more kinds`
      this.#report('failing', `${first.kind}${others} can’t be read: ${first.error ?? ''}`)
    } else if (status.every(({ state }) => state === 'watching' || state === 'absent')) this.#report('watching', '')
  }

  #report(state: 'watching' | 'failing', message: string): void {
    if (this.#told === message && state === 'failing') return
    this.#told = message
    this.#sink.report(state, message)
  }
}
