import { counted } from '@weir/core/counted.js'
import type { EndpointFact, Engine, TablesDelta, WeirEvent } from '@weir/core'
import { EventLog } from '@weir/store'
import { type Observable, Subject } from 'rxjs'
import type { TableOptions } from '@weir/datapath/services/table-builds.js'
import { accessOf } from './access.js'
import type { AgentOptions } from './agent-options.js'
import type { Timer } from './clock.js'
import { type CniPlugin, cniOf } from './cni.js'
import { createDatapath, type Datapath } from './datapath.js'
import { flowHistory, watcherOf } from '../flows/history.js'
import type { FlowRecorder } from '../flows/recorder.js'
import { FlowBook } from './flows.js'
import { HostDevices, saysWhatIsOwn } from './host-devices.js'
import { defaultTables } from './maglev-slots.js'
import { type Facts, Intake, onlyEnforcement, type Submitted } from './intake.js'
import { type Machine, thisMachine } from './machine.js'
import { checkedNodeOptions } from './node-options.js'
import { ownFacts } from './own-facts.js'
import { ownSources } from './own-sources.js'
import type { StatusReport } from './protocol.js'
import { Recorder } from './recorder.js'
import { restoreEngine } from './restore.js'
import { answerer } from './routes.js'
import { type AgentServer, serve } from './server.js'
import { ServiceHealth } from './service-health.js'
import { Routing } from '../routing/routing.js'
import { StagedTrial } from '../staged/trial.js'
import { statusReport } from './status-report.js'
import { staleEndpoints } from './stale-endpoints.js'
import { SourceRunner } from './source-runner.js'

/** What was enforced by one batch of events. */
export interface Applied {
  readonly events: readonly WeirEvent[]
  readonly delta: TablesDelta
}

/** A running agent. */
export interface Agent {
  readonly engine: Engine
  readonly sources: readonly Pick<SourceRunner, 'status'>[]
  readonly log: EventLog
  readonly flows: FlowBook
  /** What staged policies would do. */
  readonly staged: StagedTrial
  /** Absent where none is kept. */
  readonly history: FlowRecorder | undefined
  readonly backendKind: 'kernel' | 'memory'
  readonly datapath: Datapath
  /** Plugs pods in; absent where no runtime asks this agent. */
  readonly cni: CniPlugin | undefined
  /** Of the services' tables for clients outside. */
  readonly maglev: TableOptions
  readonly applied: Observable<Applied>
  /** Says facts; resolves when they are durable and enforced. */
  submit(origin: string, facts: Facts): Promise<Submitted>
  /** A pod's interface is there. Resolves when its traffic is judged. */
  attachEndpoint(endpoint: EndpointFact): Promise<Submitted>
  detachEndpoint(namespace: string, pod: string): Promise<Submitted>
  status(): Promise<StatusReport>
  /** Resolves when every source has said all that it knew at the start. */
  readonly ready: Promise<void>
  /** Takes no more inputs, finishes those taken, writes a snapshot, closes. Pinned programs go on judging packets. */
  stop(): Promise<void>
}

const defaults = { flowsKept: 4096, verifyPeriodMs: 60_000, sweepPeriodMs: 10_000 }

/**
 * Puts an agent together and starts it: the log, the engine restored from it, the datapath as it says, then the sources.
 *
 * @throws WeirError WEIR_REQUEST_INVALID when the node's name or addresses aren't usable, WEIR_LOG_LOCKED when another agent has the log, WEIR_LOG_DAMAGED, and what the backend needs and
 *   the machine lacks. Whatever was opened until then is closed again.
 */
