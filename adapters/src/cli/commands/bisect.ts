import { spawn } from 'node:child_process'
import { type Command, Option } from 'commander'
import { counted } from '@weir/core/counted.js'
import { versionOf } from '@weir/core/state/concerned.js'
import type { UndoSearch } from '@weir/core/undo/search.js'
import type { EventLog } from '@weir/store'
import { type Bisection, bisect, flowOutcome, StatesBetween, type Trial } from '../../agent/bisect.js'
import type { FlowWords } from '../../agent/asked-flows.js'
import { sourceOfEvent } from '../../agent/event-source.js'
import { flowHistory, type FlowChange } from '../../agent/flow-history.js'
import { eventAt } from '../../agent/log-events.js'
import { objectOf } from '@weir/core/event/object-of.js'
import { type PutBack, putBack } from '../../agent/put-back.js'
import { meansService } from '../../agent/service-flow.js'
import { type ServiceFlowChange, serviceFlowHistory } from '../../agent/service-flow-history.js'
import { undoOf } from '../../agent/undo.js'
import { defaultSocketPath } from '../../agent/protocol.js'
import { command, type CommandContext, type Output, outputOption, socketOption } from '../command.js'
import { type ExitCode, exitCodes } from '../exit.js'
import { logOfAgent } from '../live-log.js'
import { logFolder, readingLog } from '../log-folder.js'
import { type Moment, momentHelp, pointInLog, seqOfMoment } from '../moment.js'
import { keyTitle } from '../../manifests/set.js'
import { changedByLine, flowChangeLines } from '../render/flow-change.js'
import { serviceFlowLines } from '../render/service-flow.js'
import { sideBySide } from '../render/side-by-side.js'
import { undoLines } from '../render/undo.js'
import type { Places } from '../render/change.js'
import { placesOfUndo, writeUndo } from './bisect-undo.js'
import { invalid } from '../states.js'

interface BisectOptions {
  readonly good: Moment
  readonly bad: Moment
  readonly command?: readonly string[]
  readonly undoFile?: string
  readonly log?: string
  readonly socket: string
  readonly output: Output
}

/** What bisecting found; `event` only where it is one alone. */
interface Found extends Bisection {
  readonly event?: Omit<FlowChange, 'flows' | 'sources'> & Partial<Pick<FlowChange, 'flows' | 'sources'>>
  /** Of a service: what the event changed of connections to it. */
  readonly service?: Omit<ServiceFlowChange, 'sources'>
  /** The object that the event is about, as facts. */
  readonly object?: { readonly before?: unknown; readonly after?: unknown }
  /** Of a flow: what putting the object back in the bad end's state would do. */
  readonly putBack?: PutBack
  /** Of a flow: the smallest change that would undo it there. */
  readonly undo?: UndoSearch
}

/** `weir bisect FROM TO[:PORT[/PROTO]] --good MOMENT --bad MOMENT`, `weir bisect --command …` */
export function bisectCommand(context: CommandContext): Command {
  return command(
    context,
    'bisect',
    'the event after which a flow is first judged otherwise, or a command of yours fails',
    async (from: string | undefined, to: string | undefined, options: BisectOptions) => {
      const words = wordsOf(from, to, options)
      const { log: given, socket } = options
      const folder = given === undefined ? await logOfAgent(socket) : await logFolder(context, given)
      return readingLog(context, folder, log => tellBisection(context, log, folder, words, options))
    },
  )
    .argument('[from]', 'as `weir why` takes it')
    .argument('[to]', 'the same')
    .addOption(
      new Option('--good <moment>', `when all was well: ${momentHelp}`).argParser(pointInLog).makeOptionMandatory(),
    )
    .addOption(new Option('--bad <moment>', 'when it was not').argParser(pointInLog).makeOptionMandatory())
    .option(
      '--command <word...>',
      'try states by a command: 0 good, 125 skip, 1 to 127 else bad; it is told which state',
    )
    .option('--undo-file <file>', 'write the object with the smallest change that undoes it, as a manifest')
    .option('--log <folder>', "a log, or the state folder of an agent; else the running agent's")
    .addOption(socketOption(defaultSocketPath, context.environment))
    .addOption(outputOption())
    .addHelpText('after', bisectHelp)
}

