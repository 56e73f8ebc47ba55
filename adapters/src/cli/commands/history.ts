import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { resolve } from 'node:path'
import type { EventLog } from '@weir/store'
import { Command } from 'commander'
import type { FlowWords } from '../../agent/asked-flows.js'
import { flowHistory, type FlowChange } from '../../agent/flow-history.js'
import { defaultSocketPath } from '../../agent/protocol.js'
import { restoreEngine } from '../../agent/restore.js'
import { meansService } from '../../agent/service-flow.js'
import { type ServiceFlowChange, serviceFlowHistory } from '../../agent/service-flow-history.js'
import { isServiceWord } from '../../agent/service-word.js'
import { parseTarget } from '../../agent/target.js'
import { type CommandContext, type Output, outputOption, socketOption } from '../command.js'
import { exitCodes, type ExitCode } from '../exit.js'
import { logOfAgent } from '../live-log.js'
import { logFolder, readingLog } from '../log-folder.js'
import { type Moment, momentHelp, noteBase, noteNothing, pointInLog, seqsBetween } from '../moment.js'
import { Progress } from '../progress.js'
import { readFlowWords } from '../flow-words.js'
import { flowChangeLines } from '../render/flow-change.js'
import { serviceFlowLines } from '../render/service-flow.js'
import { invalid } from '../states.js'
import { historyServiceCommand } from './history-service.js'

interface HistoryOptions {
  readonly socket: string
  readonly log?: string
  readonly from?: Moment
  readonly to?: Moment
  readonly causes?: boolean
  readonly staged?: boolean
  readonly flows?: string
  readonly output: Output
}

/** `weir history FROM TO[:PORT[/PROTO]]`, `weir history service NAME` */
export function historyCommand(context: CommandContext): Command {
  const group = new Command('history')
    .enablePositionalOptions()
    .description("every change of a flow's verdict in the log, and the event that brought it")
    .allowExcessArguments(false)
    .argument('[from]', 'a pod, a workload, a label selector, an entity, an address or a block of addresses')
    .argument('[to]', 'the same, with :PORT[/PROTO], or a service; without a port, every port of the pod and ICMP echo')
    .action(async (from: string | undefined, to: string | undefined, options: HistoryOptions) =>
      context.end(await tellHistory(context, await questionsOf(context, from, to, options), options)),
    )
    .option('--flows <file>', 'many flows in one pass: lines of JSON, {"from","to"}; - for standard input')
    .option('--causes', 'tell also where another rule came to decide and the verdict stayed')
    .option('--staged', 'as if staged policies had been in force since they were staged')
    .option('--from <moment>', `tell of changes from then on: ${momentHelp}`, pointInLog)
    .option('--to <moment>', 'up to then', pointInLog)
    .option('--log <folder>', "a log, or the state folder of an agent; else the running agent's")
    .addOption(socketOption(defaultSocketPath, context.environment))
    .addOption(outputOption())
  return group.addCommand(historyServiceCommand(context))
}

async function questionsOf(
  context: CommandContext,
  from: string | undefined,
  to: string | undefined,
  { flows }: HistoryOptions,
): Promise<readonly FlowWords[]> {
  if (flows === undefined) {
    if (from !== undefined && to !== undefined) return [{ from, to }]
    throw invalid(from ?? '', 'there is no flow to tell of', 'FROM TO[:PORT[/PROTO]], or --flows FILE')
  }
  if (from !== undefined) throw invalid(from, 'flows are named by a file or by words', 'FROM TO, or --flows FILE')
  return readFlowWords(flows, await textOf(context, flows))
}

async function textOf({ stdin, workingFolder }: CommandContext, file: string): Promise<string> {
  if (file !== '-') return readFile(resolve(workingFolder, file), 'utf8')
  const parts: string[] = []
  for await (const part of stdin) parts.push(typeof part === 'string' ? part : Buffer.from(part).toString('utf8'))
  return parts.join('')
}

async function tellHistory(
  context: CommandContext,
  questions: readonly FlowWords[],
  { log: given, socket, causes = false, staged = false, output, ...moments }: HistoryOptions,
): Promise<ExitCode> {
  const { terminal, workingFolder, interrupted } = context
  const folder = given === undefined ? await logOfAgent(socket) : await logFolder(context, given)
  return readingLog(context, folder, async log => {
    const range = await seqsBetween(log, moments, given === undefined)
    if (moments.from === undefined) noteBase(terminal, log)
    const progress = new Progress(terminal, 'events')
    const onProgress = (seq: number): void => progress.show('reading', seq, range.to ?? log.head.seq)
    const service = await serviceIn(log, questions, range)
    if (service !== undefined) {
      const changes = serviceFlowHistory(log, service, { ...range, isStaged: staged, onProgress })
      return tellService(context, changes, progress, { causes, output }, () => noteNothing(terminal, log, range))
    }
    let told = 0
    for await (const each of flowHistory(log, questions, { ...range, isStaged: staged, onProgress })) {
      if (interrupted.aborted) return exitCodes.interrupted
      const change = causes ? each : withVerdicts(each)
      if (change === undefined) continue
      progress.end()
      told++
      if (output === 'json') await terminal.line(JSON.stringify(change))
      else for (const line of flowChangeLines(change, terminal.colour, workingFolder)) await terminal.line(line)
    }
    progress.end()
    if (told === 0) noteNothing(terminal, log, range)
    return exitCodes.ok
  })
}

/**
 * The one question that means a service, now or when the time that is told of begins. A name that pods have, or had,
 * means these.
 */
async function serviceIn(
  log: EventLog,
  questions: readonly FlowWords[],
  { from = log.base.seq + 1, to }: { readonly from?: number; readonly to?: number },
): Promise<FlowWords | undefined> {
  const maybe = questions.filter(({ to: word }) => {
    const { place } = parseTarget(word)
    return isServiceWord(place) || isIP(place) !== 0 || place === 'host'
  })
  if (maybe.length === 0) return undefined
  const { engine: last } = await restoreEngine(log, () => {}, to, 'fresh')
  const { engine: first } = await restoreEngine(log, () => {}, Math.max(log.base.seq, from - 1), 'fresh')
  const found = maybe.find(words => [last, first].some(engine => meansService(engine, words)))
  if (found !== undefined && questions.length > 1)
    throw invalid(found.to, 'a service is asked about alone', 'weir history FROM TO:PORT, without --flows')
  return found
}

async function tellService(
  { terminal, workingFolder, interrupted }: CommandContext,
  changes: AsyncIterable<ServiceFlowChange>,
  progress: Progress,
  { causes = false, output }: Pick<HistoryOptions, 'causes' | 'output'>,
  onNothing: () => void,
): Promise<ExitCode> {
  let told = 0
  for await (const change of changes) {
    if (interrupted.aborted) return exitCodes.interrupted
    if (!causes && change.changes.every(each => each === 'cause')) continue
    progress.end()
    told++
    if (output === 'json') await terminal.line(JSON.stringify(change))
    else for (const line of serviceFlowLines(change, terminal.colour, workingFolder)) await terminal.line(line)
  }
  progress.end()
  if (told === 0) onNothing()
  return exitCodes.ok
}

/** Of a change the flows whose verdict is another. */
function withVerdicts(change: FlowChange): FlowChange | undefined {
  const flows = change.flows.filter(({ changes }) => changes === 'verdict')
  return flows.length === 0 ? undefined : { ...change, flows }
}
