import { counted } from '@weir/core/counted.js'
import type { Command } from 'commander'
import { Command as Group } from 'commander'
import type { EventLog } from '@weir/store'
import { snapshotName } from '../../agent/restore.js'
import { command, type CommandContext, type Output, outputOption } from '../command.js'
import { exitCodes } from '../exit.js'
import { logFolder, readingLog } from '../log-folder.js'
import { baseText } from '../moment.js'
import { logCompactCommand } from './log-compact.js'
import { logExportCommand } from './log-export.js'
import { logImportCommand } from './log-import.js'
import { logKeyCommand } from './log-key.js'
import { logGrepCommand, logListCommand } from './log-list.js'
import { logProveCommand } from './log-prove.js'
import { logRevealCommand } from './log-reveal.js'
import { logShowCommand } from './log-show.js'
import { logTablesCommand } from './log-tables.js'
import { logVerifyCommand } from './log-verify.js'

interface LogOptions {
  readonly log?: string
  readonly output: Output
}

/** `weir log list|show|grep|verify|stat|export|import|reveal|key|prove|compact|tables` */
export function logCommand(context: CommandContext): Command {
  const group = new Group('log').description('the event log: look, check, copy')
  for (const make of [
    logListCommand,
    logShowCommand,
    logGrepCommand,
    logVerifyCommand,
    statCommand,
    logExportCommand,
    logImportCommand,
    logRevealCommand,
    logKeyCommand,
    logProveCommand,
    logCompactCommand,
    logTablesCommand,
  ])
    group.addCommand(make(context))
  return group
}

function withLog(made: Command): Command {
  return made
    .option('--log <folder>', 'the log, or the state folder of an agent (or WEIR_STATE)')
    .addOption(outputOption())
}

function statCommand(context: CommandContext): Command {
  return withLog(
    command(context, 'stat', 'how many events of which kind, since when', async (options: LogOptions) => {
      const { terminal } = context
      const folder = await logFolder(context, options.log)
      const stat = await readingLog(context, folder, statOf)
      if (options.output === 'json') await terminal.line(JSON.stringify({ folder, ...stat }))
      else {
        await terminal.line(
          `${folder}: ${counted(stat.events, 'event')}${stat.first === undefined ? '' : ` from ${stat.first} to ${stat.last}`}`,
        )
        if (stat.base !== undefined) await terminal.line(stat.base.text)
        await terminal.line(`head ${stat.head.hash}; snapshots at ${stat.snapshots.join(', ') || 'no event'}`)
        for (const [kind, count] of Object.entries(stat.kinds))
          await terminal.line(`${String(count).padStart(10)}  ${kind}`)
      }
      return exitCodes.ok
    }),
  )
}

async function statOf(log: EventLog) {
  const kinds = new Map<string, number>()
  let first: number | undefined
  let last: number | undefined
  for await (const batch of log.read())
    for (const event of batch) {
      kinds.set(event.kind, (kinds.get(event.kind) ?? 0) + 1)
      first ??= event.time
      last = event.time
    }
  const text = baseText(log)
  const sorted = [...kinds].sort(([, a], [, b]) => b - a)
  return {
    events: log.head.seq - log.base.seq,
    head: log.head,
    ...(text !== undefined && { base: { ...log.base, text } }),
    ...(first !== undefined && { first: new Date(first).toISOString() }),
    ...(last !== undefined && { last: new Date(last).toISOString() }),
    snapshots: await log.snapshots.list(snapshotName),
    kinds: Object.fromEntries(sorted),
  }
}
