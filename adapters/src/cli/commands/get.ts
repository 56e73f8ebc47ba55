import { Argument, type Command } from 'commander'
import { defaultSocketPath, type Kind, kinds } from '../../agent/protocol.js'
import { agentClient } from '../client.js'
import { command, type CommandContext, type Output, outputOption, socketOption } from '../command.js'
import { type ExitCode, exitCodes } from '../exit.js'
import { viewOf } from '../../agent/views.js'
import { objectLines } from '../render/objects.js'
import { type Moment, momentHelp, openStateAt, pointInLog } from '../moment.js'
import { stateHelp, withStates } from '../states.js'

type Objects = readonly Readonly<Record<string, unknown>>[]

interface GetOptions {
  readonly socket: string
  readonly output: Output
  readonly namespace?: string
  readonly log?: string
  readonly at?: Moment
}

/** The agent's own objects, or those of another state. */
function objectsOf(
  context: CommandContext,
  kind: Kind,
  name: string | undefined,
  { log, at, socket }: GetOptions,
): Promise<Objects> {
  if (log === undefined && at === undefined) return agentClient(socket).get<Objects>(`/v1/get/${kind}`, { name })
  return withStates([() => openStateAt(context, log ?? 'live', at, socket)], async given => {
    const objects = await viewOf(given!.engine, kind, name, seq => given!.sourceOf(seq))
    return objects as Objects
  })
}

async function tell(
  context: CommandContext,
  kind: Kind,
  name: string | undefined,
  options: GetOptions,
): Promise<ExitCode> {
  const objects = await objectsOf(context, kind, name, options)
  const chosen = objects.filter(each => options.namespace === undefined || each.namespace === options.namespace)
  if (options.output === 'json') await context.terminal.line(JSON.stringify(chosen))
  else for (const line of objectLines(kind, chosen, context.terminal.colour)) await context.terminal.line(line)
  return exitCodes.ok
}

/** `weir get KIND [NAME]` */
export function getCommand(context: CommandContext): Command {
  const made = command(
    context,
    'get',
    'objects as they are in force now, or were in another state',
    (kind: Kind, name: string | undefined, options: GetOptions) => tell(context, kind, name, options),
  ).addArgument(new Argument('<kind>', 'what to list').choices(kinds))
  return withListing(made, context)
}

/** `weir services [NAME]` */
export function servicesCommand(context: CommandContext): Command {
  const made = command(
    context,
    'services',
    'services as they are in force now, or were in another state: as `weir get services`',
    (name: string | undefined, options: GetOptions) => tell(context, 'services', name, options),
  )
  return withListing(made, context)
}

const withListing = (made: Command, context: CommandContext): Command =>
  made
    .argument('[name]', 'only this one: namespace/name, or a name')
    .option('-n, --namespace <name>', 'only this namespace')
    .option('--log <state>', stateHelp)
    .option('--at <moment>', `as it was then: ${momentHelp}`, pointInLog)
    .addOption(socketOption(defaultSocketPath, context.environment))
    .addOption(outputOption())
