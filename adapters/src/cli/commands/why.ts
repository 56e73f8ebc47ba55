import type { Command } from 'commander'
import { defaultSocketPath, type WhyAnswer } from '../../agent/protocol.js'
import { eventAt } from '../../agent/log-events.js'
import { restoreEngine } from '../../agent/restore.js'
import { why, withSources } from '../../agent/why.js'
import { agentClient } from '../client.js'
import { command, type CommandContext, type Output, outputOption, socketOption } from '../command.js'
import { exitCodes } from '../exit.js'
import { logFolder, readingLog } from '../log-folder.js'
import { explanationLines, isAllowed } from '../render/explanation.js'

interface WhyOptions {
  readonly socket: string
  readonly log?: string
  readonly failOnDeny?: boolean
  readonly output: Output
}

/** `weir why FROM TO[:PORT[/PROTO]]` */
export function whyCommand(context: CommandContext): Command {
  return command(
    context,
    'why',
    'whether a flow passes, and the rules and events that decide it',
    async (from: string, to: string, options: WhyOptions) => {
      const answers = await answersOf(context, from, to, options)
      if (options.output === 'json') await context.terminal.line(JSON.stringify(answers))
      else
        for (const line of explanationLines(answers, context.terminal.colour, context.workingFolder))
          await context.terminal.line(line)
      return options.failOnDeny === true && !answers.every(isAllowed) ? exitCodes.no : exitCodes.ok
    },
  )
    .argument('<from>', 'namespace/pod, a pod’s name, an address, host, world')
    .argument('<to>', 'the same, with :PORT[/PROTO]; without a port, every port of the pod and ICMP echo')
    .option('--log <folder>', 'ask a log instead of an agent')
    .option('--fail-on-deny', 'exit with 1 unless all of it passes')
    .addOption(socketOption(defaultSocketPath, context.environment))
    .addOption(outputOption())
}

async function answersOf(
  context: CommandContext,
  from: string,
  to: string,
  options: WhyOptions,
): Promise<readonly WhyAnswer[]> {
  if (options.log === undefined) return agentClient(options.socket).get<readonly WhyAnswer[]>('/v1/why', { from, to })
  return await readingLog(await logFolder(context, options.log), async log =>
    withSources(why((await restoreEngine(log)).engine, from, to), async seq => (await eventAt(log, seq)).source),
  )
}
