import { counted } from '@weir/core/counted.js'
import { open } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import type { EventLog } from '@weir/store'
import { command, type CommandContext } from '../command.js'
import { type ExitCode, exitCodes } from '../exit.js'
import { logFolder, readingLog } from '../log-folder.js'
import { momentHelp, pointInLog } from '../moment.js'
import { duration } from '../quantities.js'
import { incidentOf, type IncidentOptions, writeIncident } from './log-export-incident.js'

/** `weir log export` */
export function logExportCommand(context: CommandContext): Command {
  return command(
    context,
    'export',
    'the log as NDJSON, to a file or to standard output',
    async (file: string | undefined, options: ExportOptions) => {
      const work = async (log: EventLog): Promise<ExitCode> => {
        const incident = await incidentOf(log, options)
        if (incident !== undefined) return writeIncident(context, log, incident, file, options)
        if (options.readable !== true) return write(context, file, log.export(), log.head.seq - log.base.seq)
        const { head, damage } = await log.soundPrefix()
        const code = await write(context, file, log.export(head), head.seq - log.base.seq)
        if (damage === undefined) return code
        context.terminal.note(`weir: the export ends before event ${damage.seq}: ${damage.message}`)
        return exitCodes.log
      }
      return await readingLog(context, await logFolder(context, options.log), work, options.readable)
    },
  )
    .argument('[file]', 'a new file; default standard output')
    .option('--readable', 'of a damaged log, what is as it was written before the damage; exits with 4 then')
    .option('--incident <ends...>', 'FROM and TO:PORT of a flow: only what its verdicts around an event follow from')
    .option('--around <moment>', `what the incident is about: ${momentHelp}; of a time the last event`, pointInLog)
    .option('--span <time>', 'with how much time before and after it, such as 30s or 10m', duration, 10 * 60_000)
    .option('--flows', 'of an incident: the recorded flows between its ends, too')
    .option('--pseudonymise', 'of an incident: other names, labels, addresses and paths, the same ones throughout')
    .option('--key <file>', 'the key that pseudonyms follow from, made where there is none; else one that nobody keeps')
    .option('--map <file>', 'write which pseudonym stands for what, for yourself')
    .option('--shift-times', 'with --pseudonymise: move all times by as much')
    .option('--log <folder>', 'the log, or the state folder of an agent (or WEIR_STATE)')
}

interface ExportOptions extends IncidentOptions {
  readonly log?: string
  readonly readable?: boolean
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
  if (file !== undefined) terminal.note(`weir: ${counted(events, 'event')} written to ${file}`)
  return exitCodes.ok
}
