import { type Agent, type AgentOptions, createAgent } from '@weir/adapters'
import type { Machine } from '@weir/adapters/agent/machine.js'
import { WeirError } from '@weir/core'
import type { Checkpoint } from '@weir/store'
import { lookAtRest } from './at-rest.js'
import { ApiModel } from './api-model.js'
import { ApiSource } from './api-source.js'
import { Authors } from './authors.js'
import { BothSources } from './both-sources.js'
import { simulatedCheckpoints } from './checkpoints.js'
import { Comparisons } from './comparisons.js'
import { Disk } from './disk.js'
import { Folder, folderPath } from './folder.js'
import { Kernel } from './kernel.js'
import { Life } from './life.js'
import { meddle } from './meddle.js'
import { quietMs, repairedMs, rereadMs, settledMs, stoppedMs, verifyPeriodMs } from './periods.js'
import type { Plan, Step } from './plan.js'
import { crampsServices } from './room.js'
import { Random } from './random.js'
import { quiet, Scheduler } from './scheduler.js'
import { Cluster } from './source.js'
import { Trace } from './trace.js'
import { Ways } from './ways.js'
import { NodeNetwork } from './node-network.js'
import { stepText } from './step-text.js'
import { noneShort, type Short } from './watch.js'
import { type Violation, Witness } from './witness.js'

/** What came of a run. */
export interface Outcome {
  readonly violation: Violation | undefined
  /** Of all that happened, in its order: equal for equal runs. */
  readonly fingerprint: string
  readonly trace: readonly string[]
  readonly events: number
  readonly lives: number
  readonly writes: number
  /** Packets that were looked at. */
  readonly checks: number
  readonly virtualMs: number
}

const maglev = { size: 251, seed: 0 }
const dawnMs = 1_700_000_000_000

/** Runs a plan. Whatever breaks a law ends it. */
export async function simulate(plan: Plan, keepTrace = false): Promise<Outcome> {
  const simulation = new Simulation(plan, keepTrace)
  await simulation.run()
  return simulation.outcome
}

interface Running {
  readonly life: Life
  readonly agent: Agent
  /** The last event of which the agent said that it was enforced, or that it can't be yet. */
  applied: number
}

class Simulation {
  readonly #plan: Plan
  readonly #random: Random
  readonly #scheduler: Scheduler
  readonly #trace: Trace
  readonly #witness: Witness
  readonly #disk: Disk
  readonly #kernel: Kernel
  readonly #network: NodeNetwork
  readonly #ways: Ways | undefined
  readonly #cluster: Cluster
  readonly #folder: Folder | undefined
  readonly #authors: Authors | undefined
  readonly #api: ApiModel | undefined
  readonly #server: ApiSource | undefined
  readonly #both: BothSources | undefined
  readonly #checkpoints: Checkpoint[] = []
  #life: Life | undefined
  #running: Running | undefined
  #isPowerNext = false
  #meddledMs = Number.NEGATIVE_INFINITY
  readonly #comparisons = new Comparisons(() => this.#scheduler.nowMs)
  /** Nothing fails any more, so that what nobody asked for comes to an end too. */
  #isCalm = false
  #lives = 0
  #satisfiedAtMs = 0

