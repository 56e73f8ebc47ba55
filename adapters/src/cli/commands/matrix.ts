import { type Command, Option } from 'commander'
import { type Grouping, matrixOf } from '@weir/core/matrix/matrix.js'
import { defaultSocketPath } from '../../agent/protocol.js'
import { command, type CommandContext, computed, socketOption } from '../command.js'
import { exitCodes } from '../exit.js'
import { type MatrixForm, matrixLines } from '../render/matrix.js'
import { type Moment, momentHelp, openStateAt, pointInLog } from '../moment.js'
import { stateHelp, withStates } from '../states.js'

interface MatrixOptions {
  readonly by: string
  readonly log?: string
  readonly at?: Moment
  readonly socket: string
  readonly output: MatrixForm | 'json'
}

/** `weir matrix [STATE]` */
export function matrixCommand(context: CommandContext): Command {
  return command(
    context,
    'matrix',
    'who may talk to whom on which ports',
    async (state: string | undefined, options: MatrixOptions) =>
      withStates(
        [() => openStateAt(context, options.log ?? state ?? 'live', options.at, options.socket)],
        async given => {
          const matrix = computed(context, () => matrixOf(given!.engine, groupingOf(options.by)))
          if (options.output === 'json') await context.terminal.line(JSON.stringify(matrix))
          else for (const line of matrixLines(matrix, options.output)) await context.terminal.line(line)
          return exitCodes.ok
        },
      ),
  )
    .argument('[state]', `${stateHelp} (the default)`)
    .option('--by <what>', 'take pods together by workload, by namespace, or by a label key', 'workload')
    .option('--log <folder>', 'a log instead of an agent')
    .option('--at <moment>', `as it was then: ${momentHelp}`, pointInLog)
    .addOption(socketOption(defaultSocketPath, context.environment))
    .addOption(
      new Option('-o, --output <form>', 'markdown and dot (Graphviz) for documents, json for scripts')
        .choices(['text', 'json', 'markdown', 'dot'])
        .default('text'),
    )
}

const groupingOf = (by: string): Grouping => (by === 'workload' || by === 'namespace' ? by : { label: by })
