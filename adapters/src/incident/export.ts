import { createReadStream } from 'node:fs'
import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { WeirError } from '@weir/core'
import { type IncidentExtent, incidentExtents } from '@weir/core/incident/concern.js'
import type { Pseudonyms } from '@weir/core/pseudonym/pseudonyms.js'
import {
  EventLog,
  type ExportedFlow,
  type FlowStore,
  folderStorage,
  type LogOrigin,
  readCheckpoints,
} from '@weir/store'
import type { FlowWords } from '../agent/asked-flows.js'
import { type CutLog, cutLog, type Surveyed, survey } from './cut.js'
import { disguise } from './disguise.js'
import { flowsOf, otherFlows } from './flows.js'
import { storyOf, type Story, type Telling } from './story.js'
import { type Incident, type Window, windowOf } from './window.js'

/** How what goes out is disguised. */
export interface DisguiseOptions {
  readonly key: Buffer
  readonly shiftsTimes: boolean
}

/** What was written. */
export interface ExportedIncident {
  readonly window: Window
  readonly origin: LogOrigin
  readonly events: number
  /** Of a disguised one. */
  readonly pseudonyms?: Pseudonyms
}

/**
 * Writes what of a log has a bearing on a flow around an event as a log of its own, reads it back, and holds what it says
 * of the flow to what the log says: every answer, rule and change, by the numbers that events have there. Where leaving
 * something out would change an answer, more is kept.
 *
 * @param store recorded flows: those between the ends go with it
 * @param file one that isn't there yet; it is removed where it can't be relied on
 * @throws WeirError WEIR_INCIDENT_DIFFERS, WEIR_NOT_FOUND, WEIR_REQUEST_INVALID, WEIR_LOG_COMPACTED
 */
export async function exportIncident(
  log: EventLog,
  incident: Incident,
  file: string,
  options?: DisguiseOptions,
  store?: FlowStore,
): Promise<ExportedIncident> {
  const window = await windowOf(log, incident)
  const surveyed = await survey(log, incident, window)
  const teller = new Teller(log, incident, surveyed)
  let differing: number | undefined
  for (const extent of incidentExtents) {
    const cut = await cutLog(log, surveyed, extent)
    if (cut.events.length === 0) continue
    const bare = await originOf(log, incident, window, cut, extent)
    const flows = store === undefined ? [] : await flowsOf(store, surveyed, bare)
    const origin = flows.length === 0 ? bare : { ...bare, flows: flows.length }
    if (options === undefined) {
      differing = await written(file, cut, origin, flows, small => teller.differs(small, incident, cut, true))
      if (differing === undefined) return { window, origin, events: cut.events.length }
      continue
    }
    differing = await withLog(cut, origin, small => teller.differs(small, incident, cut, true))
    if (differing === undefined) return await writeDisguised(file, cut, origin, flows, incident, options, teller)
  }
  throw differs(file, differing ?? window.first)
}

async function writeDisguised(
  file: string,
  cut: CutLog,
  origin: LogOrigin,
  flows: readonly ExportedFlow[],
  incident: Incident,
  { key, shiftsTimes }: DisguiseOptions,
  teller: Teller,
): Promise<ExportedIncident> {
  const disguised = disguise(cut, incident, key, shiftsTimes)
  const { cut: other, words, pseudonyms } = disguised
  const { checkpoint, ...rest } = origin
  const told: LogOrigin = {
    ...rest,
    // When it was signed would say by how much times were moved.
    ...(checkpoint !== undefined && !shiftsTimes && { checkpoint }),
    flow: words,
    isPseudonymous: true,
    ...(shiftsTimes && { isShifted: true as const }),
  }
  const differing = await written(file, other, told, otherFlows(flows, disguised), small =>
    teller.differs(small, words, other, false),
  )
  if (differing !== undefined) throw differs(file, differing)
  return { window: { first: origin.first, last: origin.last }, origin: told, events: cut.events.length, pseudonyms }
}

/** Writes a cut log's export and imports it again. @returns what the check says; the file is gone unless it is sound */
async function written(
  file: string,
  cut: CutLog,
  origin: LogOrigin,
  flows: readonly ExportedFlow[],
  check: (copy: EventLog) => Promise<number | undefined>,
): Promise<number | undefined> {
  const target = await open(file, 'wx', 0o600)
  let isSound = false
  try {
    try {
      await withLog(cut, origin, async small => {
        for await (const text of small.export()) await target.write(text)
        for (const flow of flows) await target.write(`${JSON.stringify({ flow })}\n`)
        await target.sync()
      })
    } finally {
      await target.close()
    }
    const texts = createReadStream(file).setEncoding('utf8') as AsyncIterable<string>
    const differing = await withEmptyLog(async copy => {
      await copy.import(texts)
      return check(copy)
    })
    isSound = differing === undefined
    return differing
  } finally {
    if (!isSound) await rm(file, { force: true })
  }
}