const bisectHelp = `
The command's environment:
  WEIR_BISECT_STATE  the state to try, LOG@SEQ, as weir why --log, get --log, compare and others take it
  WEIR_BISECT_LOG, WEIR_BISECT_SEQ  the same apart
Its output goes to standard error.
`

function wordsOf(from: string | undefined, to: string | undefined, options: BisectOptions): FlowWords | undefined {
  const isFlow = from !== undefined && to !== undefined
  if (options.command !== undefined && from !== undefined)
    throw invalid(from, 'states are tried by a flow or by a command', 'FROM TO, or --command')
  if (options.command === undefined && !isFlow)
    throw invalid(from ?? '', 'there is nothing to try states by', 'FROM TO, or --command COMMAND')
  return isFlow ? { from, to } : undefined
}

async function tellBisection(
  context: CommandContext,
  log: EventLog,
  folder: string,
  asked: FlowWords | undefined,
  options: BisectOptions,
): Promise<ExitCode> {
  const [good, bad] = await Promise.all([options.good, options.bad].map(at => seqWithin(log, at, options)))
  if (good === bad) throw invalid(String(bad), 'the good and the bad state are the same', `after event ${good}`)
  if (good! > bad!) throw invalid(String(bad), 'the bad state comes before the good one', `after event ${good}`)
  const words = asked === undefined ? undefined : await withService(log, asked, [good!, bad!])
  const tryState =
    words === undefined
      ? (seq: number) => tryByCommand(context, folder, options.command!, seq)
      : await byFlow(log, words, good!)
  try {
    await expectTrial(tryState, good!, 'good', words)
    await expectTrial(tryState, bad!, 'bad', words)
    const found = await bisect(good!, bad!, async seq => {
      context.interrupted.throwIfAborted()
      return tryState(seq)
    })
    const all = await told(log, { ...found, tried: found.tried + 2 }, words, [good!, bad!])
    await write(context, all, options, await placesOfUndo(log, all, context.workingFolder))
    if (options.undoFile !== undefined) await writeUndo(context, all.undo, options.undoFile)
    return exitCodes.ok
  } catch (error) {
    if (context.interrupted.aborted) return exitCodes.interrupted
    throw error
  }
}

/** Whether it is a service that is asked about, in one of the ends. */
async function withService(log: EventLog, words: FlowWords, ends: readonly number[]): Promise<FlowWords> {
  const states = new StatesBetween(log)
  for (const seq of ends) if (meansService(await states.at(seq), words)) return { ...words, isService: true }
  return words
}

async function seqWithin(log: EventLog, at: Moment, { log: given }: BisectOptions): Promise<number> {
  const seq = await seqOfMoment(log, at, given === undefined)
  if (seq > log.head.seq) throw invalid(String(seq), 'the log has no such event', `at most ${log.head.seq}`)
  return seq
}

/** A state is good where the flow fares as in the good end. */
async function byFlow(log: EventLog, words: FlowWords, good: number): Promise<(seq: number) => Promise<Trial>> {
  const states = new StatesBetween(log)
  const first = await states.at(good)
  const meant = flowOutcome(first, words)
  states.keep(first)
  return async seq => {
    if (seq === good) return 'good'
    const engine = await states.at(seq)
    if (flowOutcome(engine, words) !== meant) return 'bad'
    states.keep(engine)
    return 'good'
  }
}

async function expectTrial(
  tryState: (seq: number) => Promise<Trial>,
  seq: number,
  wanted: 'good' | 'bad',
  words: FlowWords | undefined,
): Promise<void> {
  const trial = await tryState(seq)
  if (trial === wanted) return
  const what = words === undefined ? `the command says ${trial} of it` : 'the flow fares as in the good one'
  throw invalid(String(seq), `the state after event ${seq} is not ${wanted}: ${what}`, `a ${wanted} state`)
}