export async function createAgent(given: AgentOptions, machine: Machine = thisMachine): Promise<Agent> {
  const options = { ...given, ...checkedNodeOptions(given) }
  const { clock } = options
  const log = await EventLog.open({ storage: await machine.logStorage(options), nextTurn: () => clock.nextTurn() })
  const closing: (() => Promise<void>)[] = [() => log.close()]
  try {
    const report = options.report ?? (() => {})
    const restored = await restoreEngine(log, reason => report(`starting without a snapshot: ${reason}`))
    const { engine } = restored
    const datapath = createDatapath(
      await machine.openBackend(options, report),
      { ...options, labelsOf: engine.labelsOf },
      report,
    )
    closing.unshift(async () => datapath.close())
    const kept = await machine.openCheckpoints(options, log)
    const recorder = new Recorder(options, log, engine, restored.snapshot, kept, report)
    const agent = new RunningAgent({ options, machine, log, engine, recorder, datapath, report })
    closing.unshift(() => agent.stop())
    await agent.start()
    return agent
  } catch (error) {
    for (const close of closing) await close().catch(() => {})
    throw error
  }
}

interface AgentParts {
  readonly options: AgentOptions
  readonly machine: Machine
  readonly log: EventLog
  readonly engine: Engine
  readonly recorder: Recorder
  readonly datapath: Datapath
  readonly report: (message: string) => void
}

class RunningAgent implements Agent {
  readonly engine: Engine
  readonly log: EventLog
  readonly flows: FlowBook
  readonly staged: StagedTrial
  readonly history: FlowRecorder | undefined
  readonly datapath: Datapath
  readonly cni: CniPlugin | undefined
  readonly #options: AgentOptions
  readonly #report: (message: string) => void
  readonly #intake: Intake
  readonly #applied = new Subject<Applied>()
  readonly #startedAt: number
  readonly sources: readonly SourceRunner[]
  readonly #timers: Timer[] = []
  readonly #devices: HostDevices | undefined
  readonly #health: ServiceHealth
  readonly #recorder: Recorder
  readonly #routing: Routing
  #server: AgentServer | undefined
  #events = 0
  #lastLatencyMs = 0
  #appliedChanges = 0
  #updatedAt: number
  #repairs = 0
  #lastVerifiedAt: number | undefined
  #failing: string | undefined
  #stopping: Promise<void> | undefined
  /** Enforcement happens one at a time: batches and repairs must not mix their writes. */
  #enforcing: Promise<unknown> = Promise.resolve()
  #verifying: Promise<unknown> | undefined
  #markReady: () => void = () => {}
  readonly ready = new Promise<void>(resolve => {
    this.#markReady = resolve
  })

