import { isIP } from 'node:net'
import type { EventLog } from '@weir/store'
import { Command } from 'commander'
import { flowHistory, type FlowChange } from '../../agent/flow-history.js'
import { defaultSocketPath } from '../../agent/protocol.js'
import { restoreEngine } from '../../agent/restore.js'
import { findService, isServiceWord } from '../../agent/service-word.js'
import { parseTarget } from '../../agent/target.js'
import { type CommandContext, type Output, outputOption, socketOption } from '../command.js'
import { exitCodes, type ExitCode } from '../exit.js'
import { logOfAgent } from '../live-log.js'
import { logFolder, readingLog } from '../log-folder.js'
import { type Moment, momentHelp, pointInLog, seqsBetween } from '../moment.js'
import { Progress } from '../progress.js'
import { flowChangeLines } from '../render/flow-change.js'
import { invalid } from '../states.js'
import { historyServiceCommand } from './history-service.js'

interface HistoryOptions {
  readonly socket: string
  readonly log?: string
  readonly from?: Moment
  readonly to?: Moment
  readonly causes?: boolean
  readonly output: Output
}

/** `weir history FROM TO[:PORT[/PROTO]]`, `weir history service NAME` */
export function historyCommand(context: CommandContext): Command {
  const group = new Command('history')
    .enablePositionalOptions()
    .description("every change of a flow's verdict in the log, and the event that brought it")
    .allowExcessArguments(false)
    .argument('<from>', 'a pod, a workload, a label selector, an entity, an address or a block of addresses')
    .argument('<to>', 'the same, with :PORT[/PROTO]; without a port, every port of the pod and ICMP echo')
    .action(async (from: string, to: string, options: HistoryOptions) =>
      context.end(await tellHistory(context, from, to, options)),
    )
    .option('--causes', 'tell also where another rule came to decide and the verdict stayed')
    .option('--from <moment>', `tell of changes from then on: ${momentHelp}`, pointInLog)
    .option('--to <moment>', 'up to then', pointInLog)
    .option('--log <folder>', "a log, or the state folder of an agent; else the running agent's")
    .addOption(socketOption(defaultSocketPath, context.environment))
    .addOption(outputOption())
  return group.addCommand(historyServiceCommand(context))
}

async function tellHistory(
  context: CommandContext,
  from: string,
  to: string,
  { log: given, socket, causes = false, output, ...moments }: HistoryOptions,
): Promise<ExitCode> {
  const { terminal, workingFolder, interrupted } = context
  const folder = given === undefined ? await logOfAgent(socket) : await logFolder(context, given)
  return readingLog(folder, async log => {
    const range = await seqsBetween(log, moments, given === undefined)
    await refuseService(log, to, range.to)
    const progress = new Progress(terminal, 'events')
    const onProgress = (seq: number): void => progress.show('reading', seq, range.to ?? log.head.seq)
    for await (const change of flowHistory(log, [{ from, to }], { ...range, onProgress })) {
      if (interrupted.aborted) return exitCodes.interrupted
      const told = causes ? change : withVerdicts(change)
      if (told === undefined) continue
      progress.end()
      if (output === 'json') await terminal.line(JSON.stringify(told))
      else for (const line of flowChangeLines(told, terminal.colour, workingFolder)) await terminal.line(line)
    }
    progress.end()
    return exitCodes.ok
  })
}

/** A name that pods have, or had, means these. */
async function refuseService(log: EventLog, to: string, seq: number | undefined): Promise<void> {
  const target = parseTarget(to)
  if (!isServiceWord(target.place) && isIP(target.place) === 0 && target.place !== 'host') return
  const { engine } = await restoreEngine(log, () => {}, seq)
  if (findService(engine, target) === undefined) return
  const message = 'a service is balanced over pods, and flows to these have a history each'
  throw invalid(to, message, 'its pods, or weir history service NAME')
}

/** Of a change the flows whose verdict is another. */
function withVerdicts(change: FlowChange): FlowChange | undefined {
  const flows = change.flows.filter(({ changes }) => changes === 'verdict')
  return flows.length === 0 ? undefined : { ...change, flows }
}
