import { type BackendCheckFact, type Engine, type HealthCheck, objectKey, protocolNumbers, verdicts } from '@weir/core'
import { socketText } from '@weir/core/service/backend-text.js'
import type { Clock, Timer } from './clock.js'
import type { Facts } from './intake.js'
import { familyOf, ownAddresses } from './places.js'
import type { Probe } from './probe.js'

/** What the checker must know of the agent. */
export interface HealthCheckerOptions {
  readonly clock: Clock
  /** From 0 up to 1: nodes and endpoints aren't to be tried in step. */
  readonly random: () => number
  readonly engine: Engine
  readonly probe: Probe
  /** Says facts; resolves when they are durable. */
  readonly submit: (origin: string, facts: Facts) => Promise<unknown>
  readonly report: (message: string) => void
}

/** GET /v1/status: what is tried. */
export interface HealthChecksView {
  readonly endpoints: number
  /** `10.0.0.1:8080/TCP` */
  readonly failing: readonly { readonly backend: string; readonly reason: string }[]
  /** Those that policy keeps this node from: nothing is said of them. */
  readonly forbidden: readonly string[]
}

interface Target {
  readonly check: HealthCheck
  readonly address: string
  readonly port: number
  dueMs: number
  isRunning: boolean
  isForbidden: boolean
  /** Successes in a row, or failures below zero. */
  streak: number
}

const tickMs = 100
/** Most endpoints that are tried at once. */
const runningMost = 64

/**
 * Tries the endpoints of services that ask for it by annotations, those that this node may choose, and says what changed
 * as events. An endpoint of which nothing was said is taken for healthy.
 */
export class HealthChecker {
  readonly #options: HealthCheckerOptions
  readonly #targets = new Map<string, Target>()
  readonly #stopped = new AbortController()
  readonly #timer: Timer
  #isDirty = true
  #running = new Set<Promise<void>>()

  constructor(options: HealthCheckerOptions) {
    this.#options = options
    this.#timer = options.clock.every(tickMs, () => this.#tick())
  }

  /** Services, endpoints or the node may be others by now. */
  changed(): void {
    this.#isDirty = true
  }

  get view(): HealthChecksView {
    const { failedChecks } = this.#options.engine.state
    return {
      endpoints: this.#targets.size,
      failing: [...failedChecks].map(([backend, { fact }]) => ({ backend, reason: fact.reason ?? '' })),
      forbidden: [...this.#targets].flatMap(([backend, { isForbidden }]) => (isForbidden ? [backend] : [])),
    }
  }

  async close(): Promise<void> {
    this.#timer.stop()
    this.#stopped.abort()
    await Promise.all(this.#running)
  }

  #tick(): void {
    if (this.#isDirty) this.#find()
    const now = this.#options.clock.nowMs()
    for (const [backend, target] of this.#targets) {
      if (this.#running.size >= runningMost) return
      if (target.isRunning || target.dueMs > now) continue
      const { intervalSeconds } = target.check
      target.dueMs = now + intervalSeconds * 1000 * (0.9 + 0.2 * this.#options.random())
      target.isForbidden = !this.#mayReach(target)
      if (target.isForbidden) continue
      target.isRunning = true
      const run = this.#try(backend, target).finally(() => {
        target.isRunning = false
        this.#running.delete(run)
      })
      this.#running.add(run)
    }
  }

  async #try(backend: string, target: Target): Promise<void> {
    const { check, address, port } = target
    const reason = await this.#options.probe(check, address, port, this.#stopped.signal)
    if (this.#stopped.signal.aborted || this.#targets.get(backend) !== target) return
    if (reason === undefined) target.streak = Math.max(0, target.streak) + 1
    else target.streak = Math.min(0, target.streak) - 1
    const isFailing = this.#options.engine.state.failedChecks.has(backend)
    const at = { address, port, protocol: 'TCP' } as const
    if (isFailing && target.streak >= check.successes) await this.#say([{ ...at, healthy: true }])
    if (!isFailing && reason !== undefined && -target.streak >= check.failures)
      await this.#say([{ ...at, healthy: false, reason }])
  }

  async #say(checks: readonly BackendCheckFact[]): Promise<void> {
    const facts = checks.map(check => ({ kind: 'backend.checked', check }) as const)
    try {
      await this.#options.submit('health-check', facts)
    } catch (error) {
      this.#options.report(`a health check isn't told: ${error instanceof Error ? error.message : String(error)}`)
    }
  }

  /** Takes in what is there to try, and takes back what was said of endpoints that are there no more. */
  #find(): void {
    this.#isDirty = false
    const { engine, clock, random } = this.#options
    const asking = [...engine.state.services.values()].filter(({ fact }) => fact.healthCheck !== undefined)
    if (asking.length === 0 && this.#targets.size === 0 && engine.state.failedChecks.size === 0) return
    const checks = new Map(asking.map(({ fact }) => [objectKey(fact.namespace, fact.name), fact.healthCheck!]))
    const wanted = new Map<string, { check: HealthCheck; address: string; port: number; by: string }>()
    for (const [, row] of asking.length === 0 ? [] : engine.tables.frontends) {
      const by = objectKey(row.namespace, row.name)
      const check = row.kind === 'hostPort' || row.kind === 'localRedirect' ? undefined : checks.get(by)
      if (check === undefined || row.protocol !== 'TCP') continue
      for (const { standing, backend } of engine.frontendCandidates(row)) {
        if (!mayBeChosen.has(standing)) continue
        const { address, port } = backend
        const key = socketText(address, port, 'TCP')
        const known = wanted.get(key)
        // Of two services that have it tried the first by name says how.
        if (known === undefined || by < known.by) wanted.set(key, { check, address, port, by })
      }
    }
    for (const [key, { check }] of this.#targets) {
      const now = wanted.get(key)?.check
      if (now === undefined || JSON.stringify(now) !== JSON.stringify(check)) this.#targets.delete(key)
    }
    for (const [key, { check, address, port }] of wanted) {
      if (this.#targets.has(key)) continue
      const dueMs = clock.nowMs() + check.intervalSeconds * 1000 * random()
      this.#targets.set(key, { check, address, port, dueMs, isRunning: false, isForbidden: false, streak: 0 })
    }
    const gone = [...engine.state.failedChecks].filter(([key]) => !this.#targets.has(key))
    if (gone.length > 0)
      void this.#say(
        gone.map(
          ([
            ,
            {
              fact: { address, port, protocol },
            },
          ]) => ({ address, port, protocol, healthy: true }),
        ),
      )
  }

  /** Whether policies of the node and the endpoint's let this node try it. */
  #mayReach({ address, port }: Target): boolean {
    const { engine } = this.#options
    const from = ownAddresses(engine.state).find(own => familyOf(own) === familyOf(address))
    if (from === undefined) return true
    return engine.explain({ from, to: address, protocol: protocolNumbers.TCP, port }).verdict === verdicts.allow
  }
}

/** The standings of endpoints that take connections while they are healthy. */
const mayBeChosen: ReadonlySet<string> = new Set(['ready', 'unhealthy', 'failOpen'])
