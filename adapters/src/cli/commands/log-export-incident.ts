import { counted } from '@weir/core/counted.js'
import { stat, writeFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { type EventLog, FlowStore, privateCopyStorage } from '@weir/store'
import { flowFolderIn } from '../../flows/history.js'
import { type DisguiseOptions, type ExportedIncident, exportIncident } from '../../incident/export.js'
import { passingKey, pseudonymKey } from '../../incident/key.js'
import { mapText } from '../../incident/pseudonym-map.js'
import type { Incident } from '../../incident/window.js'
import type { CommandContext } from '../command.js'
import { type ExitCode, exitCodes } from '../exit.js'
import { type Moment, seqOfMoment } from '../moment.js'
import { invalid } from '../states.js'

export interface IncidentOptions {
  readonly incident?: readonly string[]
  readonly around?: Moment
  readonly span: number
  readonly pseudonymise?: boolean
  readonly key?: string
  readonly map?: string
  readonly shiftTimes?: boolean
  readonly flows?: boolean
}

/**
 * The incident that the options ask for; undefined of an export of all. A time means the last event until then.
 *
 * @throws WeirError WEIR_REQUEST_INVALID, WEIR_NOT_FOUND for a time before the log
 */
export async function incidentOf(log: EventLog, options: IncidentOptions): Promise<Incident | undefined> {
  const { incident, around, span, pseudonymise = false } = options
  const alone = (['key', 'map', 'shiftTimes'] as const).find(name => options[name] !== undefined)
  if (alone !== undefined && !pseudonymise)
    throw invalid(alone, 'this is about pseudonyms', '--pseudonymise, or nothing of the sort')
  if (incident === undefined && around === undefined) {
    if (!pseudonymise) return undefined
    throw invalid('', 'pseudonyms are for incidents', '--incident FROM TO:PORT --around MOMENT')
  }
  const [from, to, ...more] = incident ?? []
  if (from === undefined || to === undefined || more.length > 0)
    throw invalid((incident ?? []).join(' '), 'an incident is of one flow', '--incident FROM TO:PORT')
  if (around === undefined) throw invalid(`${from} ${to}`, 'which event it is about is missing', '--around MOMENT')
  return { from, to, around: await seqOfMoment(log, around, false), spanMs: span }
}

/** The file is there when it was read back and says of the flow what the log says. */
export async function writeIncident(
  { terminal, workingFolder }: CommandContext,
  log: EventLog,
  incident: Incident,
  file: string | undefined,
  options: IncidentOptions,
): Promise<ExitCode> {
  if (file === undefined) throw invalid('', 'an incident goes to a file', 'the name of a new file')
  const inFolder = (path: string): string => resolve(workingFolder, path)
  const path = inFolder(file)
  const disguise = await disguiseOf(options, inFolder)
  const made = await withFlows(options.flows === true, log, store =>
    exportIncident(log, incident, path, disguise, store),
  )
  if (options.map !== undefined && made.pseudonyms !== undefined)
    await writeFile(inFolder(options.map), mapText(made.pseudonyms), { mode: 0o600, flush: true })
  for (const line of linesOf(made, incident, file, (await stat(path)).size)) terminal.note(line)
  return exitCodes.ok
}

/** Recorded flows lie beside the log in an agent's state folder. */
async function withFlows<Result>(
  areAsked: boolean,
  { location }: EventLog,
  work: (store?: FlowStore) => Promise<Result>,
): Promise<Result> {
  if (!areAsked) return work()
  const store = await FlowStore.open(privateCopyStorage({ path: flowFolderIn(dirname(location)), whileHeld: true }))
  try {
    return await work(store)
  } finally {
    await store.close()
  }
}

async function disguiseOf(
  { pseudonymise, key, shiftTimes }: IncidentOptions,
  inFolder: (path: string) => string,
): Promise<DisguiseOptions | undefined> {
  if (pseudonymise !== true) return undefined
  return {
    key: key === undefined ? passingKey() : await pseudonymKey(inFolder(key), true),
    shiftsTimes: shiftTimes === true,
  }
}

function linesOf(
  { window: { first, last }, origin, events, pseudonyms }: ExportedIncident,
  { around }: Incident,
  file: string,
  sizeBytes: number,
): readonly string[] {
  const inWindow = events - origin.stateEvents
  const kept = {
    concerned: 'what has a bearing on the flow',
    rules: 'every rule: what selects neither end has a bearing on the answers, too',
    everything: 'everything: leaving out more would change an answer',
  }[origin.extent as 'concerned' | 'rules' | 'everything']
  return [
    `weir: ${counted(events, 'event')}, ${counted(sizeBytes, 'byte')}, written to ${file}`,
    `weir: ${origin.stateEvents} say what was so before, ${inWindow} are of the ${last - first + 1} from ${first} to ${last}; kept is ${kept}`,
    ...(origin.seqs.includes(around, origin.stateEvents)
      ? []
      : [`weir: event ${around} has no bearing on the flow, and is not in it`]),
    ...(pseudonyms === undefined || pseudonyms.unsaid.size === 0
      ? []
      : [
          `weir: placeholders stand for ${pseudonyms.unsaid.size} expressions and patterns: what they match isn't told`,
        ]),
    ...(origin.flows === undefined ? [] : [`weir: ${origin.flows} recorded flows between the ends go with it`]),
    `weir: read back; the flow's answers, rules and changes are the log's`,
  ]
}
