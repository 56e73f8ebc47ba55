import { createReadStream } from 'node:fs'
import { mkdtemp, open, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { Engine, type EventDraft, type Problem, WeirError } from '@weir/core'
import { EventLog, folderStorage } from '@weir/store'
import { type EventSource, nowhere, sourceOfEvent, sourcesBySeq } from '../agent/event-source.js'
import { sourceAt } from '../agent/log-events.js'
import type { SnapshotAnswer } from '../agent/protocol.js'
import { restoreEngine } from '../agent/restore.js'
import { diffFacts } from '../manifests/diff.js'
import { FieldLines } from '../manifests/field-lines.js'
import { nothingKnown } from '../manifests/known.js'
import { readManifests } from '../manifests/read.js'
import { type ManifestSet, problemText } from '../manifests/set.js'
import { deriveSlices } from '../manifests/slices.js'
import { readManifestStream } from '../manifests/stream.js'
import { agentClient } from './client.js'
import type { CommandContext } from './command.js'
import { logFolder } from './log-folder.js'

/** A state that a command looks into, wherever it comes from. */
export interface GivenState {
  readonly name: string
  readonly engine: Engine
  /** Where an event came from. */
  sourceOf(seq: number): Promise<EventSource>
  /** Where fields of manifests stand; only of manifests that were read just now. */
  readonly fieldLines?: FieldLines
  close(): Promise<void>
}

/** What a word on the command line can name. */
export const stateHelp =
  'a log folder or exported log (@SEQ: after that event), manifests (folder, file, - for standard input), or live; @TIME, @-10m of a log or live: as it was then'

/** First bytes of an export: its header names what it is. */
const exportStart = '{"weir":'

/** Which event of a log a state is after. */
export type WhichEvent = (log: EventLog) => Promise<number>

/**
 * Opens the state that a word names.
 *
 * @param which Of a log: after which event; default as the word says, or the last one.
 * @throws WeirError WEIR_AGENT_UNREACHABLE, WEIR_NOT_FOUND for a path or an event that isn't there, and what a broken
 *   log or export has to say.
 */
export async function openState(
  context: CommandContext,
  word: string,
  socketPath: string,
  which?: WhichEvent,
): Promise<GivenState> {
  if (word === 'live') return liveState(socketPath)
  if (word === '-') return streamState(context)
  const { path, seq } = await placeOf(context, word)
  const found = await stat(path)
  if (found.isDirectory()) {
    const folder = await logFolder(context, path)
    if (await exists(join(folder, 'db', 'CURRENT')))
      return logState(
        word,
        await EventLog.openReadOnly({ path: folder, whileHeld: true, signal: context.interrupted }),
        which ?? seq,
      )
  } else if (await isExport(path)) return exportState(word, path, which ?? seq)
  if (seq !== undefined || which !== undefined) throw invalid(word, 'manifests have no events', 'a log before @')
  return manifestState(context, word, path)
}

/** Opens a log's folder, or the state folder of an agent, and nothing else; with @SEQ as it was after that event. */
export async function openLog(context: CommandContext, word: string): Promise<GivenState> {
  const { path, seq } = await placeOf(context, word).catch(() => ({
    path: resolve(context.workingFolder, word),
    seq: undefined,
  }))
  const folder = await logFolder(context, path)
  return logState(
    word,
    await EventLog.openReadOnly({ path: folder, whileHeld: true, signal: context.interrupted }),
    seq,
  )
}

/** Runs work on states and closes them, whatever comes of it. */
export async function withStates<Result>(
  opening: readonly (() => Promise<GivenState>)[],
  work: (...states: readonly GivenState[]) => Promise<Result>,
): Promise<Result> {
  const states: GivenState[] = []
  try {
    for (const each of opening) states.push(await each())
    return await work(...states)
  } finally {
    for (const state of states) await state.close()
  }
}

/** An engine that starts from nothing and folds drafts, with their sources. */
export function draftState(name: string, base: GivenState | undefined, drafts: readonly EventDraft[]): GivenState {
  const engine = base === undefined ? new Engine() : Engine.restore(base.engine.snapshot())
  const first = engine.seq + 1
  engine.apply(drafts.map((draft, at) => ({ ...draft, seq: first + at })))
  const sourceOf = async (seq: number): Promise<EventSource> => {
    if (seq < first) return (await base?.sourceOf(seq)) ?? nowhere
    const draft = drafts[seq - first]
    return draft === undefined ? nowhere : sourceOfEvent(draft)
  }
  return { name, engine, sourceOf, close: async () => {} }
}

async function liveState(socketPath: string): Promise<GivenState> {
  const answer = await agentClient(socketPath).get<SnapshotAnswer>('/v1/snapshot')
  const sources = sourcesBySeq(answer.sources)
  return {
    name: 'live',
    engine: Engine.restore(answer.engine),
    sourceOf: async seq => sources.get(seq) ?? nowhere,
    close: async () => {},
  }
}

async function logState(name: string, log: EventLog, which: WhichEvent | number | undefined): Promise<GivenState> {
  try {
    const seq = typeof which === 'function' ? await which(log) : which
    if (seq !== undefined && seq > log.head.seq) {
      const near = [`@${log.head.seq}`]
      throw new WeirError('WEIR_NOT_FOUND', `the log has no event ${seq}`, { kind: 'event', name: String(seq), near })
    }
    const { engine } = await restoreEngine(log, () => {}, seq, 'fresh')
    return { name, engine, sourceOf: at => sourceAt(log, at), close: () => log.close() }
  } catch (error) {
    await log.close()
    throw error
  }
}

/** An export is brought into a log of its own for as long as the command takes, so that its chain is checked. */
async function exportState(name: string, path: string, which: WhichEvent | number | undefined): Promise<GivenState> {
  const folder = await mkdtemp(join(tmpdir(), 'weir-state-'))
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true })
  try {
    const holder = { pid: process.pid, command: 'weir', since: 0 }
    const log = await EventLog.open({ storage: folderStorage({ path: join(folder, 'log'), holder }) })
    try {
      await log.import(createReadStream(path).setEncoding('utf8') as AsyncIterable<string>)
    } catch (error) {
      await log.close()
      throw error
    }
    const state = await logState(name, log, which)
    return { ...state, close: () => state.close().finally(remove) }
  } catch (error) {
    await remove()
    throw error
  }
}

