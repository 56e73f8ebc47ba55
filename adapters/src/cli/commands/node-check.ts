import { resolve } from 'node:path'
import type { Command } from 'commander'
import { cniFolders } from '../../cni/install.js'
import { type Check, checkNode } from '../../node/check.js'
import { thisNode } from '../../node/view.js'
import { command, type CommandContext, type Output, outputOption } from '../command.js'
import { exitCodes } from '../exit.js'
import { defaultStateFolder } from '../log-folder.js'
import { tableLines } from '../table.js'

interface NodeCheckOptions {
  readonly state: string
  readonly bpffs: string
  readonly cniConfDir: string
  readonly output: Output
}

/** `weir node check` */
export function nodeCheckCommand(context: CommandContext): Command {
  return command(
    context,
    'check',
    'what an agent needs of this machine, whether it is there, and what to do where it is not',
    async (options: NodeCheckOptions) => {
      const { terminal, workingFolder } = context
      const checks = await checkNode(thisNode, {
        bpffs: options.bpffs,
        stateFolder: resolve(workingFolder, options.state),
        cniConfFolder: options.cniConfDir,
      })
      const suffices = checks.every(({ state }) => state !== 'missing')
      if (options.output === 'json') await terminal.line(JSON.stringify({ suffices, checks }))
      else {
        for (const line of checkLines(checks)) await terminal.line(line)
        await terminal.line('')
        await terminal.line(suffices ? 'An agent can run here.' : 'An agent can not run here.')
      }
      return suffices ? exitCodes.ok : exitCodes.no
    },
  )
    .option('--state <folder>', 'where the log would be', context.environment.WEIR_STATE ?? defaultStateFolder)
    .option('--bpffs <folder>', 'BPF file system for pinned maps and links', '/sys/fs/bpf')
    .option('--cni-conf-dir <folder>', 'where the container runtime looks for networks', cniFolders.lists)
    .addOption(outputOption())
}

function checkLines(checks: readonly Check[]): readonly string[] {
  const lines = tableLines(checks, [
    { heading: 'state', cell: ({ state }) => state },
    { heading: 'subject', cell: ({ subject }) => subject },
    { heading: 'check', cell: ({ name }) => name },
    { heading: 'found', cell: ({ found }) => found },
  ])
  const remedies = checks.filter(({ remedy }) => remedy !== undefined)
  if (remedies.length === 0) return lines
  return [...lines, '', ...remedies.map(({ name, remedy }) => `${name}: ${remedy}`)]
}
