import { counted } from '@weir/core/counted.js'
import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { readCheckpoints } from '@weir/store'
import { type Statement, statementAt } from '../../agent/statement.js'
import { command, type CommandContext, type Output, outputOption, wholeNumber } from '../command.js'
import { exitCodes } from '../exit.js'
import { logFolder, readingLog } from '../log-folder.js'

interface ProveOptions {
  readonly at: number
  readonly log?: string
  readonly file?: string
  readonly output: Output
}

/** `weir log prove --at SEQ FROM TO:PORT` */
export function logProveCommand(context: CommandContext): Command {
  return command(
    context,
    'prove',
    'a statement of who could talk to whom after an event, for weir log verify --statement',
    async (from: string, to: string, options: ProveOptions) => {
      const { terminal, workingFolder } = context
      const folder = await logFolder(context, options.log)
      const checkpoints = await readCheckpoints(folder)
      const statement = await readingLog(context, folder, log => statementAt(log, checkpoints, options.at, from, to))
      const text = JSON.stringify(statement)
      if (options.file !== undefined)
        await writeFile(resolve(workingFolder, options.file), `${text}\n`, { flag: 'wx', mode: 0o600 })
      if (options.file === undefined || options.output === 'json') await terminal.line(text)
      for (const line of summary(statement)) terminal.note(line)
      return exitCodes.ok
    },
  )
    .argument('<from>', 'as weir why takes it')
    .argument('<to>', 'as weir why takes it, with :PORT[/PROTO]')
    .requiredOption('--at <seq>', 'after this event', wholeNumber(1))
    .option('--file <file>', 'a new file for the statement; default standard output')
    .option('--log <folder>', 'the log, or the state folder of an agent (or WEIR_STATE)')
    .addOption(outputOption())
}

function summary({ at, time, answers, events, checkpoint }: Statement): readonly string[] {
  const signed =
    checkpoint === undefined
      ? 'no checkpoint vouches for it yet'
      : `vouched for by the checkpoint at event ${checkpoint.seq}, signed ${new Date(checkpoint.time).toISOString()}`
  const said = `${counted(answers.length, 'answer')} after event ${at} (${new Date(time).toISOString()}), ${counted(events.length, 'event')} named`
  return [`weir: ${said}; ${signed}`]
}
