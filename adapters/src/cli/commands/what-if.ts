import type { Command } from 'commander'
import { Engine, type EventDraft } from '@weir/core'
import { unstaged } from '@weir/core/state/staged.js'
import { judgePast, type PastJudgement } from '../../flows/what-if.js'
import { command, type CommandContext } from '../command.js'
import { flowsWithin, readingFlows } from '../flow-source.js'
import { moment } from '../quantities.js'
import { proposalOf, stagedDrafts } from '../proposal.js'
import { draftState, invalid, openState, withStates } from '../states.js'
import { type ComparisonOptions, tellChanges, withComparison } from './compare.js'

interface WhatIfOptions extends ComparisonOptions {
  readonly file: readonly string[]
  readonly delete: readonly string[]
  readonly staged?: boolean
  readonly log?: string
  readonly stateFrom?: string
  readonly since?: (nowMs: number) => number
}

const gather = (value: string, before: readonly string[]): readonly string[] => [...before, value]

/** `weir what-if -f FILE --delete KIND/NS/NAME` */
export function whatIfCommand(context: CommandContext): Command {
  const made = command(
    context,
    'what-if',
    'every flow whose verdict objects would change, before they are applied',
    async (options: WhatIfOptions) => {
      const { file, log, stateFrom, staged = false } = options
      if (file.length + options.delete.length === 0 && !staged)
        throw invalid('', 'there is nothing to try', '-f FILE, --delete KIND/NAMESPACE/NAME, or --staged')
      if (log !== undefined && stateFrom !== undefined)
        throw invalid(stateFrom, 'there can be one state to start from', '--log or --state-from')
      if (options.since !== undefined && stateFrom !== undefined)
        throw invalid(stateFrom, 'manifests have no recorded flows', '--log, or the agent')
      return withStates([() => openState(context, log ?? stateFrom ?? 'live', options.socket)], async base => {
        const { state } = base!.engine
        const proposed = await proposalOf(context, state, file, options.delete)
        const drafts = staged ? [...stagedDrafts(state), ...proposed.map(unstaged)] : proposed
        if (drafts.length === 0 && file.length === 0)
          throw invalid('--staged', 'no policy is staged', 'one with weir.io/stage: "true"')
        const recorded = options.since === undefined ? undefined : await recordedFlows(context, options, drafts)
        return tellChanges(context, base!, draftState('proposal', base, drafts), options, recorded)
      })
    },
  )
    .option(
      '-f, --file <path>',
      'objects that come or change: a folder or file of manifests, or - for standard input; may be repeated',
      gather,
      [],
    )
    .option(
      '--delete <object>',
      'an object that goes: KIND/NAMESPACE/NAME, kinds as in kubectl; may be repeated',
      gather,
      [],
    )
    .option('--staged', 'staged policies, those of --file among them, as if they were in force')
    .option('--since <time>', 'try it on flows recorded from then on, too: 24h (ago), 2026-01-31T12:00:00Z', moment)
    .option('--log <state>', 'start from a log instead of the agent')
    .option('--state-from <folder>', 'start from a folder of manifests instead of the agent')
  return withComparison(made, context)
}

/** Recorded flows under the proposal, which are no matter of the state that it is compared with. */
function recordedFlows(
  context: CommandContext,
  { log, socket, since, file, delete: deleted, staged = false }: WhatIfOptions,
  drafts: readonly EventDraft[],
): Promise<PastJudgement> {
  return readingFlows(context, log, socket, async ({ log: events, store }) => {
    // Objects that are in force already as proposed may not have been all the time.
    const objects = await proposalOf(
      context,
      new Engine().state,
      file.filter(path => path !== '-'),
      [],
    )
    const known = deleted.length > 0 || file.includes('-') || staged ? drafts : []
    return judgePast(events, store, flowsWithin(context, { ...(since !== undefined && { since }) }), [
      ...(staged ? objects.map(unstaged) : objects),
      ...known,
    ])
  })
}
