import type { Clock } from '@weir/adapters/agent/clock.js'
import type { ResourceStatus } from '@weir/adapters/agent/protocol.js'
import type { SourceSink } from '@weir/adapters/agent/source.js'
import type { Api } from '@weir/adapters/kubernetes/api.js'
import { type Connection, HttpApi } from '@weir/adapters/kubernetes/http-api.js'
import { kubernetesSource } from '@weir/adapters/kubernetes/source.js'
import { Engine, type WeirEvent } from '@weir/core'
import type { ApiServer } from './api-server.js'

/** A clock on which this many milliseconds pass in each real one. */
export function hurriedClock(times: number): Clock {
  const began = Date.now()
  return {
    nowMs: () => began + (Date.now() - began) * times,
    nextTurn: () => new Promise(resolve => setImmediate(resolve)),
    every: (periodMs, work) => {
      const timer = setInterval(() => void work(), Math.max(1, periodMs / times))
      return { stop: () => clearInterval(timer) }
    },
  }
}

export interface FollowingOptions {
  /** What leads to another server than the one of these tests. */
  readonly connect?: () => Promise<Api>
  readonly engine?: Engine
  readonly random?: () => number
  readonly writesBack?: boolean
  readonly times?: number
  readonly silenceMs?: number
  readonly ownNode?: Parameters<typeof kubernetesSource>[0]['ownNode']
}

/** The source at work on a server, with an engine in place of an agent. */
export class Followed {
  readonly engine: Engine
  readonly events: WeirEvent[] = []
  readonly reports: string[] = []
  readonly states: string[] = []
  readonly #source: ReturnType<typeof kubernetesSource>
  readonly #stopping = new AbortController()
  readonly #done: Promise<void>

  constructor(server: ApiServer | undefined, options: FollowingOptions = {}) {
    const { engine = new Engine(), random = Math.random, times = 200, silenceMs = 10_000 } = options
    this.engine = engine
    const clock = hurriedClock(times)
    this.#source = kubernetesSource({
      connect: options.connect ?? (async () => new HttpApi(connectionTo(server), { silenceMs })),
      clock,
      random,
      ownNode: options.ownNode ?? { name: 'n1' },
      writesBack: options.writesBack ?? false,
      report: message => this.reports.push(message),
    })
    const sink: SourceSink = {
      get state() {
        return engine.state
      },
      submit: async (facts, origin = 'kubernetes') => {
        await new Promise(resolve => setImmediate(resolve))
        const bodies = typeof facts === 'function' ? facts(engine.state) : facts
        const first = engine.seq + 1
        const events = bodies.map(
          (body, at): WeirEvent => ({
            ...body,
            seq: first + at,
            time: clock.nowMs(),
            source: body.source ?? origin,
          }),
        )
        if (events.length > 0) engine.apply(events)
        this.events.push(...events)
        return { first, last: engine.seq }
      },
      report: (state, message = '') => this.states.push(`${state} ${message}`.trim()),
    }
    this.#done = this.#source.run(sink, this.#stopping.signal)
    this.#done.catch(() => {})
  }

  get kinds(): readonly string[] {
    return this.events.map(({ kind }) => kind)
  }

  /** Of a kind that isn't followed yet it says that it waits. */
  status(kind: string): ResourceStatus {
    const found = this.#source.resources?.().find(each => each.kind === kind)
    return found ?? { kind, apiVersion: '', state: 'waiting', since: 0, objects: 0, relists: 0 }
  }

  /** Resolves when all kinds are followed. */
  async settled(): Promise<void> {
    await until(() => {
      const all = this.#source.resources?.() ?? []
      return all.length > 0 && all.every(({ state }) => state === 'watching' || state === 'absent')
    })
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#done
  }
}

function connectionTo(server: ApiServer | undefined): Connection {
  if (server === undefined) throw new TypeError('there is no server to connect to')
  return { server: server.url, options: async () => ({ headers: { authorization: 'Bearer secret' } }) }
}

/** Looks again and again. A test that waits in vain runs into its time limit. */
export async function until(what: () => boolean): Promise<void> {
  while (!what()) await new Promise(resolve => setTimeout(resolve, 5))
}
