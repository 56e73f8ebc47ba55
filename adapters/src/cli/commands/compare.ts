import type { Command } from 'commander'
import { compareStates } from '@weir/core/compare/compare.js'
import type { FlowChange } from '@weir/core/compare/lines.js'
import { defaultSocketPath } from '../../agent/protocol.js'
import type { PastJudgement } from '../../flows/what-if.js'
import { command, type CommandContext, computed, type Output, outputOption, socketOption } from '../command.js'
import type { ExitCode } from '../exit.js'
import { exitOn, type FailOn, failOnOption } from '../fail-on.js'
import { placesOf } from '../origins.js'
import { changeLines, changeSummary, uncoveredLines } from '../render/change.js'
import { pastLines } from '../render/past-changes.js'
import { type Moment, momentHelp, openStateAt, pointInLog } from '../moment.js'
import { type GivenState, invalid, stateHelp, withStates } from '../states.js'

export interface ComparisonOptions {
  readonly socket: string
  readonly output: Output
  readonly failOn?: FailOn
}

/** `weir compare STATE_A STATE_B`, `weir compare [STATE] --at MOMENT` */
export function compareCommand(context: CommandContext): Command {
  const made = command(
    context,
    'compare',
    'every flow that two states judge differently, and by which rules',
    (given: string | undefined, after: string | undefined, options: ComparisonOptions & { readonly at?: Moment }) => {
      const { at, socket } = options
      const before = given ?? 'live'
      if (after === undefined && at === undefined)
        throw invalid(before, 'a comparison is of two states', 'another state, or --at MOMENT')
      return withStates(
        [
          () => openStateAt(context, before, at, socket),
          () => openStateAt(context, after ?? before, undefined, socket),
        ],
        (a, b) => tellChanges(context, a!, b!, options),
      )
    },
  )
    .argument('[before]', `${stateHelp}; live, where --at is all there is`)
    .argument('[after]', 'the same; with --at the first one as it is now')
    .option('--at <moment>', `the first state as it was then: ${momentHelp}`, pointInLog)
  return withComparison(made, context)
}

/** The options that `compare` and `what-if` share. */
export function withComparison(made: Command, context: CommandContext): Command {
  return made
    .addOption(failOnOption('change'))
    .addOption(socketOption(defaultSocketPath, context.environment))
    .addOption(outputOption())
}

/** Compares two states and writes what changes. */
export async function tellChanges(
  context: CommandContext,
  before: GivenState,
  after: GivenState,
  { output, failOn }: ComparisonOptions,
  recorded?: PastJudgement,
): Promise<ExitCode> {
  const { terminal, workingFolder } = context
  const { changes, uncovered } = computed(context, () => compareStates(before.engine, after.engine))
  const places = {
    before: await placesOf(before, seqsOf(changes, 'before'), workingFolder),
    after: await placesOf(after, seqsOf(changes, 'after'), workingFolder),
  }
  if (output === 'json') {
    const states = {
      before: { name: before.name, seq: before.engine.seq },
      after: { name: after.name, seq: after.engine.seq },
    }
    await terminal.line(
      JSON.stringify({
        ...states,
        changes: changes.map(change => withPlaces(change, places)),
        uncovered,
        ...(recorded !== undefined && { recorded }),
      }),
    )
  } else {
    for (const line of changeLines(changes, places, terminal.colour)) await terminal.line(line)
    await terminal.line(changeSummary(changes))
    for (const line of uncoveredLines(uncovered, terminal.colour)) await terminal.line(line)
    for (const line of recorded === undefined ? [] : pastLines(recorded, terminal.colour)) await terminal.line(line)
  }
  return exitOn([...changes, ...(recorded?.changes ?? [])], failOn)
}

type Placing = Parameters<typeof changeLines>[1]

/** The change with file and line beside each rule. */
function withPlaces(change: FlowChange, places: Placing): object {
  const placed = (side: 'before' | 'after'): object => ({
    ...change[side],
    causes: change[side].causes.map(cause => ({
      ...cause,
      origins: cause.origins.map(origin => {
        const place = places[side](origin.seq)
        return place === undefined ? origin : { ...origin, place }
      }),
    })),
  })
  return { ...change, before: placed('before'), after: placed('after') }
}

function seqsOf(changes: readonly FlowChange[], side: 'before' | 'after'): number[] {
  return changes.flatMap(change => change[side].causes.flatMap(({ origins }) => origins.map(({ seq }) => seq)))
}
