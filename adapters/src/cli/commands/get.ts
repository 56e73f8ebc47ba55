import { Argument, type Command } from 'commander'
import { defaultSocketPath, type Kind, kinds } from '../../agent/protocol.js'
import { agentClient } from '../client.js'
import { command, type CommandContext, type Output, outputOption, socketOption } from '../command.js'
import { exitCodes } from '../exit.js'
import { objectLines } from '../render/objects.js'

/** `weir get KIND [NAME]` */
export function getCommand(context: CommandContext): Command {
  return command(
    context,
    'get',
    'objects as they are in force now',
    async (kind: Kind, name: string | undefined, options: { socket: string; output: Output; namespace?: string }) => {
      const objects = await agentClient(options.socket).get<readonly Record<string, unknown>[]>(`/v1/get/${kind}`, {
        name,
      })
      const chosen = objects.filter(each => options.namespace === undefined || each.namespace === options.namespace)
      if (options.output === 'json') await context.terminal.line(JSON.stringify(chosen))
      else for (const line of objectLines(kind, chosen, context.terminal.colour)) await context.terminal.line(line)
      return exitCodes.ok
    },
  )
    .addArgument(new Argument('<kind>', 'what to list').choices(kinds))
    .argument('[name]', 'only this one: namespace/name, or a name')
    .option('-n, --namespace <name>', 'only this namespace')
    .addOption(socketOption(defaultSocketPath, context.environment))
    .addOption(outputOption())
}
