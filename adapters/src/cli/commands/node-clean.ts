import { resolve } from 'node:path'
import { WeirError } from '@weir/core'
import type { Command } from 'commander'
import { isAnswering } from '../../agent/socket.js'
import { defaultSocketPath } from '../../agent/protocol.js'
import { cniFolders } from '../../cni/install.js'
import { findTraces } from '../../node/clean.js'
import { command, type CommandContext, type Output, outputOption, socketOption } from '../command.js'
import { exitCodes } from '../exit.js'
import { defaultStateFolder } from '../log-folder.js'

interface NodeCleanOptions {
  readonly node?: string
  readonly bpffs: string
  readonly netns?: string
  readonly cniBinDir: string
  readonly cniConfDir: string
  readonly socket: string
  readonly state: string
  readonly log?: true
  readonly dryRun?: true
  readonly output: Output
}

/** `weir node clean` */
export function nodeCleanCommand(context: CommandContext): Command {
  return command(
    context,
    'clean',
    'remove what agents left on this machine: programs, maps, pins; afterwards nothing is enforced',
    async (options: NodeCleanOptions) => {
      const { terminal, workingFolder } = context
      if (await isAnswering(options.socket)) throw stillRunning(options.socket)
      const traces = await findTraces({
        bpffs: options.bpffs,
        ...(options.node !== undefined && { node: options.node }),
        ...(options.netns !== undefined && { netns: options.netns }),
        socketPath: options.socket,
        cni: { binaries: options.cniBinDir, lists: options.cniConfDir },
        ...(options.log === true && { stateFolder: resolve(workingFolder, options.state) }),
      })
      if (options.dryRun !== true) for (const trace of traces) await trace.remove()
      const told = traces.map(({ kind, name, contents }) => ({ kind, name, contents }))
      if (options.output === 'json')
        await terminal.line(JSON.stringify({ removed: options.dryRun !== true, traces: told }))
      else {
        const verb = options.dryRun === true ? 'would remove' : 'removed'
        for (const { kind, name, contents } of told) await terminal.line(`${verb} ${kind} ${name}: ${contents}`)
        if (told.length === 0) await terminal.line('There is nothing to remove.')
      }
      return exitCodes.ok
    },
  )
    .option('--node <name>', 'what the agent of this node left; else of all nodes on this kernel')
    .option('--bpffs <folder>', 'BPF file system of the pins', '/sys/fs/bpf')
    .option('--netns <path>', "network namespace of the node's side of the pods' devices")
    .option('--cni-bin-dir <folder>', 'where the plugin is', cniFolders.binaries)
    .option('--cni-conf-dir <folder>', 'where its list is', cniFolders.lists)
    .option('--state <folder>', 'where the log is', context.environment.WEIR_STATE ?? defaultStateFolder)
    .option('--log', 'remove the state folder, too: log, snapshots, flow history and key')
    .option('--dry-run', 'only tell')
    .addOption(socketOption(defaultSocketPath, context.environment))
    .addOption(outputOption())
}

function stillRunning(socket: string): WeirError<'WEIR_REQUEST_INVALID'> {
  return new WeirError('WEIR_REQUEST_INVALID', `an agent answers at ${socket}: stop it first`, {
    problems: [{ path: 'socket', message: 'an agent answers there', value: socket, expected: 'no agent' }],
  })
}
