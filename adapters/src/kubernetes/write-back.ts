import { createHash } from 'node:crypto'
import type { Clock } from '../agent/clock.js'
import { abortOf, pause } from '../agent/pause.js'
import { isRefusal } from '../manifests/file.js'
import { keyText, problemText } from '../manifests/set.js'
import { buildVersion } from '../version.js'
import { type Api, retryAfterOf, statusOf, type Write } from './api.js'
import { BackOff } from './back-off.js'
import type { Entry } from './entry.js'
import type { Change } from './reflector.js'
import { objectPath, type Resource } from './resource.js'
import { kindsWithStatus } from './validity.js'

export interface WriteBackOptions {
  readonly api: Api
  readonly clock: Clock
  /** From 0 up to 1. */
  readonly random: () => number
  /** This node's name. */
  readonly node: string
  /** Told once of each write that the server refuses for good. */
  readonly report: (message: string) => void
}

/** Between two writes; every node of the cluster writes. */
const spacingMs = 1000

/** Most that waits to be written; what comes then is not said. */
const waitingMost = 1000

const longestMessage = 1024

const manager = 'weir'

interface Condition {
  readonly status: 'True' | 'False'
  readonly message: string
}

/**
 * Tells a cluster what became of its policies: a condition in their status, an Event where one is refused, and on the
 * node which agent runs. It writes little and slowly, and nothing that is there already: of many nodes that would say the
 * same, mostly one does.
 */
export class WriteBack {
  readonly #options: WriteBackOptions
  readonly #backOff: BackOff
  readonly #waiting = new Map<string, Write>()
  readonly #refused = new Set<string>()
  #wake: () => void = () => {}

  constructor(options: WriteBackOptions) {
    this.#options = options
    this.#backOff = new BackOff(options.random)
    const body = { metadata: { annotations: { 'weir.io/agent-version': buildVersion } } }
    const path = `/api/v1/nodes/${encodeURIComponent(options.node)}`
    this.#waiting.set('node', { method: 'PATCH', path, contentType: 'application/merge-patch+json', body })
  }

  /** What the server has of policies by now; what of it was to be said and is no longer right is forgotten. */
  told(resource: Resource, changes: readonly Change<Entry>[]): void {
    if (!kindsWithStatus.has(resource.kind)) return
    for (const { entry, isGone } of changes) {
      const key = keyText(entry.object)
      const wanted = conditionOf(entry)
      const isSaid = entry.condition?.status === wanted.status && entry.condition.message === wanted.message
      this.#waiting.delete(key)
      this.#waiting.delete(`event of ${key}`)
      if (isGone || isSaid || this.#waiting.size >= waitingMost) continue
      // The Event first: once the server tells of the condition, nobody has anything more to say.
      if (wanted.status === 'False') this.#waiting.set(`event of ${key}`, this.#eventOf(entry, wanted.message))
      this.#waiting.set(key, this.#conditionOf(resource, entry, wanted))
    }
    this.#wake()
  }

  /** Writes one after the other until `signal` aborts. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#options
    while (!signal.aborted) {
      const [next] = this.#waiting
      if (next === undefined) {
        const woken = new Promise<void>(resolve => {
          this.#wake = resolve
        })
        await Promise.race([woken, abortOf(signal)])
        continue
      }
      // Somebody else may say it meanwhile.
      await pause(clock, spacingMs * (0.5 + random()), signal)
      const [key, write] = next
      if (signal.aborted || this.#waiting.get(key) !== write) continue
      await this.#write(key, write, signal)
    }
  }

  async #write(key: string, write: Write, signal: AbortSignal): Promise<void> {
    const { api, clock, report } = this.#options
    try {
      await api.send(write, signal)
      this.#backOff.reset()
    } catch (error) {
      if (signal.aborted) return
      const status = statusOf(error)
      const isForGood = status !== undefined && status >= 400 && status < 500 && status !== 401 && status !== 429
      if (!isForGood) return pause(clock, this.#backOff.nextMs(retryAfterOf(error)), signal)
      const text = error instanceof Error ? error.message : String(error)
      // An Event of this name is there already, or its policy is gone: both are as it should be.
      if (status !== 409 && status !== 404 && this.#refused.size < waitingMost && !this.#refused.has(text)) {
        this.#refused.add(text)
        report(`not written: ${text}`)
      }
    }
    if (this.#waiting.get(key) === write) this.#waiting.delete(key)
  }

  /** Applied, so that conditions which others say of the policy stay. */
  #conditionOf(resource: Resource, { object, apiVersion }: Entry, { status, message }: Condition): Write {
    const lastTransitionTime = new Date(this.#options.clock.nowMs()).toISOString()
    const condition = { type: 'Valid', status, message, lastTransitionTime }
    const { namespace, name } = object
    return {
      method: 'PATCH',
      path: `${objectPath(apiVersion, resource, object)}/status?fieldManager=${manager}&force=true`,
      contentType: 'application/apply-patch+yaml',
      body: {
        apiVersion,
        kind: resource.kind,
        metadata: { name, ...(namespace !== '' && { namespace }) },
        status: { conditions: [condition] },
      },
    }
  }

  /** Named by what it says, so that all nodes' are one. */
  #eventOf({ object, apiVersion, uid }: Entry, message: string): Write {
    const { kind, name } = object
    const namespace = object.namespace || 'default'
    const text = createHash('sha256')
      .update(`${keyText(object)} ${message}`)
      .digest('hex')
      .slice(0, 16)
    const time = new Date(this.#options.clock.nowMs()).toISOString()
    return {
      method: 'POST',
      path: `/api/v1/namespaces/${encodeURIComponent(namespace)}/events`,
      contentType: 'application/json',
      body: {
        apiVersion: 'v1',
        kind: 'Event',
        metadata: { name: `${name.slice(0, 200)}.${text}`, namespace },
        involvedObject: { apiVersion, kind, name, namespace: object.namespace, uid },
        ...{ type: 'Warning', reason: 'Refused', message, source: { component: manager } },
        ...{ firstTimestamp: time, lastTimestamp: time, count: 1 },
      },
    }
  }
}

function conditionOf({ said }: Entry): Condition {
  if (!isRefusal(said)) return { status: 'True', message: 'the policy is understood' }
  const text = said.problems.map(problem => problemText(withoutFile(problem))).join('; ')
  return { status: 'False', message: text.slice(0, longestMessage) }
}

const withoutFile = <Placed extends { readonly file?: string }>({ file: _, ...rest }: Placed): Omit<Placed, 'file'> =>
  rest