  constructor(plan: Plan, keepTrace: boolean) {
    this.#plan = plan
    this.#random = new Random(plan.seed ^ 0x5eed)
    this.#scheduler = new Scheduler(this.#random.fork(), dawnMs)
    this.#trace = new Trace(() => this.#scheduler.nowMs - dawnMs, keepTrace)
    this.#witness = new Witness(plan, ({ law, message }) => this.#trace.note(`broken: ${law}: ${message}`))
    this.#disk = new Disk(this.#random.fork(), events => {
      this.#trace.note(`durable to ${events.at(-1)?.seq}`)
      this.#witness.onDurable(events)
      for (const each of this.#both === undefined ? [this.#authors, this.#server] : [this.#both])
        each?.onDurable(events)
    })
    const nowMs = (): number => this.#scheduler.nowMs
    const note = this.#trace.note.bind(this.#trace)
    const broken = this.#witness.broken.bind(this.#witness)
    const after = (delayMs: number, run: () => void): void => void this.#scheduler.after(delayMs, run)
    if (plan.hasFiles) {
      this.#folder = new Folder(this.#random.fork(), nowMs, note, () => this.#authors?.onBlind())
      this.#authors = new Authors(this.#folder, after, broken)
    }
    if (plan.hasApi) {
      this.#api = new ApiModel(this.#random.fork(), note, () => this.#isCalm)
      this.#server = new ApiSource(this.#api, after, nowMs, broken)
    }
    if (this.#authors && this.#server) this.#both = new BothSources(this.#authors, this.#server, broken)
    this.#network = new NodeNetwork(this.#random.fork(), ifindex => this.#kernel.loseDevice(ifindex))
    this.#kernel = new Kernel(
      plan.sizes,
      () => this.#scheduler.nowMs,
      ifindex => this.#network.has(ifindex) || this.#ways?.has(ifindex) === true,
      what => {
        this.#trace.note(`write ${what}`)
        this.#witness.onWrite(this.#kernel, what)
      },
      (attachment, isAttached) => this.#ways?.onPrograms(attachment, isAttached),
    )
    if (plan.modes.length > 0) this.#ways = new Ways(plan.modes, this.#kernel, this.#witness, note, nowMs)
    this.#cluster = new Cluster(this.#random.fork(), {
      onAcknowledged: (first, bodies) => this.#witness.onAcknowledged(first, bodies),
      onStopped: () => this.#replace('it takes nothing more'),
    })
  }

  get outcome(): Outcome {
    const { violation, durable, checks } = this.#witness
    return {
      ...{ violation, fingerprint: this.#trace.fingerprint, trace: this.#trace.lines, lives: this.#lives, checks },
      events: durable.length,
      writes: this.#kernel.writes,
      virtualMs: this.#scheduler.nowMs - dawnMs,
    }
  }

  async run(): Promise<void> {
    this.#start()
    await quiet()
    for (const step of this.#plan.steps) {
      await this.#pass(step.afterMs)
      if (this.#witness.violation !== undefined) break
      this.#trace.note(`step ${stepText(step)}`)
      this.#do(step)
      await quiet()
      this.#look()
    }
    this.#isCalm = true
    this.#disk.faults.disarm()
    this.#kernel.faults.disarm()
    this.#life?.killAfter(Number.POSITIVE_INFINITY)
    await this.#pass(this.#calmMs)
    if (this.#witness.violation === undefined) await this.#atRest()
    if (this.#witness.violation === undefined) await this.#end()
    this.#life?.end()
  }

  get #calmMs(): number {
    // Whoever found the server away asks again after ever longer pauses.
    if (this.#isTroubled || this.#api !== undefined) return repairedMs
    return this.#folder === undefined ? settledMs : rereadMs
  }

  /** Whether something may have to be made up for that is tried again at ever longer intervals, or found by comparing. */
  get #isTroubled(): boolean {
    return this.#plan.steps.some(({ kind }) => ['meddle', 'kernel refuses', 'disk fails'].includes(kind))
  }

  /** Virtual time goes by, until then or until a law is broken. */
  async #pass(durationMs: number): Promise<void> {
    let isOver = false
    this.#scheduler.after(durationMs, () => {
      isOver = true
    })
    while (!isOver && this.#witness.violation === undefined) {
      await this.#scheduler.step()
      this.#look()
    }
  }

  #do(step: Step): void {
    switch (step.kind) {
      case 'say':
        this.#cluster.say(step.bodies, step.asked)
        break
      case 'files':
        for (const change of step.changes) this.#authors?.change(change)
        break
      case 'api':
        for (const change of step.changes) this.#server?.change(change)
        break
      case 'devices':
        this.#network.change(step.state)
        break
      case 'repeat':
        this.#cluster.repeat(step.share)
        break
      case 'kill':
        this.#isPowerNext = step.power
        this.#life?.killAfter(step.afterOperations)
        break
      case 'restart':
        this.#replace('it is told to')
        break
      case 'disk fails':
        this.#disk.faults.arm(step.code, step.after, step.times)
        break
      case 'kernel refuses':
        this.#kernel.faults.arm(step.code, step.after, step.times)
        break
      case 'meddle':
        this.#meddle(new Random(step.salt))
        this.#meddledMs = this.#scheduler.nowMs
        this.#witness.onDisturbed()
        break
      case 'connect':
        this.#witness.connect(this.#kernel)
    }
  }

  #meddle(random: Random): void {
    const what = this.#ways?.meddle(random) ?? meddle(this.#kernel.backend, random)
    this.#trace.note(`meddled: ${what}`)
  }

  #start(): void {
    const random = this.#random.fork()
    const life = new Life(this.#scheduler, random, () => this.#onKilled())
    this.#life = life
    this.#lives += 1
    this.#authors?.onBlind()
    this.#server?.onBlind()
    this.#trace.note(`life ${this.#lives}`)
    const startedMs = this.#scheduler.nowMs
    createAgent(this.#optionsFor(life), this.#machineFor(life, random)).then(
      agent => {
        if (!life.isOver) this.#onStarted(life, agent, startedMs)
      },
      (error: unknown) => {
        if (!life.isOver) this.#onFailed(life, error)
      },
    )
  }

  #optionsFor(life: Life): AgentOptions {
    return {
      ...{ stateFolder: '/simulated', node: 'here', cluster: 'test', backend: 'memory', clock: life.clock },
      ...{ verifyPeriodMs, checkpointEvery: 7, logRetentionPeriodMs: 1500, maglev, ...this.#plan.agent },
      sources: [this.#cluster.source(life)],
      ...(this.#folder !== undefined && { manifests: folderPath }),
      ...(this.#api !== undefined && { kubernetes: {} }),
      ...(this.#ways !== undefined && { routing: this.#ways.modeOf(this.#lives) }),
      report: message => {
        this.#trace.note(`says ${message}`)
        // Whoever starts agents does as is said of that.
        if (message.includes('takes no more inputs')) life.after(1, () => this.#replace('it takes nothing more'))
      },
    }
  }

  #machineFor(life: Life, random: Random): Machine {
    return {
      logStorage: async () => ({
        ...{ location: 'simulated', readOnly: false },
        open: () => this.#disk.open(life),
        close: database => database.close(),
      }),
      openCheckpoints: async () => simulatedCheckpoints(this.#checkpoints, life, this.#disk.faults),
      openBackend: async () => this.#kernel.open(life),
      random: () => random.next(),
      probe: async () => {
        await life.io()
        return this.#isCalm || random.chance(0.7) ? undefined : 'ECONNREFUSED'
      },
      network: () => (this.#plan.hasDevices ? async () => this.#network.network(life) : undefined),
      rtnetlink: () => this.#ways?.kernel.open(life),
      ...(this.#folder !== undefined && { manifests: this.#folder.machine(life) }),
      ...(this.#api !== undefined && { connectKubernetes: () => this.#api!.connect(life) }),
    }
  }

  #onStarted(life: Life, agent: Agent, startedMs: number): void {
    this.#comparisons.follow(agent.datapath, startedMs)
    const running: Running = { life, agent, applied: agent.engine.seq }
    this.#running = running
    this.#trace.note(`started at ${agent.engine.seq}`)
    agent.applied.subscribe(({ events }) => {
      running.applied = events.at(-1)?.seq ?? running.applied
    })
    this.#witness.checkDigest(agent.engine)
  }

  /** Not to be able to start is no crime where the disk says so; whoever starts agents tries again. */
  #onFailed(life: Life, error: unknown): void {
    this.#trace.note(`failed to start: ${String(error)}`)
    if (!(error instanceof WeirError)) this.#witness.broken('errors are typed', `the agent ended with ${String(error)}`)
    else if (error.code !== 'WEIR_LOG_WRITE_FAILED' && error.code !== 'WEIR_INTAKE_STOPPED')
      this.#witness.broken('an agent starts from any crash', `it ended with ${error.code}: ${error.message}`)
    life.end()
    this.#scheduler.after(this.#random.between(1, 2000), () => this.#start())
  }

  #onKilled(): void {
    this.#trace.note(this.#isPowerNext ? 'power lost' : 'killed')
    this.#running = undefined
    this.#disk.crash(this.#isPowerNext)
    if (this.#isPowerNext) {
      this.#kernel.losePower()
      this.#ways?.kernel.losePower()
      this.#witness.onDisturbed()
    }
    this.#isPowerNext = false
    this.#scheduler.after(this.#random.below(400), () => this.#start())
  }

  /** Stops the agent in an orderly way, and starts another. */
  #replace(why: string): void {
    const running = this.#running
    if (running === undefined) return
    this.#trace.note(`replaced: ${why}`)
    this.#running = undefined
    void this.#stop(running).then(() => {
      if (running.life.isOver) return
      running.life.end()
      this.#scheduler.after(this.#random.below(400), () => this.#start())
    })
  }

  async #stop({ life, agent }: Running): Promise<void> {
    const tooLate = life.after(stoppedMs, () =>
      this.#witness.broken('an agent stops when told', `it goes on ${stoppedMs} ms later`),
    )
    await agent.stop()
    tooLate()
  }

  /** After each step: what must hold at any time, and what must hold whenever the agent says that it is done. */
  #look(): void {
    this.#ways?.onTime()
    const running = this.#running
    if (running === undefined) return
    const { agent, applied } = running
    const { seq } = agent.engine
    const { nowMs } = this.#scheduler
    this.#witness.checkFolded(agent.engine)
    if (seq !== applied || agent.datapath.failing !== undefined || !this.#comparisons.isSince(this.#meddledMs)) return
    if (!this.#witness.isSatisfied) {
      this.#witness.onEnforced(this.#kernel, seq, this.#short(agent))
      this.#satisfiedAtMs = nowMs
    } else if (this.#satisfiedAtMs + quietMs <= nowMs) this.#witness.onSettled(this.#kernel, seq, this.#short(agent))
  }

  /** Owners of frontends that have to stay as they were, for want of room. */
  #short({ datapath }: Agent): Short {
    if (!crampsServices(this.#plan.sizes)) return noneShort
    const { shortages } = datapath.figures()
    const names = new Set(shortages.flatMap(({ examples }) => examples))
    return shortages.some(({ services, examples }) => services > examples.length) ? 'unknown' : names
  }

  /** Faults are over for long enough: everything said is in the log, and enforced. */
  async #atRest(): Promise<void> {
    const running = this.#running
    if (running === undefined) this.#witness.broken('an agent comes back', `none runs ${repairedMs} ms later`)
    else {
      const parts = { plan: this.#plan, witness: this.#witness, kernel: this.#kernel, network: this.#network }
      const fills = await this.#whileTimePasses(running.agent.datapath.fills())
      const authors = this.#both === undefined ? this.#authors : undefined
      const sources = { cluster: this.#cluster, authors, server: this.#both ?? this.#server }
      this.#ways?.lookAtRest()
      await lookAtRest({ ...parts, ...sources }, { ...running, fills: fills ?? [] })
    }
  }

  async #end(): Promise<void> {
    const running = this.#running
    if (running === undefined) return
    const report = await this.#whileTimePasses(running.agent.log.verify())
    const finding = report?.findings[0]
    if (finding !== undefined) this.#witness.broken('the log is sound', finding.message)
    this.#running = undefined
    await this.#whileTimePasses(this.#stop(running))
    running.life.end()
  }

  /** Undefined when a law is broken before it has a result. */
  async #whileTimePasses<Result>(work: Promise<Result>): Promise<Result | undefined> {
    let result: { readonly value: Result } | undefined
    void work.then(value => {
      result = { value }
    })
    await quiet()
    while (result === undefined && this.#witness.violation === undefined) await this.#scheduler.step()
    return result?.value
  }
}
