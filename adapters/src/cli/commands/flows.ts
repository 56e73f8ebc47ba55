import { Command } from 'commander'
import type { CommandContext } from '../command.js'
import { flowsStagedCommand } from './flows-staged.js'
import { flowsTopCommand } from './flows-top.js'

/** `weir flows` */
export function flowsCommand(context: CommandContext): Command {
  return new Command('flows')
    .description('what flows come to, taken together')
    .addCommand(flowsTopCommand(context))
    .addCommand(flowsStagedCommand(context))
}
