import { type Command, Option } from 'commander'
import type { Direction } from '@weir/core'
import { defaultSocketPath } from '../../agent/protocol.js'
import type { Dialect } from '../../suggest/policy-object.js'
import { suggestPolicy } from '../../suggest/suggest.js'
import { command, type CommandContext, type Output, outputOption, socketOption, wholeNumber } from '../command.js'
import { exitCodes } from '../exit.js'
import { type FlowSpan, flowsWithin, readingFlows } from '../flow-source.js'
import { moment } from '../quantities.js'
import { suggestionLines } from '../render/suggestion.js'

interface SuggestCommandOptions extends FlowSpan {
  readonly dialect: Dialect
  readonly ingress?: boolean
  readonly egress?: boolean
  readonly maxBlocks: number
  readonly log?: string
  readonly socket: string
  readonly output: Output
}

/** `weir suggest WORKLOAD` */
export function suggestCommand(context: CommandContext): Command {
  return command(
    context,
    'suggest',
    'a policy that allows what a workload was seen to do and nothing else, tried on all recorded flows',
    async (word: string, { log: given, socket, output, ...options }: SuggestCommandOptions) => {
      const { terminal } = context
      const suggestion = await readingFlows(context, given, socket, ({ log, store }) =>
        suggestPolicy(log, store, flowsWithin(context, options), word, {
          dialect: options.dialect,
          blocksMost: options.maxBlocks,
          directions: directionsOf(options),
        }),
      )
      const { policy, workload, judgement } = suggestion
      if (output === 'json') await terminal.line(JSON.stringify(suggestion))
      else if (policy === '') terminal.note(`weir: no flow of ${workload} was recorded that was allowed`)
      else for (const line of suggestionLines(suggestion, terminal.colour)) await terminal.line(line)
      const cuts = judgement.changes.some(({ change }) => change === 'newly-denied')
      return policy === '' || cuts ? exitCodes.no : exitCodes.ok
    },
  )
    .argument('<workload>', 'a workload, or a pod of it: shop/web')
    .addOption(
      new Option('--dialect <dialect>', 'k8s: a NetworkPolicy; cilium: a CiliumNetworkPolicy')
        .choices(['k8s', 'cilium'])
        .default('k8s'),
    )
    .option('--ingress', 'of what reaches it; without --egress of nothing else')
    .option('--egress', 'of what it reaches; without --ingress of nothing else')
    .option('--max-blocks <count>', 'most blocks of a rule before they are made wider', wholeNumber(1), 32)
    .option('--since <time>', 'from flows recorded from then on: 24h (ago), 2026-01-31T12:00:00Z', moment)
    .option('--until <time>', 'from flows up to then', moment)
    .option('--log <folder>', 'history of a log with flows beside it, or of a state folder; no agent is asked')
    .addOption(socketOption(defaultSocketPath, context.environment))
    .addOption(outputOption())
}

function directionsOf({ ingress, egress }: Pick<SuggestCommandOptions, 'ingress' | 'egress'>): readonly Direction[] {
  if (ingress === egress) return ['ingress', 'egress']
  return ingress === true ? ['ingress'] : ['egress']
}
