import { resolve } from 'node:path'
import { Command } from 'commander'
import { defaultSocketPath } from '../../agent/protocol.js'
import { cniFolders, installCni, listName, pluginName, removeCni } from '../../cni/install.js'
import { command, type CommandContext, socketOption } from '../command.js'
import { exitCodes } from '../exit.js'

interface Folders {
  readonly cniBinDir: string
  readonly cniConfDir: string
}

/** `weir cni` */
export function cniCommand(context: CommandContext): Command {
  const { terminal, workingFolder } = context
  const foldersOf = ({ cniBinDir, cniConfDir }: Folders) => ({
    binaries: resolve(workingFolder, cniBinDir),
    lists: resolve(workingFolder, cniConfDir),
  })
  const install = command(
    context,
    'install',
    'put the plugin, and then the list that makes runtimes use it, where they look',
    async (options: Folders & { readonly socket: string }) => {
      const folders = foldersOf(options)
      await installCni({ ...folders, socketPath: options.socket })
      terminal.note(`weir: ${folders.binaries}/${pluginName} and ${folders.lists}/${listName} are there`)
      return exitCodes.ok
    },
  )
  const remove = command(context, 'remove', 'take both away again', async (options: Folders) => {
    const folders = foldersOf(options)
    await removeCni(folders)
    terminal.note(`weir: ${folders.lists}/${listName} and ${folders.binaries}/${pluginName} are gone`)
    return exitCodes.ok
  })
  for (const each of [install, remove])
    each
      .option('--cni-bin-dir <folder>', 'where runtimes look for plugins', cniFolders.binaries)
      .option('--cni-conf-dir <folder>', 'where runtimes look for lists of plugins', cniFolders.lists)
  install.addOption(socketOption(defaultSocketPath, context.environment))
  return new Command('cni')
    .description('the plugin by which container runtimes have pods plugged in')
    .addCommand(install)
    .addCommand(remove)
}
