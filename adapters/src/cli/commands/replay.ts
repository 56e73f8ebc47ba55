import type { Command } from 'commander'
import { replayLog } from '../../agent/restore.js'
import { command, type CommandContext, type Output, outputOption, wholeNumber } from '../command.js'
import { exitCodes } from '../exit.js'
import { logFolder, readingLog } from '../log-folder.js'

/** `weir replay`: the log through this build; does it come to what was recorded? */
export function replayCommand(context: CommandContext): Command {
  return command(
    context,
    'replay',
    'fold the whole log again with this build and compare with the digests that were recorded',
    async (options: { log?: string; to?: number; output: Output }) => {
      const folder = await logFolder(context, options.log)
      const { terminal } = context
      return await readingLog(folder, async log => {
        const replay = await replayLog(log, () => performance.now(), options.to)
        const same = replay.checkpoints.every(each => each.recorded === each.replayed)
        const eventsPerSecond = Math.round(replay.events / Math.max(replay.durationMs / 1000, 1e-3))
        if (options.output === 'json') await terminal.line(JSON.stringify({ ...replay, same, eventsPerSecond, folder }))
        else {
          await terminal.line(
            `${replay.events} events in ${(replay.durationMs / 1000).toFixed(2)} s (${eventsPerSecond} events/s)`,
          )
          await terminal.line(`digest ${replay.digest.hex}`)
          for (const each of replay.checkpoints) {
            const verdict =
              each.recorded === each.replayed
                ? terminal.colour.good('same')
                : terminal.colour.bad(`differs: recorded ${each.recorded}, now ${each.replayed}`)
            await terminal.line(`event ${each.seq}, recorded by ${each.build}: ${verdict}`)
          }
          if (replay.checkpoints.length === 0)
            await terminal.line('no digest was recorded on the way: nothing to compare with')
        }
        return same ? exitCodes.ok : exitCodes.no
      })
    },
  )
    .option('--log <folder>', 'the log, or the state folder of an agent (or WEIR_STATE)')
    .option('--to <seq>', 'stop after this event', wholeNumber(1))
    .addOption(outputOption())
}
