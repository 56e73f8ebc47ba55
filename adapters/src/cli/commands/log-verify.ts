import { counted } from '@weir/core/counted.js'
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { readCheckpoints } from '@weir/store'
import { contradictions, parseStatement, type Statement } from '../../agent/statement.js'
import { type LogVerdict, type SnapshotVerdict, verifyLog } from '../../agent/verify-log.js'
import { command, type CommandContext, type Output, outputOption } from '../command.js'
import { exitCodes } from '../exit.js'
import { logFolder, readingLog } from '../log-folder.js'
import { Progress } from '../progress.js'
import type { Colour } from '../terminal.js'
import { givenKey } from './log-key.js'

interface VerifyOptions {
  readonly log?: string
  readonly key?: readonly string[]
  readonly statement?: string
  readonly output: Output
}

/** `weir log verify` */
export function logVerifyCommand(context: CommandContext): Command {
  return command(
    context,
    'verify',
    'check files, records, the chain, and every snapshot against a replay',
    async (options: VerifyOptions) => {
      const { terminal } = context
      const folder = await logFolder(context, options.log)
      const keys = await Promise.all((options.key ?? []).map(word => givenKey(context, word)))
      const statement = options.statement === undefined ? undefined : await readStatement(context, options.statement)
      const progress = new Progress(terminal, 'events')
      const verdict = await verifyLog(folder, {
        keys,
        onProgress: ({ step, seq, head }) => {
          context.interrupted.throwIfAborted()
          progress.show(step, seq, head)
        },
      })
      progress.end()
      context.interrupted.throwIfAborted()
      const sound = verdict.condition === 'sound' || verdict.condition === 'empty'
      const wrong =
        statement === undefined || verdict.events === 0
          ? undefined
          : await checkStatement(context, folder, statement, keys)
      const report = {
        folder,
        ...verdict,
        sound,
        ...(wrong !== undefined && { statement: { holds: wrong.length === 0, wrong } }),
      }
      if (options.output === 'json') await terminal.line(JSON.stringify(report))
      else {
        for (const line of verdictLines(verdict, keys.length > 0, terminal.colour)) await terminal.line(line)
        if (statement !== undefined)
          for (const line of statementLines(statement, wrong, terminal.colour)) await terminal.line(line)
      }
      if (!sound) return exitCodes.log
      return wrong === undefined || wrong.length === 0 ? exitCodes.ok : exitCodes.no
    },
  )
    .option(
      '--key <key...>',
      'public keys that must have signed it: files in PEM as weir log key prints them, or ed25519:…',
    )
    .option('--statement <file>', 'a statement of weir log prove to hold to the log')
    .option('--log <folder>', 'the log, or the state folder of an agent (or WEIR_STATE)')
    .addOption(outputOption())
}

async function readStatement(context: CommandContext, given: string): Promise<Statement> {
  const file = resolve(context.workingFolder, given)
  return parseStatement(await readFile(file, 'utf8'), file)
}

async function checkStatement(context: CommandContext, folder: string, statement: Statement, keys: readonly string[]) {
  const checkpoints = await readCheckpoints(folder)
  return readingLog(context, folder, log => contradictions(statement, log, checkpoints, keys), true)
}

function statementLines(
  { at, from, to }: Statement,
  wrong: readonly string[] | undefined,
  colour: Colour,
): readonly string[] {
  const said = `statement about ${from} → ${to} after event ${at}`
  if (wrong === undefined) return [`${said}: ${colour.bad('there is no event to hold it to')}`]
  if (wrong.length === 0) return [`${said}: ${colour.good('holds')}`]
  return [...wrong.map(each => colour.bad(each)), `${said}: ${colour.bad("doesn't hold")}`]
}

function signedLine({ signed, checkpoints, head }: LogVerdict, named: boolean): string {
  if (signed === undefined) return 'no checkpoint: whoever can write the folder could have written all of it'
  const until = `${counted(checkpoints, 'checkpoint')}, the last at event ${signed.seq} of ${new Date(signed.time).toISOString()}`
  const rest = signed.seq < head.seq ? `; nobody signed events ${signed.seq + 1} to ${head.seq} yet` : ''
  const by = named ? `by ${signed.key}` : `by ${signed.key}, which --key can hold to a key from elsewhere`
  return `${until}, ${by}${rest}`
}

function verdictLines(verdict: LogVerdict, named: boolean, colour: Colour): readonly string[] {
  const { condition, firstBad, events, head, replayed } = verdict
  const lines = verdict.files.map(({ kind, message }) => colour.bad(`${kind}: ${message}`))
  for (const { kind, seq, lastSeq, message } of verdict.findings)
    lines.push(colour.bad(`event ${seq}${lastSeq === seq ? '' : `–${lastSeq}`}: ${kind}: ${message}`))
  if (verdict.rebuilt) lines.push('read from a copy put together anew from what the files hold; the log is untouched')
  for (const snapshot of verdict.snapshots) lines.push(snapshotLine(snapshot, colour))
  if (verdict.base !== undefined) {
    const { seq, time } = verdict.base
    lines.push(`events before ${seq + 1} were compacted on ${new Date(time).toISOString()}`)
  }
  if (head.seq > 0) lines.push(signedLine(verdict, named))
  if (condition === 'sound')
    lines.push(
      `${counted(events, 'event')}, ${counted(verdict.snapshots.length, 'snapshot')}, ${replayed} replayed: ${colour.good('sound')}`,
    )
  else if (condition === 'empty') lines.push(`no events: ${colour.good('empty')}`)
  else {
    lines.push(`${colour.bad(condition)}: the first bad event is ${firstBad}; ${counted(events, 'event')} can be read`)
    if (events > 0) lines.push('weir log export --readable FILE saves those')
  }
  lines.push(`head ${head.seq} ${head.hash}`)
  return lines
}

function snapshotLine({ seq, build, outcome }: SnapshotVerdict, colour: Colour): string {
  const words = {
    same: colour.good('same as a replay'),
    differs: colour.bad('differs from a replay'),
    'other-tables': 'same content as a replay; its build took digests otherwise',
    'not-reached': 'not compared: it lies behind damage',
  }
  return `snapshot at event ${seq}, written by ${build}: ${words[outcome]}`
}
