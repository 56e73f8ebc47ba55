import type { Command } from 'commander'
import { WeirError } from '@weir/core'
import { nearestWord } from '@weir/core/input/nearest.js'
import type { EventLog } from '@weir/store'
import { defaultSocketPath } from '../../agent/protocol.js'
import { serviceHistory } from '../../agent/service-history.js'
import { command, type CommandContext, type Output, outputOption, socketOption } from '../command.js'
import { exitCodes } from '../exit.js'
import { logOfAgent } from '../live-log.js'
import { logFolder, readingLog } from '../log-folder.js'
import { type Moment, momentHelp, noteBase, noteNothing, pointInLog, seqsBetween } from '../moment.js'
import { serviceChangeLines } from '../render/service-change.js'

interface HistoryOptions {
  readonly socket: string
  readonly log?: string
  readonly from?: Moment
  readonly to?: Moment
  readonly output: Output
}

/** `weir history service NAME` */
export function historyServiceCommand(context: CommandContext): Command {
  return command(
    context,
    'service',
    "every change of a service's addresses and backends in the log, and what brought it",
    async (name: string, { log: given, socket, output, ...range }: HistoryOptions) => {
      const { terminal, workingFolder, interrupted } = context
      const folder = given === undefined ? await logOfAgent(socket) : await logFolder(context, given)
      return await readingLog(context, folder, async log => {
        const service = await nameInLog(log, name)
        if (range.from === undefined) noteBase(terminal, log)
        const seqs = await seqsBetween(log, range, given === undefined)
        let told = 0
        for await (const change of serviceHistory(log, service, seqs)) {
          if (interrupted.aborted) return exitCodes.interrupted
          told++
          if (output === 'json') await terminal.line(JSON.stringify(change))
          else for (const line of serviceChangeLines(change, terminal.colour, workingFolder)) await terminal.line(line)
        }
        if (told === 0) noteNothing(terminal, log, seqs)
        return exitCodes.ok
      })
    },
  )
    .argument('<name>', 'namespace/name, or a name that one namespace has')
    .option('--from <moment>', `tell of changes from then on: ${momentHelp}`, pointInLog)
    .option('--to <moment>', 'up to then', pointInLog)
    .option('--log <folder>', "a log, or the state folder of an agent; else the running agent's")
    .addOption(socketOption(defaultSocketPath, context.environment))
    .addOption(outputOption())
}

/**
 * The service that a word means, among all that the log ever had.
 *
 * @throws WeirError WEIR_NOT_FOUND, WEIR_REQUEST_INVALID
 */
async function nameInLog(log: EventLog, word: string): Promise<string> {
  const known = new Set<string>()
  for await (const batch of log.read())
    for (const event of batch)
      if (event.kind === 'service.upserted') known.add(`${event.service.namespace}/${event.service.name}`)
  if (known.has(word)) return word
  const named = [...known].filter(each => each.slice(each.indexOf('/') + 1) === word).sort()
  if (named.length === 1) return named[0]!
  if (named.length > 1) {
    const message = `more than one service goes by this name: ${word}`
    const problems = [{ path: '', message, value: word, expected: named.slice(0, 5).join(', ') }]
    throw new WeirError('WEIR_REQUEST_INVALID', message, { problems })
  }
  const tail = (name: string): string => name.slice(name.indexOf('/') + 1)
  const nearest = nearestWord(tail(word), [...new Set([...known].map(tail))])
  const near = [...known].filter(each => tail(each) === nearest).slice(0, 5)
  throw new WeirError('WEIR_NOT_FOUND', `the log has no service ${word}`, { kind: 'service', name: word, near })
}