async function manifestState(context: CommandContext, name: string, path: string): Promise<GivenState> {
  const set = await readManifests(path)
  return stateOf(context, name, set, file => readFile(file, 'utf8'))
}

async function streamState(context: CommandContext): Promise<GivenState> {
  const { set, text } = await readManifestStream(context.stdin)
  return stateOf(context, '-', set, async () => text)
}

function stateOf(
  { terminal }: CommandContext,
  name: string,
  set: ManifestSet,
  textOf: (file: string) => Promise<string>,
): GivenState {
  for (const { problems } of set.refusals)
    for (const problem of problems) terminal.note(`weir: refused: ${problemText(problem)}`)
  const state = draftState(name, undefined, diffFacts(nothingKnown, deriveSlices(set, nothingKnown), { timeMs: 0 }))
  return { ...state, fieldLines: new FieldLines(textOf) }
}

/** A path that is there as it stands, or with an event's number after its last @. */
async function placeOf(context: CommandContext, word: string): Promise<{ path: string; seq?: number }> {
  const path = resolve(context.workingFolder, word)
  if (await exists(path)) return { path }
  const at = /^(.+)@(\d+)$/.exec(word)
  const before = at === null ? undefined : resolve(context.workingFolder, at[1]!)
  if (before !== undefined && (await exists(before))) return { path: before, seq: Number(at![2]) }
  throw new WeirError('WEIR_NOT_FOUND', `there is no ${word}`, { kind: 'state', name: word, near: ['live'] })
}

const exists = async (path: string): Promise<boolean> => (await stat(path).catch(() => undefined)) !== undefined

async function isExport(path: string): Promise<boolean> {
  const file = await open(path)
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(exportStart.length), 0, exportStart.length, 0)
    return buffer.toString('utf8', 0, bytesRead) === exportStart
  } finally {
    await file.close()
  }
}

/** A word of the command line that can't be understood. */
export function invalid(value: string, message: string, expected: string): WeirError<'WEIR_REQUEST_INVALID'> {
  const problem: Problem = { path: '', message, value, expected }
  return new WeirError('WEIR_REQUEST_INVALID', `${message}: ${value}`, { problems: [problem] })
}
