import type { ClusterState, EventBody, PodFact } from '@weir/core'
import type { Agent } from '../agent/agent.js'
import { explainedCauses, isAllowedBy } from '../agent/causes.js'
import { replayLog } from '../agent/restore.js'
import { problemLine } from '../cli/render/error.js'
import type { Colour } from '../cli/terminal.js'
import { giveAddresses } from './addresses.js'
import { type Cell, cellsOf, partiesOf, pluggablePods } from './cells.js'
import { sibling, tellingPolicy } from './change.js'
import type { Ground } from './ground.js'
import { cellName, disagreementLine, flipLines, matrixLines } from './matrix.js'
import type { Oracle } from './oracle.js'
import type { Plugger } from './plug.js'
import { cellReport, type ChangeReport, type DemoReport, disagreementsOf, untriedReport } from './report.js'
import { changesBetween, type Trial, tryCells, type Untried } from './trial.js'

export interface StoryOptions {
  readonly agent: Agent
  readonly ground: Ground
  readonly oracle: Oracle
  readonly plugger: Plugger
  readonly kind: 'kernel' | 'memory'
  readonly folder: string
  readonly timeBudgetMs: number
  readonly interrupted: AbortSignal
  readonly colour: Colour
  readonly say: (text: string) => Promise<void>
  readonly setUpMs: number
  /** By the clock of `performance.now()`; the time budget counts from here. */
  readonly startedAt: number
}

interface Round {
  readonly trials: readonly Trial[]
  readonly untried: readonly Untried[]
  readonly durationMs: number
}

/**
 * The demo in order: the first matrix, a policy's end, a new pod, the replay. Each with packets, each compared with the
 * reference semantics.
 *
 * @returns the report; undefined when interrupted.
 */
export async function tellStory(options: StoryOptions): Promise<DemoReport | undefined> {
  const { agent, say, colour, interrupted } = options
  const { state } = agent.engine
  await say(
    `${state.pods.size} pods, ${state.policies.size + state.ciliumPolicies.size + state.clusterPolicies.size} policies, ${state.refusals.size} refused, from ${options.folder}, on the ${options.kind} backend`,
  )
  for (const { problems } of state.refusals.values())
    for (const problem of problems) await say(colour.bad(`refused: ${problemLine(problem)}`))
  for (const { pod, address, owner } of pluggablePods(state).contested)
    await say(colour.bad(`${pod.namespace}/${pod.name} is left out: its address ${address} is ${owner}'s`))

  const first = await tryAll(options)
  if (interrupted.aborted) return undefined
  if (first.trials.length === 0)
    await say(colour.bad('Nothing was tried: there are no pods with ports and addresses here.'))
  else {
    await say('')
    for (const line of matrixLines(first.trials, colour)) await say(line)
    await say('')
    await say(roundLine(first, colour))
  }
  await tellDisagreements(first, options)

  const rounds = [first]
  const changes: ChangeReport[] = []
  for (const change of [deletePolicy, addPod]) {
    const told = await change(options, rounds.at(-1)!)
    if (interrupted.aborted) return undefined
    if (told === undefined) continue
    rounds.push(told.round)
    changes.push(told.report)
  }

  const digest = agent.engine.digest().hex
  const replay = await replayLog(agent.log, () => performance.now())
  const same = digest === replay.digest.hex
  await say('')
  await say(
    `Replayed ${replay.events} events from the log in ${replay.durationMs.toFixed(0)} ms: digest ${replay.digest.hex.slice(0, 16)}… ${same ? colour.good('agrees') : colour.bad(`differs from ${digest.slice(0, 16)}…`)}`,
  )
  const disagreements = rounds.flatMap(round => disagreementsOf(round.trials))
  const tries = rounds.reduce((sum, round) => sum + round.trials.length, 0)
  if (disagreements.length > 0)
    await say(colour.bad(`${disagreements.length} tries disagree with the reference semantics.`))
  else if (tries > 0) await say(colour.good(`Every one of ${tries} tries agrees with the reference semantics.`))
  const allowed = first.trials.filter(trial => trial.outcome.allowed).length
  return {
    cells: first.trials.length,
    allowed,
    denied: first.trials.length - allowed,
    disagreements: disagreements.map(cellReport),
    digest,
    replayDigest: replay.digest.hex,
    backend: options.kind,
    matrix: first.trials.map(cellReport),
    untried: first.untried.map(untriedReport),
    changes,
    events: replay.events,
    timings: {
      setUpMs: Math.round(options.setUpMs),
      matrixMs: Math.round(first.durationMs),
      replayMs: Math.round(replay.durationMs),
    },
  }
}