  constructor({ options, machine, log, engine, recorder, datapath, report }: AgentParts) {
    const { clock } = options
    this.#options = options
    this.#report = report
    this.log = log
    this.engine = engine
    this.datapath = datapath
    this.#recorder = recorder
    this.#startedAt = clock.nowMs()
    this.#updatedAt = this.#startedAt
    this.staged = new StagedTrial(engine, clock)
    this.flows = new FlowBook(engine, clock, options.flowsKept ?? defaults.flowsKept, this.staged)
    this.history = flowHistory(options, () => engine.seq, report)
    this.#intake = new Intake({
      log,
      engine,
      clock,
      onFolded: events => this.staged.folded(events),
      enforce: delta => this.#enforce(delta),
      onApplied: (events, delta, latencyMs) => this.#onApplied(events, delta, latencyMs),
      onHalted: ({ message }) => report(message),
    })
    const network = machine.network(datapath.kind)
    this.#devices =
      network &&
      new HostDevices({
        ...{ netns: options.netns, patterns: options.devices, network, clock, report },
        state: () => engine.state,
        use: devices => this.#inTurn(() => datapath.useDevices(devices)),
        submit: this.#submitFrom,
      })
    this.#routing = new Routing({
      ...{ asked: options.routing, rtnetlink: machine.rtnetlink(datapath.kind), path: options.netns, clock, report },
      state: () => engine.state,
      addOverlays: overlays => this.#inTurn(() => datapath.addOverlays(overlays)),
      useOverlays: overlays => this.#inTurn(() => datapath.useOverlays(overlays)),
      addTunnels: tunnels => datapath.addTunnels(tunnels),
      useTunnels: tunnels => datapath.useTunnels(tunnels),
    })
    this.#health = new ServiceHealth({
      clock,
      engine,
      random: () => machine.random(),
      probe: machine.probe,
      submit: this.#submitFrom,
      state: () => engine.state,
      localEndpoints: service => engine.localEndpoints(service),
      trouble: () => this.#intake.stopped ?? this.#failingNow,
      updatedAt: () => this.#updatedAt,
      healthz: options.healthz,
      report,
    })
    const sources = [...(options.sources ?? []), ...ownSources(options, machine, report)]
    this.cni = cniOf(options, {
      agent: this,
      hasSources: sources.length > 0,
      trouble: () => this.#intake.stopped,
      fittingBytes: () => this.#routing.view.mtuBytes ?? this.#devices?.mtuBytes,
      report,
    })
    this.sources = sources.map(
      source => new SourceRunner(source, { clock, report, submit: this.#submitFrom, state: () => engine.state }),
    )
  }

  get backendKind(): 'kernel' | 'memory' {
    return this.datapath.kind
  }

  get applied(): Observable<Applied> {
    return this.#applied
  }

  get maglev(): TableOptions {
    return this.#options.maglev ?? defaultTables
  }

  async start(): Promise<void> {
    const { clock, socketPath, access = { admins: [], readers: [] } } = this.#options
    await this.history?.start()
    this.datapath.watch(watcherOf(this.flows, this.history, clock))
    if (this.datapath.kind === 'kernel') await this.#forgetStale()
    await this.#configure()
    await this.#devices?.start()
    await this.#routing.takeOver()
    await this.#takeOver()
    await this.cni?.recover()
    await this.#routing.start()
    if (socketPath !== undefined) this.#server = await serve(socketPath, await accessOf(access), answerer(this))
    this.#timers.push(
      clock.every(this.#options.verifyPeriodMs ?? defaults.verifyPeriodMs, () => this.#verify()),
      clock.every(this.#options.sweepPeriodMs ?? defaults.sweepPeriodMs, () => this.#sweep()),
    )
    await this.#health.start()
    for (const source of this.sources) source.start()
    void Promise.all(this.sources.map(source => source.settled)).then(() => {
      if (this.#stopping === undefined) this.datapath.complete(this.engine.tables)
      this.#markReady()
    })
  }

  submit(origin: string, facts: Facts): Promise<Submitted> {
    return this.#intake.submit(origin, facts)
  }

  attachEndpoint(endpoint: EndpointFact): Promise<Submitted> {
    return this.#intake.submit('agent', [{ kind: 'endpoint.attached', endpoint }])
  }

  detachEndpoint(namespace: string, pod: string): Promise<Submitted> {
    return this.#intake.submit('agent', state =>
      state.endpoints.has(`${namespace}/${pod}`) ? [{ kind: 'endpoint.detached', namespace, pod }] : [],
    )
  }

  async status(): Promise<StatusReport> {
    const { clock, node } = this.#options
    return statusReport({
      ...{ node, nowMs: clock.nowMs(), startedAt: this.#startedAt, snapshot: this.#recorder.snapshot },
      ...{ log: this.log, engine: this.engine, datapath: this.datapath, devices: this.#devices },
      routing: this.#routing.view,
      intake: {
        queued: this.#intake.queued,
        events: this.#events,
        lastLatencyMs: this.#lastLatencyMs,
        refusals: this.engine.state.refusals.size,
        ...(this.#intake.stopped !== undefined && { stopped: this.#intake.stopped }),
      },
      reconcile: {
        applied: this.#appliedChanges,
        repairs: this.#repairs,
        ...(this.#lastVerifiedAt !== undefined && { lastVerifiedAt: this.#lastVerifiedAt }),
        ...(this.#failingNow !== undefined && { failing: this.#failingNow }),
      },
      health: this.#health.view,
      sources: this.sources.map(source => source.status),
      flows: { ...this.flows.counts, ...(this.history !== undefined && { history: this.history.figures }) },
    })
  }

  /** The datapath tries again by itself, so it knows best. */
  get #failingNow(): string | undefined {
    return this.datapath.failing ?? this.#failing
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  async #stop(): Promise<void> {
    for (const timer of this.#timers) timer.stop()
    await this.#devices?.close()
    await this.#routing.close()
    await Promise.all(this.sources.map(source => source.stop()))
    await this.#server?.close()
    await this.#health.close()
    await this.#intake.stop()
    await this.#verifying
    await this.#enforcing
    await this.#recorder.stop()
    this.flows.close()
    this.#applied.complete()
    this.datapath.close()
    await this.history?.close()
    await this.log.close()
  }

  readonly #submitFrom = (origin: string, facts: Facts): Promise<Submitted> => this.#intake.submit(origin, facts)

  /** Told before the datapath starts, which would look for devices that aren't there. */
  async #forgetStale(): Promise<void> {
    const facts = await staleEndpoints(this.engine.state, this.#options.netns)
    if (facts.length === 0) return
    this.#report(`${counted(facts.length, 'endpoint of the log is', 'endpoints of the log are')} gone from this node`)
    await this.#intake.submit('agent', facts).catch(onlyEnforcement)
  }

  /** Brings the datapath to the tables. What it refuses now it is asked again, while the agent goes on and says so. */
  async #takeOver(): Promise<void> {
    try {
      await this.datapath.start(this.engine.tables)
    } catch (error) {
      this.#failing = error instanceof Error ? error.message : String(error)
      this.#report(`not enforced yet: ${this.#failing}`)
    }
  }

  async #configure(): Promise<void> {
    await this.#intake.submit('agent', state => ownFacts(this.#options, state)).catch(onlyEnforcement)
  }

  /** Enforcement alone, once what is under way has ended. */
  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const turn = this.#enforcing.then(work)
    this.#enforcing = turn.catch(() => {})
    return turn
  }

  async #enforce(delta: TablesDelta): Promise<void> {
    const turn = this.#inTurn(() => this.datapath.apply(delta, this.engine.tables))
    try {
      this.#appliedChanges += await turn
      this.#failing = undefined
    } catch (error) {
      // The event is durable and folded. What the kernel refused is tried again by the next comparison.
      this.#failing = error instanceof Error ? error.message : String(error)
      this.#report(`event ${delta.seq} isn't enforced yet: ${this.#failing}`)
      throw error
    }
  }

  #onApplied(events: readonly WeirEvent[], delta: TablesDelta, latencyMs: number): void {
    this.#events += events.length
    this.#lastLatencyMs = latencyMs
    this.#updatedAt = this.#options.clock.nowMs()
    this.#applied.next({ events, delta })
    this.#health.applied(events)
    if (events.some(saysWhatIsOwn)) this.#devices?.changed()
    this.#routing.observe(events)
    this.#recorder.applied()
  }

  async #verify(): Promise<void> {
    const turn = this.datapath.verify(work => this.#inTurn(work))
    this.#verifying = turn.catch(() => {})
    try {
      const repaired = await turn
      if (this.#devices?.problem !== undefined) this.#devices.changed()
      this.#repairs += repaired
      this.#lastVerifiedAt = this.#options.clock.nowMs()
      this.#updatedAt = this.#lastVerifiedAt
      this.#failing = undefined
      if (repaired > 0) this.#report(`${repaired} entries of the datapath differed from the tables and were repaired`)
    } catch (error) {
      this.#failing = error instanceof Error ? error.message : String(error)
      this.#report(`comparing the datapath with the tables failed: ${this.#failing}`)
    }
  }

  async #sweep(): Promise<void> {
    try {
      this.datapath.sweep()
    } catch (error) {
      this.#report(`sweeping expired flows failed: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
}
