import { createReadStream } from 'node:fs'
import { open, rm } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import type { EventLog } from '@weir/store'
import { checkIncident, type Incident, sliceOf } from '../../agent/incident.js'
import { command, type CommandContext, wholeNumber } from '../command.js'
import { type ExitCode, exitCodes } from '../exit.js'
import { logFolder, readingLog } from '../log-folder.js'
import { duration } from '../quantities.js'
import { invalid } from '../states.js'

/** `weir log export` */
export function logExportCommand(context: CommandContext): Command {
  return command(
    context,
    'export',
    'the log as NDJSON, to a file or to standard output',
    async (file: string | undefined, options: ExportOptions) => {
      const work = async (log: EventLog): Promise<ExitCode> => {
        const incident = incidentOf(options)
        if (incident !== undefined) return writeIncident(context, log, incident, file)
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
    .option('--incident <ends...>', 'FROM and TO:PORT of a flow: only what replays its verdicts around an event')
    .option('--around <seq>', 'the event that the incident is about', wholeNumber(1))
    .option('--span <time>', 'with how much time before and after it, such as 30s or 10m', duration, 10 * 60_000)
    .option('--log <folder>', 'the log, or the state folder of an agent (or WEIR_STATE)')
}

interface ExportOptions {
  readonly log?: string
  readonly readable?: boolean
  readonly incident?: readonly string[]
  readonly around?: number
  readonly span: number
}

function incidentOf({ incident, around, span }: ExportOptions): Incident | undefined {
  if (incident === undefined && around === undefined) return undefined
  const [from, to, ...more] = incident ?? []
  if (from === undefined || to === undefined || more.length > 0)
    throw invalid((incident ?? []).join(' '), 'an incident is of one flow', '--incident FROM TO:PORT')
  if (around === undefined) throw invalid(`${from} ${to}`, 'which event it is about is missing', '--around SEQ')
  return { from, to, around, spanMs: span }
}

/** The file is there when it was read back and leads to what the log does. */
async function writeIncident(
  context: CommandContext,
  log: EventLog,
  incident: Incident,
  file: string | undefined,
): Promise<ExitCode> {
  if (file === undefined) throw invalid('', 'an incident goes to a file', 'the name of a new file')
  const path = resolve(context.workingFolder, file)
  const slice = await sliceOf(log, incident)
  const first = slice.start.base.seq + 1
  const code = await write(context, file, log.export(slice.head, slice.start), slice.head.seq - first + 1)
  try {
    await checkIncident(log, incident, slice, path, createReadStream(path).setEncoding('utf8') as AsyncIterable<string>)
  } catch (error) {
    await rm(path, { force: true })
    throw error
  }
  context.terminal.note(`weir: events ${first} to ${slice.head.seq}; read back, with the flow's answers as they were`)
  return code
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
