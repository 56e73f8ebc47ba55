import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { Command as Group } from 'commander'
import { WeirError, type WeirEvent } from '@weir/core'
import { EventLog, folderStorage } from '@weir/store'
import { eventAt } from '../../agent/log-events.js'
import { snapshotName } from '../../agent/restore.js'
import { command, type CommandContext, type Output, outputOption, wholeNumber } from '../command.js'
import { exitCodes } from '../exit.js'
import { logFolder, readingLog } from '../log-folder.js'
import { eventLine } from '../render/event.js'

interface LogOptions {
  readonly log?: string
  readonly output: Output
}

/** `weir log list|show|verify|stat|export|import` */
export function logCommand(context: CommandContext): Command {
  const group = new Group('log').description('the event log: look, check, copy')
  for (const make of [listCommand, showCommand, verifyCommand, statCommand, exportCommand, importCommand])
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
      async (options: LogOptions & { from?: number; to?: number; kind?: string }) => {
        const { terminal } = context
        return await readingLog(await logFolder(context, options.log), async log => {
          const from = options.from ?? (options.to === undefined ? Math.max(1, log.head.seq - 99) : 1)
          for await (const batch of log.read({ from, ...(options.to !== undefined && { to: options.to }) }))
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
        })
      },
    ),
  )
    .option('--from <seq>', 'first event', wholeNumber(1))
    .option('--to <seq>', 'last event', wholeNumber(1))
    .option('--kind <kind>', 'only these: pod, networkpolicy.deleted, …')
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

function verifyCommand(context: CommandContext): Command {
  return withLog(
    command(context, 'verify', 'check every record, the chain and the snapshots', async (options: LogOptions) => {
      const { terminal } = context
      return await readingLog(await logFolder(context, options.log), async log => {
        const report = await log.verify()
        const sound = report.findings.length === 0
        if (options.output === 'json') await terminal.line(JSON.stringify({ ...report, sound }))
        else {
          for (const finding of report.findings)
            await terminal.line(
              terminal.colour.bad(
                `event ${finding.seq}${finding.lastSeq === finding.seq ? '' : `–${finding.lastSeq}`}: ${finding.kind}: ${finding.message}`,
              ),
            )
          await terminal.line(
            `${report.events} events, ${report.snapshots} snapshots: ${sound ? terminal.colour.good('sound') : terminal.colour.bad('damaged')}`,
          )
          await terminal.line(`head ${report.head.seq} ${report.head.hash}`)
        }
        return sound ? exitCodes.ok : exitCodes.log
      })
    }),
  )
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

function exportCommand(context: CommandContext): Command {
  return command(
    context,
    'export',
    'the log as NDJSON, to a file or to standard output',
    async (file: string | undefined, options: { log?: string }) => {
      const { terminal } = context
      return await readingLog(await logFolder(context, options.log), async log => {
        const target = file === undefined ? undefined : await open(resolve(context.workingFolder, file), 'wx', 0o600)
        try {
          for await (const text of log.export()) {
            if (target === undefined) await terminal.line(text.trimEnd())
            else await target.write(text)
          }
          await target?.sync()
        } finally {
          await target?.close()
        }
        if (file !== undefined) terminal.note(`weir: ${log.head.seq} events written to ${file}`)
        return exitCodes.ok
      })
    },
  )
    .argument('[file]', 'a new file; default standard output')
    .option('--log <folder>', 'the log, or the state folder of an agent (or WEIR_STATE)')
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
