import type { Command } from 'commander'
import { command, type CommandContext } from '../command.js'
import { proposalOf } from '../proposal.js'
import { draftState, invalid, openState, withStates } from '../states.js'
import { type ComparisonOptions, tellChanges, withComparison } from './compare.js'

interface WhatIfOptions extends ComparisonOptions {
  readonly file: readonly string[]
  readonly delete: readonly string[]
  readonly log?: string
  readonly stateFrom?: string
}

const gather = (value: string, before: readonly string[]): readonly string[] => [...before, value]

/** `weir what-if -f FILE --delete KIND/NS/NAME` */
export function whatIfCommand(context: CommandContext): Command {
  const made = command(
    context,
    'what-if',
    'every flow whose verdict objects would change, before they are applied',
    async (options: WhatIfOptions) => {
      const { file, log, stateFrom } = options
      if (file.length + options.delete.length === 0)
        throw invalid('', 'there is nothing to try', '-f FILE or --delete KIND/NAMESPACE/NAME')
      if (log !== undefined && stateFrom !== undefined)
        throw invalid(stateFrom, 'there can be one state to start from', '--log or --state-from')
      return withStates([() => openState(context, log ?? stateFrom ?? 'live', options.socket)], async base => {
        const drafts = await proposalOf(context, base!.engine.state, file, options.delete)
        return tellChanges(context, base!, draftState('proposal', base, drafts), options)
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
    .option('--log <state>', 'start from a log instead of the agent')
    .option('--state-from <folder>', 'start from a folder of manifests instead of the agent')
  return withComparison(made, context)
}
