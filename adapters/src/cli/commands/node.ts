import { Command } from 'commander'
import type { CommandContext } from '../command.js'
import { nodeCheckCommand } from './node-check.js'
import { nodeCleanCommand } from './node-clean.js'

/** `weir node` */
export function nodeCommand(context: CommandContext): Command {
  return new Command('node')
    .description('whether an agent can run on this machine, and the end of one that did')
    .addCommand(nodeCheckCommand(context))
    .addCommand(nodeCleanCommand(context))
}
