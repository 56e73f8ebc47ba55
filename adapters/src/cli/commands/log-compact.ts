import { counted } from '@weir/core/counted.js'
import type { Command } from 'commander'
import { EventLog, folderStorage, readCheckpoints } from '@weir/store'
import { compactLog, type Retention } from '../../agent/retention.js'
import { command, type CommandContext, type Output, outputOption } from '../command.js'
import { exitCodes } from '../exit.js'
import { logFolder } from '../log-folder.js'
import { byteSize, duration } from '../quantities.js'

/** `weir log compact --keep HOW`: of a log that no agent has open; a running one has options of its own. */
export function logCompactCommand(context: CommandContext): Command {
  return command(
    context,
    'compact',
    'let go the oldest events, and begin with the state that they led to',
    async (options: { keep: Retention; log?: string; output: Output }) => {
      const { terminal } = context
      const path = await logFolder(context, options.log)
      const holder = { pid: process.pid, command: 'weir log compact', since: Date.now() }
      // Opening for writing would make a log where there is none.
      await (await EventLog.openReadOnly({ path })).close()
      const log = await EventLog.open({ storage: folderStorage({ path, holder }) })
      try {
        const { checkpoints } = await readCheckpoints(log.location)
        const done = await compactLog(log, options.keep, Date.now(), checkpoints)
        const kept = log.head.seq - log.base.seq
        if (options.output === 'json')
          await terminal.line(JSON.stringify({ folder: path, base: log.base, compacted: done?.events ?? 0, kept }))
        else if (done === undefined)
          await terminal.line(`nothing to let go: ${counted(kept, 'event is', 'events are')} kept`)
        else
          await terminal.line(
            `${counted(done.events, 'event')} compacted; the log begins with event ${done.base.seq + 1}`,
          )
      } finally {
        await log.close()
      }
      return exitCodes.ok
    },
  )
    .requiredOption(
      '--keep <how>',
      'the events of an age (30d), of a size (2GiB), or so many (100000); repeatable',
      keep,
    )
    .option('--log <folder>', 'the log, or the state folder of an agent (or WEIR_STATE)')
    .addOption(outputOption())
}

function keep(text: string, before: Retention = {}): Retention {
  if (/^\d+$/.test(text)) return { ...before, events: Number(text) }
  if (/B$/.test(text)) return { ...before, sizeBytes: byteSize(text) }
  return { ...before, ageMs: duration(text) }
}
