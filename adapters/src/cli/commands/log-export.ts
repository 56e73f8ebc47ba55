import { open } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import type { EventLog } from '@weir/store'
import { command, type CommandContext } from '../command.js'
import { type ExitCode, exitCodes } from '../exit.js'
import { logFolder, readingLog } from '../log-folder.js'

/** `weir log export` */
export function logExportCommand(context: CommandContext): Command {
  return command(
    context,
    'export',
    'the log as NDJSON, to a file or to standard output',
    async (file: string | undefined, options: { log?: string; readable?: boolean }) => {
      const work = async (log: EventLog): Promise<ExitCode> => {
        if (options.readable !== true) return write(context, file, log.export(), log.head.seq)
        const { head, damage } = await log.soundPrefix()
        const code = await write(context, file, log.export(head), head.seq)
        if (damage === undefined) return code
        context.terminal.note(`weir: the export ends before event ${damage.seq}: ${damage.message}`)
        return exitCodes.log
      }
      return await readingLog(await logFolder(context, options.log), work, options.readable)
    },
  )
    .argument('[file]', 'a new file; default standard output')
    .option('--readable', 'of a damaged log, what is as it was written before the damage; exits with 4 then')
    .option('--log <folder>', 'the log, or the state folder of an agent (or WEIR_STATE)')
}

async function write(
  { terminal, workingFolder }: CommandContext,
  file: string | undefined,
  texts: AsyncIterable<string>,
  events: number,
): Promise<ExitCode> {
  const target = file === undefined ? undefined : await open(resolve(workingFolder, file), 'wx', 0o600)
  try {
    for await (const text of texts) {
      if (target === undefined) await terminal.line(text.trimEnd())
      else await target.write(text)
    }
    await target?.sync()
  } finally {
    await target?.close()
  }
  if (file !== undefined) terminal.note(`weir: ${events} events written to ${file}`)
  return exitCodes.ok
}
