import { counted } from '@weir/core/counted.js'
import { createWriteStream } from 'node:fs'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { Command } from 'commander'
import type { EventLog } from '@weir/store'
import { parseRecord, type RecordedDigest, recordLines } from '../../agent/digest-record.js'
import { compareDigests, type Comparison, type Divergence } from '../../agent/replay-compare.js'
import { digestsOf, replayLog } from '../../agent/restore.js'
import { command, type CommandContext, type Output, outputOption, wholeNumber } from '../command.js'
import { exitCodes, type ExitCode } from '../exit.js'
import { logFolder, readingLog } from '../log-folder.js'
import { checkEvent } from '../moment.js'
import { Progress } from '../progress.js'
import { invalid } from '../states.js'
import { runBuild } from './replay-build.js'

interface ReplayOptions {
  readonly log?: string
  readonly from?: number
  readonly to?: number
  readonly compare?: string
  readonly build?: string
  readonly record?: string
  readonly every: number
  readonly output: Output
}

/** `weir replay`: the log through this build; does it come to what was recorded? */
export function replayCommand(context: CommandContext): Command {
  return command(
    context,
    'replay',
    'fold the whole log again with this build and compare with the digests that were recorded',
    async (options: ReplayOptions) => {
      if (options.record !== undefined && options.compare !== undefined)
        throw invalid(options.record, 'a replay records or compares', '--record or --compare')
      // A log to compare with is the log to replay, unless another one is named.
      const given = options.log ?? (await namedLog(context, options.compare))
      const folder = await logFolder(context, given)
      return await readingLog(context, folder, log => {
        if (options.to !== undefined) checkEvent(log, options.to)
        if (options.record !== undefined) return record(context, log, options.record, options)
        if (options.compare !== undefined) return compare(context, log, folder, options.compare, options)
        return replay(context, log, folder, options)
      })
    },
  )
    .option('--log <folder>', 'the log, or the state folder of an agent (or WEIR_STATE)')
    .option(
      '--compare <digests>',
      'this build with another: a file of --record, or a log with what its builds recorded',
    )
    .option('--build <command>', 'runs the other build, to find the very event: npx weir@0.1.0')
    .option('--record <file>', 'write digests for another build to compare with; - for standard output')
    .option(
      '--every <events>',
      'events between recorded digests; 1 records what each event changes',
      wholeNumber(1),
      1000,
    )
    .option('--from <seq>', 'record from this event on', wholeNumber(1))
    .option('--to <seq>', 'stop after this event', wholeNumber(1))
    .addOption(outputOption())
}

async function namedLog(context: CommandContext, word: string | undefined): Promise<string | undefined> {
  if (word === undefined) return undefined
  const found = await stat(resolve(context.workingFolder, word)).catch(() => undefined)
  return found?.isDirectory() === true ? word : undefined
}

async function replay(
  { terminal }: CommandContext,
  log: EventLog,
  folder: string,
  options: ReplayOptions,
): Promise<ExitCode> {
  const progress = new Progress(terminal, 'events')
  const to = Math.min(options.to ?? log.head.seq, log.head.seq)
  const result = await replayLog(
    log,
    () => performance.now(),
    to,
    seq => progress.show('replaying', seq, to),
  )
  progress.end()
  const same = result.checkpoints.every(each => each.recorded === each.replayed)
  const eventsPerSecond = Math.round(result.events / Math.max(result.durationMs / 1000, 1e-3))
  if (options.output === 'json') await terminal.line(JSON.stringify({ ...result, same, eventsPerSecond, folder }))
  else {
    await terminal.line(
      `${counted(result.events, 'event')} in ${(result.durationMs / 1000).toFixed(2)} s (${eventsPerSecond} events/s)`,
    )
    await terminal.line(`digest ${result.digest.hex}`)
    for (const each of result.checkpoints) {
      const verdict =
        each.recorded === each.replayed
          ? terminal.colour.good('same')
          : terminal.colour.bad(`differs: recorded ${each.recorded}, now ${each.replayed}`)
      await terminal.line(`event ${each.seq}, recorded by ${each.build}: ${verdict}`)
    }
    if (result.checkpoints.length === 0)
      await terminal.line('no digest was recorded on the way: nothing to compare with')
  }
  return same ? exitCodes.ok : exitCodes.no
}

async function record(
  context: CommandContext,
  log: EventLog,
  file: string,
  { from = 1, to = log.head.seq, every }: ReplayOptions,
): Promise<ExitCode> {
  const { terminal } = context
  const progress = new Progress(terminal, 'events')
  const last = Math.min(to, log.head.seq)
  const onProgress = (seq: number): void => progress.show('recording', seq, last)
  const lines = recordLines(log, { from, to: last, every, onProgress })
  if (file === '-') for await (const line of lines) await terminal.line(line)
  else {
    const out = createWriteStream(resolve(context.workingFolder, file), { flags: 'wx', mode: 0o600, flush: true })
    await pipeline(lines, ended, out)
  }
  progress.end()
  return exitCodes.ok
}

