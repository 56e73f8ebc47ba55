import { createReadStream } from 'node:fs'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { Command as Group } from 'commander'
import { WeirError, type WeirEvent } from '@weir/core'
import { EventLog, folderStorage, type LogFinding } from '@weir/store'
import { eventAt } from '../../agent/log-events.js'
import { snapshotName } from '../../agent/restore.js'
import { command, type CommandContext, type Output, outputOption, wholeNumber } from '../command.js'
import { type ExitCode, exitCodes } from '../exit.js'
import { logFolder, readingLog } from '../log-folder.js'
import { eventLine } from '../render/event.js'
import { logCompactCommand } from './log-compact.js'
import { logExportCommand } from './log-export.js'
import { logKeyCommand } from './log-key.js'
import { logProveCommand } from './log-prove.js'
import { logTablesCommand } from './log-tables.js'
import { logVerifyCommand } from './log-verify.js'

interface LogOptions {
  readonly log?: string
  readonly output: Output
}

/** `weir log list|show|verify|stat|export|import|key|prove|compact|tables` */
export function logCommand(context: CommandContext): Command {
  const group = new Group('log').description('the event log: look, check, copy')
  for (const make of [
    listCommand,
    showCommand,
    logVerifyCommand,
    statCommand,
    logExportCommand,
    importCommand,
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

function listCommand(context: CommandContext): Command {
  return withLog(
    command(
      context,
      'list',
      'events in order, the last hundred unless told otherwise',
      async (options: LogOptions & { from?: number; to?: number; kind?: string; readable?: boolean }) => {
        const { terminal } = context
        const work = async (log: EventLog): Promise<ExitCode> => {
          const from = options.from ?? (options.to === undefined ? Math.max(1, log.head.seq - 99) : 1)
          const reading = {
            from,
            ...(options.to !== undefined && { to: options.to }),
            ...(options.readable === true && {
              onDamage: ({ message }: LogFinding) => terminal.note(`weir: left out: ${message}`),
            }),
          }
          for await (const batch of log.read(reading))
            for (const event of batch) {
              if (
                options.kind !== undefined &&
                event.kind !== options.kind &&
                !event.kind.startsWith(`${options.kind}.`)
              )
                continue
              await terminal.line(options.output === 'json' ? JSON.stringify(event) : eventLine(event, terminal.colour))
            }
          return exitCodes.ok
        }
        return await readingLog(await logFolder(context, options.log), work, options.readable)
      },
    ),
  )
    .option('--from <seq>', 'first event', wholeNumber(1))
    .option('--to <seq>', 'last event', wholeNumber(1))
    .option('--kind <kind>', 'only these: pod, networkpolicy.deleted, …')
    .option('--readable', 'of a damaged log, what can be read; says what is left out')
}

function showCommand(context: CommandContext): Command {
  return withLog(
    command(context, 'show', 'one event with all it says', async (seq: number, options: LogOptions) => {
      const event = await readingLog<WeirEvent>(await logFolder(context, options.log), log => eventAt(log, seq))
      await context.terminal.line(JSON.stringify(event, null, options.output === 'json' ? 0 : 2))
      return exitCodes.ok
    }),
  ).argument('<seq>', 'its number', wholeNumber(1))
}

function statCommand(context: CommandContext): Command {
  return withLog(
    command(context, 'stat', 'how many events of which kind, since when', async (options: LogOptions) => {
      const { terminal } = context
      const folder = await logFolder(context, options.log)
      const stat = await readingLog(folder, statOf)
      if (options.output === 'json') await terminal.line(JSON.stringify({ folder, ...stat }))
      else {
        await terminal.line(
          `${folder}: ${stat.events} events${stat.first === undefined ? '' : ` from ${stat.first} to ${stat.last}`}`,
        )
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
  const sorted = [...kinds].sort(([, a], [, b]) => b - a)
  return {
    events: log.head.seq,
    head: log.head,
    ...(first !== undefined && { first: new Date(first).toISOString() }),
    ...(last !== undefined && { last: new Date(last).toISOString() }),
    snapshots: await log.snapshots.list(snapshotName),
    kinds: Object.fromEntries(sorted),
  }
}

function importCommand(context: CommandContext): Command {
  return withLog(
    command(context, 'import', 'an export into a new log', async (file: string, options: LogOptions) => {
      const { terminal } = context
      if (options.log === undefined)
        throw new WeirError('WEIR_REQUEST_INVALID', 'which log to make is missing', {
          problems: [{ path: '--log', message: 'this option is required', expected: 'a folder that is not there yet' }],
        })
      const path = resolve(context.workingFolder, options.log)
      const holder = { pid: process.pid, command: 'weir log import', since: Date.now() }
      const log = await EventLog.open({ storage: folderStorage({ path, holder }) })
      try {
        const source = file === '-' ? process.stdin : createReadStream(resolve(context.workingFolder, file))
        const head = await log.import(source.setEncoding('utf8') as AsyncIterable<string>)
        await terminal.line(
          options.output === 'json'
            ? JSON.stringify({ folder: path, head })
            : `${head.seq} events in ${path}, head ${head.hash}`,
        )
      } finally {
        await log.close()
      }
      return exitCodes.ok
    }),
  ).argument('<file>', 'what `weir log export` wrote; - for standard input')
}