/** As `git bisect run`: 0 good, 125 skip, 1 to 127 else bad, and anything beyond ends it all. */
function tryByCommand(
  { workingFolder, environment, interrupted }: CommandContext,
  folder: string,
  [file = '', ...args]: readonly string[],
  seq: number,
): Promise<Trial> {
  return new Promise((resolve, reject) => {
    const told = { WEIR_BISECT_STATE: `${folder}@${seq}`, WEIR_BISECT_LOG: folder, WEIR_BISECT_SEQ: String(seq) }
    const child = spawn(file, args, {
      cwd: workingFolder,
      env: { ...environment, ...told },
      stdio: ['ignore', process.stderr, process.stderr],
      signal: interrupted,
    })
    child.once('error', reject)
    child.once('exit', (code, signal) => {
      if (code === null || code > 127) {
        const end = code === null ? `signal ${signal}` : `status ${code}`
        reject(
          invalid(file, `the command ended with ${end} for the state after event ${seq}`, 'a status from 0 to 127'),
        )
      } else resolve(code === 0 ? 'good' : code === 125 ? 'skip' : 'bad')
    })
  })
}

/** What there is to say of the event that was found. */
async function told(
  log: EventLog,
  found: Bisection,
  words: FlowWords | undefined,
  [start, end]: readonly [number, number],
): Promise<Found> {
  const { good, bad } = found
  if (bad - good > 1) return found
  const states = new StatesBetween(log)
  const event = await eventAt(log, bad)
  const earlier = await states.at(good)
  const later = await states.at(bad)
  const [before, after] = [versionOf(earlier.state, event)?.fact, versionOf(later.state, event)?.fact]
  const object = { ...(before !== undefined && { before }), ...(after !== undefined && { after }) }
  if (words?.isService === true) {
    const flow = { words, meant: flowOutcome(earlier, words) }
    // What a service's endpoints are made from may have changed a moment before them.
    const undo = undoOf(event, await states.at(start), await states.at(end), flow)
    for await (const { sources, ...service } of serviceFlowHistory(log, words, { from: bad, to: bad }))
      return { ...found, event: { ...service, sources }, object, service, undo }
  }
  if (words !== undefined)
    for await (const change of flowHistory(log, [words], { from: bad, to: bad })) {
      const flows = change.flows.filter(({ changes }) => changes === 'verdict')
      const flow = { words, meant: flowOutcome(earlier, words) }
      const later = await states.at(end)
      const put = await putBack(log, event, earlier, later, flow)
      const undo = undoOf(event, earlier, later, flow)
      return { ...found, event: { ...change, flows }, object, ...(put !== undefined && { putBack: put }), undo }
    }
  const { seq, time, kind } = event
  const about = objectOf(event)
  return {
    ...found,
    event: { seq, time, kind, ...sourceOfEvent(event), ...(about !== undefined && { object: about }) },
    object,
  }
}

async function write(
  { terminal, workingFolder }: CommandContext,
  found: Found,
  { output }: BisectOptions,
  places: Places,
): Promise<void> {
  if (output === 'json') {
    await terminal.line(JSON.stringify(found))
    return
  }
  const { colour, widthColumns } = terminal
  for (const line of linesOf(found)) await terminal.line(line)

  function linesOf({ good, bad, tried, event, object = {}, putBack: put, undo, service }: Found): readonly string[] {
    const states = `${counted(tried, 'state')} tried`
    if (event === undefined)
      return [`it is one of the events ${good + 1} to ${bad}: the states between were skipped`, colour.dim(states)]
    const { flows, sources } = event
    return [
      ...(service !== undefined
        ? serviceFlowLines({ ...service, ...(sources !== undefined && { sources }) }, colour, workingFolder)
        : flows === undefined || sources === undefined
          ? [changedByLine(event, colour, workingFolder)]
          : flowChangeLines({ ...event, flows, sources }, colour, workingFolder)),
      ...sideBySide(object.before, object.after, widthColumns, colour),
      ...(undo === undefined ? [] : undoLines(undo, places, colour)),
      ...(put === undefined || event.object === undefined ? [] : [putBackText(put, keyTitle(event.object))]),
      colour.dim(states),
    ]
  }
}

function putBackText({ version, undoes, changes }: PutBack, title: string): string {
  const what = version === undefined ? `taking ${title} away` : `putting ${title} back as of event ${version}`
  const others = `weir compare tells ${counted(changes, 'change')} then`
  return undoes ? `${what} undoes it; ${others}` : `${what} does not undo it in the bad state; ${others}`
}