interface Told {
  readonly round: Round
  readonly report: ChangeReport
}

async function deletePolicy(options: StoryOptions, before: Round): Promise<Told | undefined> {
  const { agent, oracle, say } = options
  const policy = tellingPolicy(
    agent.engine.state,
    before.trials.map(trial => trial.cell),
    oracle,
  )
  if (policy === undefined) return undefined
  const { title, end } = policy
  await say(`\nNow live: ${title} is deleted.`)
  return await changeWith(options, before, `${title} deleted`, () => [end])
}

async function addPod(options: StoryOptions, before: Round): Promise<Told | undefined> {
  const { agent, say } = options
  const model = sibling(agent.engine.state)
  if (model === undefined) return undefined
  await say(`\nNow live: pod ${model.namespace}/${model.name} is added.`)
  const body = (state: ClusterState): readonly EventBody[] => {
    const pod: PodFact = giveAddresses(state, model)
    return [{ kind: 'pod.upserted', pod }]
  }
  return await changeWith(options, before, `Pod ${model.namespace}/${model.name} added`, body)
}

/** Says a fact, tries everything again, tells what differs; nothing when interrupted meanwhile. */
async function changeWith(
  options: StoryOptions,
  before: Round,
  change: string,
  facts: (state: ClusterState) => readonly EventBody[],
): Promise<Told | undefined> {
  const { agent, plugger, say, colour } = options
  const start = performance.now()
  const { last: seq } = await agent.submit('demo', facts)
  const enforcedMs = performance.now() - start
  await plugger.settle()
  const round = await tryAll(options)
  if (options.interrupted.aborted) return undefined
  const { flipped, added } = changesBetween(before.trials, round.trials)
  await say(
    `Event ${seq} was durable and enforced after ${enforcedMs.toFixed(1)} ms. ${flipped.length} verdicts changed, ${added.length} cells are new.`,
  )
  for (const line of flipLines(flipped, colour)) await say(line)
  if (added.length > 0) {
    const allowed = added.filter(trial => trial.outcome.allowed).length
    await say(`  new cells: ${allowed} allowed, ${added.length - allowed} denied`)
  }
  await say(roundLine(round, colour))
  await tellDisagreements(round, options)
  const report: ChangeReport = {
    change,
    seq,
    flipped: flipped.map(each => ({
      cell: cellName(each.after),
      allowed: each.after.outcome.allowed,
      before: each.before.causes,
      after: each.after.causes,
    })),
    added: added.length,
    cells: round.trials.length,
  }
  return { round, report }
}

async function tryAll({ agent, ground, oracle, interrupted, timeBudgetMs, startedAt }: StoryOptions): Promise<Round> {
  const start = performance.now()
  const isOver = (): boolean => interrupted.aborted || performance.now() - startedAt > timeBudgetMs
  const cells = cellsOf(partiesOf(agent.engine.state, ground.world))
  const { trials, untried } = await tryCells(cells, ground, agent.engine, oracle, explain, isOver)
  return { trials, untried, durationMs: performance.now() - start }
}

function explain(
  engine: Agent['engine'],
  cell: Cell,
): { readonly allowed: boolean; readonly causes: readonly string[] } {
  const explanation = engine.explain(cell.flow)
  return { allowed: isAllowedBy(explanation), causes: explainedCauses(explanation) }
}

function roundLine({ trials, untried, durationMs }: Round, colour: Colour): string {
  const allowed = trials.filter(trial => trial.outcome.allowed).length
  const left =
    untried.length === 0
      ? ''
      : `, ${untried.length} not tried (${[...new Set(untried.map(each => each.reason))].join('; ')})`
  const wrong = disagreementsOf(trials).length
  const verdict = wrong === 0 ? colour.good('all agree with the reference semantics') : colour.bad(`${wrong} disagree`)
  return `${trials.length} cells tried in ${(durationMs / 1000).toFixed(1)} s: ${allowed} allowed, ${trials.length - allowed} denied${left}; ${verdict}`
}

async function tellDisagreements(round: Round, { say, colour }: StoryOptions): Promise<void> {
  for (const trial of disagreementsOf(round.trials)) await say(colour.bad(`  ${disagreementLine(trial)}`))
}
