import type { Command } from 'commander'
import { effectOf } from '../../agent/event-effect.js'
import { sourceAt } from '../../agent/log-events.js'
import { command, type CommandContext, type Output, outputOption, wholeNumber } from '../command.js'
import { exitCodes } from '../exit.js'
import { logFolder, readingLog } from '../log-folder.js'
import { placesOf } from '../origins.js'
import { effectLines } from '../render/effect.js'
import { eventLine } from '../render/event.js'

/** `weir log show SEQ`: the event, and what it changed. */
export function logShowCommand(context: CommandContext): Command {
  const made = command(
    context,
    'show',
    'one event: the object before and after it, and what it changed of tables, services and verdicts',
    async (seq: number, options: { readonly log?: string; readonly output: Output }) => {
      const { terminal, workingFolder } = context
      await readingLog(context, await logFolder(context, options.log), async log => {
        const effect = await effectOf(log, seq)
        const { event, before, after, tables, flows, services } = effect
        if (options.output === 'json') {
          await terminal.line(JSON.stringify({ ...event, effect: { before, after, tables, services, flows } }))
          return
        }
        const seqs = flows.changes.flatMap(change =>
          [change.before, change.after].flatMap(({ causes }) =>
            causes.flatMap(({ origins }) => origins.map(origin => origin.seq)),
          ),
        )
        const placed = await placesOf({ sourceOf: at => sourceAt(log, at) }, seqs, workingFolder)
        await terminal.line(eventLine(event, terminal.colour))
        for (const line of effectLines(effect, { before: placed, after: placed }, terminal, workingFolder))
          await terminal.line(line)
      })
      return exitCodes.ok
    },
  )
  return made
    .argument('<seq>', 'its number', wholeNumber(1))
    .option('--log <folder>', 'the log, or the state folder of an agent (or WEIR_STATE)')
    .addOption(outputOption())
}
