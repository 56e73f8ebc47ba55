import type { Command } from 'commander'
import { type LogVerdict, type SnapshotVerdict, verifyLog } from '../../agent/verify-log.js'
import { command, type CommandContext, type Output, outputOption } from '../command.js'
import { exitCodes } from '../exit.js'
import { logFolder } from '../log-folder.js'
import { Progress } from '../progress.js'
import type { Colour } from '../terminal.js'

/** `weir log verify` */
export function logVerifyCommand(context: CommandContext): Command {
  return command(
    context,
    'verify',
    'check files, records, the chain, and every snapshot against a replay',
    async (options: { log?: string; output: Output }) => {
      const { terminal } = context
      const folder = await logFolder(context, options.log)
      const progress = new Progress(terminal, 'events')
      const verdict = await verifyLog(folder, ({ step, seq, head }) => progress.show(step, seq, head))
      progress.end()
      const sound = verdict.condition === 'sound' || verdict.condition === 'empty'
      if (options.output === 'json') await terminal.line(JSON.stringify({ folder, ...verdict, sound }))
      else for (const line of verdictLines(verdict, terminal.colour)) await terminal.line(line)
      return sound ? exitCodes.ok : exitCodes.log
    },
  )
    .option('--log <folder>', 'the log, or the state folder of an agent (or WEIR_STATE)')
    .addOption(outputOption())
}

function verdictLines(verdict: LogVerdict, colour: Colour): readonly string[] {
  const { condition, firstBad, events, head, replayed } = verdict
  const lines = verdict.files.map(({ kind, message }) => colour.bad(`${kind}: ${message}`))
  for (const { kind, seq, lastSeq, message } of verdict.findings)
    lines.push(colour.bad(`event ${seq}${lastSeq === seq ? '' : `–${lastSeq}`}: ${kind}: ${message}`))
  if (verdict.rebuilt) lines.push('read from a copy put together anew from what the files hold; the log is untouched')
  for (const snapshot of verdict.snapshots) lines.push(snapshotLine(snapshot, colour))
  if (condition === 'sound')
    lines.push(`${events} events, ${verdict.snapshots.length} snapshots, ${replayed} replayed: ${colour.good('sound')}`)
  else if (condition === 'empty') lines.push(`no events: ${colour.good('empty')}`)
  else {
    lines.push(`${colour.bad(condition)}: the first bad event is ${firstBad}; ${events} events can be read`)
    if (events > 0) lines.push('weir log export --readable FILE saves those')
  }
  lines.push(`head ${head.seq} ${head.hash}`)
  return lines
}

function snapshotLine({ seq, build, outcome }: SnapshotVerdict, colour: Colour): string {
  const words = {
    same: colour.good('same as a replay'),
    differs: colour.bad('differs from a replay'),
    'other-tables': "can't be compared: its build kept other tables",
    'not-reached': 'not compared: it lies behind damage',
  }
  return `snapshot at event ${seq}, written by ${build}: ${words[outcome]}`
}