const eventsPerAppend = 500

const withLog = <Result>(
  { events }: CutLog,
  origin: LogOrigin,
  work: (log: EventLog) => Promise<Result>,
): Promise<Result> =>
  withEmptyLog(async log => {
    for (let at = 0; at < events.length; at += eventsPerAppend)
      await log.append(events.slice(at, at + eventsPerAppend).map(({ draft }) => draft))
    await log.cutFrom(origin)
    return work(log)
  })

async function withEmptyLog<Result>(work: (log: EventLog) => Promise<Result>): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), 'weir-incident-'))
  try {
    const holder = { pid: process.pid, command: 'weir log export', since: 0 }
    const log = await EventLog.open({ storage: folderStorage({ path: join(folder, 'log'), holder }) })
    try {
      return await work(log)
    } finally {
      await log.close()
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function originOf(
  log: EventLog,
  { from, to, around }: Incident,
  { first, last }: Window,
  { events, stateEvents }: CutLog,
  extent: IncidentExtent,
): Promise<LogOrigin> {
  const { checkpoints } = await readCheckpoints(log.location)
  const checkpoint = checkpoints.find(({ seq }) => seq >= last) ?? checkpoints.at(-1)
  return {
    head: log.head,
    ...(checkpoint !== undefined && { checkpoint }),
    seqs: events.map(({ seq }) => seq),
    ...{ stateEvents, first, last, flow: { from, to }, around, extent },
  }
}

const differs = (path: string, seq: number): WeirError<'WEIR_INCIDENT_DIFFERS'> =>
  new WeirError('WEIR_INCIDENT_DIFFERS', `${path} doesn't lead to what the log does from event ${seq} on`, {
    path,
    seq,
  })

/** After so many events all is asked, spread over the window; changes of the flow are told of each event. */
const askedMost = 500

/** Tells a flow's story from the whole log, and holds those of cut ones to it. */
class Teller {
  readonly #log: EventLog
  readonly #words: FlowWords
  readonly #window: Window
  readonly #isService: boolean

  constructor(log: EventLog, words: FlowWords, { window, isService }: Surveyed) {
    this.#log = log
    this.#words = words
    this.#window = window
    this.#isService = isService
  }

  /** @returns the first event of the whole log after which a cut one says otherwise */
  async differs(small: EventLog, words: FlowWords, cut: CutLog, hasNames: boolean): Promise<number | undefined> {
    const seqs = cut.events.map(({ seq }) => seq)
    const kept = seqs.slice(cut.stateEvents)
    const step = Math.max(1, Math.ceil(kept.length / askedMost))
    const asked = kept.flatMap((seq, at) => (at % step === 0 ? [{ seq, at: cut.stateEvents + at + 1 }] : []))
    const [wholly, partly]: Telling[] = [
      { seqOf: seq => seq, hasNames },
      { seqOf: seq => (seq === 0 ? 0 : (seqs[seq - 1] ?? seq)), hasNames },
    ]
    const whole = await storyOf(this.#log, this.#words, this.#window, seqsOf(asked, 'seq'), wholly!, this.#isService)
    const inSmall = { first: cut.stateEvents + 1, last: seqs.length }
    const part = await storyOf(small, words, inSmall, seqsOf(asked, 'at'), partly!, this.#isService)
    return firstDifference(whole, part)
  }
}

const seqsOf = <Key extends string>(asked: readonly Readonly<Record<Key, number>>[], key: Key): number[] =>
  asked.map(each => each[key])

function firstDifference(whole: Story, part: Story): number | undefined {
  const [wanted, found] = [[...whole.answers], [...part.answers]]
  const answer = wanted.find(([, text], at) => text !== (found[at] ?? found.at(-1))?.[1])?.[0]
  const { length } = whole.changes
  const at = whole.changes.findIndex(({ seq, text }, index) => {
    const other = part.changes[index]
    return seq !== other?.seq || text !== other.text
  })
  const change = at >= 0 ? whole.changes[at]!.seq : part.changes.length > length ? part.changes[length]!.seq : undefined
  const seqs = [answer, change].filter(seq => seq !== undefined)
  return seqs.length === 0 ? undefined : Math.min(...seqs)
}
