import type { Command } from 'commander'
import { differingParts } from '@weir/core/digest/differing-parts.js'
import { defaultSocketPath } from '../../agent/protocol.js'
import { command, type CommandContext, type Output, outputOption, socketOption } from '../command.js'
import { type ExitCode, exitCodes } from '../exit.js'
import { type Moment, momentHelp, openStateAt, pointInLog } from '../moment.js'
import { type GivenState, stateHelp, withStates } from '../states.js'

interface DigestOptions {
  readonly at?: Moment
  readonly socket: string
  readonly output: Output
}

/** `weir digest [STATE] [OTHER]` */
export function digestCommand(context: CommandContext): Command {
  return command(
    context,
    'digest',
    'what a state comes to, in one hash; of two states, whether they enforce the same and which tables differ',
    (state: string, other: string | undefined, options: DigestOptions) => {
      const words = other === undefined ? [state] : [state, other]
      return withStates(
        words.map(word => () => openStateAt(context, word, options.at, options.socket)),
        (first, second) => tell(context, first!, second, options.output),
      )
    },
  )
    .argument('[state]', stateHelp, 'live')
    .argument('[other]', 'another one, to compare')
    .option('--at <moment>', `as they were then: ${momentHelp}`, pointInLog)
    .addOption(socketOption(defaultSocketPath, context.environment))
    .addOption(outputOption())
}

async function tell(
  { terminal }: CommandContext,
  first: GivenState,
  second: GivenState | undefined,
  output: Output,
): Promise<ExitCode> {
  const states = [first, ...(second === undefined ? [] : [second])].map(({ name, engine }) => ({
    name,
    seq: engine.seq,
    digest: engine.digest(),
  }))
  const [a, b] = states
  const differing = b === undefined ? undefined : differingParts(a!.digest, b.digest)
  if (output === 'json') await terminal.line(JSON.stringify({ states, ...(differing && { differing }) }))
  else {
    for (const { name, seq, digest } of states) await terminal.line(`${digest.hex}  ${name}, event ${seq}`)
    if (differing !== undefined)
      await terminal.line(differing.length === 0 ? 'all tables are the same' : `tables differ: ${differing.join(', ')}`)
  }
  return differing === undefined || differing.length === 0 ? exitCodes.ok : exitCodes.no
}
