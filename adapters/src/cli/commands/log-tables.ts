import type { Command } from 'commander'
import type { EventLog } from '@weir/store'
import { canonicalTables } from '../../agent/canonical-tables.js'
import { engineAtBase } from '../../agent/log-base.js'
import { restoreEngine } from '../../agent/restore.js'
import { command, type CommandContext, wholeNumber } from '../command.js'
import { exitCodes } from '../exit.js'
import { logFolder, readingLog } from '../log-folder.js'
import { checkEvent } from '../moment.js'

interface TablesOptions {
  readonly log?: string
  readonly to?: number
  readonly fromStart?: boolean
}

/** `weir log tables`: for comparing nodes, builds and ways to the same state, byte by byte. */
export function logTablesCommand(context: CommandContext): Command {
  return command(
    context,
    'tables',
    'the tables that the log leads to, one row a line, the same bytes wherever the same state came about',
    async (options: TablesOptions) => {
      const lines = await readingLog(context, await logFolder(context, options.log), async log =>
        canonicalTables(await engineOf(log, options)),
      )
      for (const line of lines) await context.terminal.line(line)
      return exitCodes.ok
    },
  )
    .option('--to <seq>', 'after this event; else the last one', wholeNumber(1))
    .option('--from-start', 'fold every event, and use no snapshot')
    .option('--log <folder>', 'the log, or the state folder of an agent (or WEIR_STATE)')
}

async function engineOf(log: EventLog, { to = log.head.seq, fromStart }: TablesOptions) {
  if (to > log.base.seq) checkEvent(log, to)
  if (fromStart !== true) return (await restoreEngine(log, () => {}, to)).engine
  const engine = await engineAtBase(log)
  for await (const events of log.read({ to })) engine.fold(events)
  return engine
}