async function* ended(lines: AsyncIterable<string>): AsyncGenerator<string> {
  for await (const line of lines) yield `${line}\n`
}

async function compare(
  context: CommandContext,
  log: EventLog,
  folder: string,
  word: string,
  options: ReplayOptions,
): Promise<ExitCode> {
  const { terminal } = context
  const progress = new Progress(terminal, 'events')
  const digests = await recordedDigests(context, log, word)
  const to = Math.min(options.to ?? log.head.seq, log.head.seq)
  const onProgress = (seq: number): void => progress.show('comparing', seq, to)
  let comparison = await compareDigests(log, digests, to, onProgress)
  const { first } = comparison
  if (first !== undefined && first.rows === undefined && options.build !== undefined) {
    const window = await digestsOfBuild(context, options.build, folder, first)
    const narrowed = (await compareDigests(log, window, first.seq, onProgress)).first
    // The other build may not be the one that recorded: then it agrees where that one didn't.
    if (narrowed !== undefined)
      comparison = { ...comparison, first: { ...narrowed, after: Math.max(narrowed.after, first.after) } }
    else terminal.note(`weir: ${options.build} comes to the same as this build; it isn't the build that recorded`)
  }
  progress.end()
  if (options.output === 'json') await terminal.line(JSON.stringify({ folder, ...comparison }))
  else for (const line of comparisonLines(comparison, terminal.colour.bad)) await terminal.line(line)
  if (comparison.compared === 0) return exitCodes.notFound
  return first === undefined ? exitCodes.ok : exitCodes.no
}

async function recordedDigests(
  context: CommandContext,
  log: EventLog,
  word: string,
): Promise<readonly RecordedDigest[]> {
  const path = resolve(context.workingFolder, word)
  if ((await stat(path)).isDirectory())
    return readingLog(context, await logFolder(context, word), other => ofSameLog(log, other, word))
  return fromFile(log, await readFile(path, 'utf8'), word)
}

async function ofSameLog(log: EventLog, other: EventLog, word: string): Promise<readonly RecordedDigest[]> {
  const seq = Math.min(log.head.seq, other.head.seq)
  const [mine, theirs] = [await log.chainAt(seq), await other.chainAt(seq)]
  if (seq > 0 && mine?.hash !== theirs?.hash && mine?.previous !== theirs?.previous) throw otherLog(word)
  return digestsOf(other)
}

async function fromFile(log: EventLog, text: string, word: string): Promise<readonly RecordedDigest[]> {
  const { header, digests } = parseRecord(text, word)
  if (header.log.seq > 0 && header.log.seq <= log.head.seq) {
    const place = await log.chainAt(header.log.seq)
    if (place?.last !== header.log.seq || place.hash !== header.log.hash) throw otherLog(word)
  }
  return digests
}

const otherLog = (word: string) => invalid(word, 'it was recorded of another log', 'a record of this log')

/** Has the other build record, event by event, where the two part. */
async function digestsOfBuild(
  context: CommandContext,
  build: string,
  folder: string,
  { after, seq }: Divergence,
): Promise<readonly RecordedDigest[]> {
  const scratch = await mkdtemp(join(tmpdir(), 'weir-record-'))
  try {
    const file = join(scratch, 'digests')
    const range = ['--from', String(after + 1), '--to', String(seq), '--every', '1']
    await runBuild(build, ['replay', '--log', folder, '--record', file, ...range], context.interrupted)
    return parseRecord(await readFile(file, 'utf8'), build).digests
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

function comparisonLines(comparison: Comparison, bad: (text: string) => string): readonly string[] {
  const { events, compared, agreeing, incomparable, narrower, first } = comparison
  const lines: string[] = []
  if (first !== undefined) lines.push(...divergenceLines(first, bad))
  for (const { version, digests, lacking } of narrower)
    lines.push(
      `${counted(digests, 'digest is', 'digests are')} of version ${version}: compared without ${lacking.join(', ')}`,
    )
  if (incomparable > 0) lines.push(`${incomparable} digests are of builds that hashed tables otherwise: not compared`)
  lines.push(
    compared === 0
      ? 'no digest could be compared'
      : `${counted(events, 'event')} replayed, ${agreeing} of ${counted(compared, 'recorded digest is', 'recorded digests are')} the same`,
  )
  return lines
}

function divergenceLines(first: Divergence, bad: (text: string) => string): readonly string[] {
  const { after, seq, build, parts, rows } = first
  const exact = seq === after + 1
  const where = exact ? `at event ${seq}` : `between event ${after + 1} and ${seq}`
  const lines = [bad(`this build has other ${parts.join(', ')} than ${build} from ${where} on`)]
  for (const row of rows?.recorded ?? []) lines.push(`  ${build}: ${row}`)
  for (const row of rows?.replayed ?? []) lines.push(`  this build: ${row}`)
  if (!exact) {
    const range = `--from ${after + 1} --to ${seq}`
    lines.push(
      `  the very event: let that build run weir replay --record FILE --every 1 ${range}, then compare with FILE,`,
    )
    lines.push('  or name the build with --build')
  }
  return lines
}
