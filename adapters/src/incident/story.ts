import { type Engine, WeirError } from '@weir/core'
import { canonicalJson } from '@weir/core/json.js'
import type { EventLog } from '@weir/store'
import type { FlowWords } from '../agent/asked-flows.js'
import { flowHistory } from '../agent/flow-history.js'
import type { SourceEntry } from '../agent/event-source.js'
import { sourceAt } from '../agent/log-events.js'
import { answersTo } from '../agent/question.js'
import { restoreEngine } from '../agent/restore.js'
import type { Window } from './window.js'

/** How a story is told, so that those of two logs can be held to each other. */
export interface Telling {
  /** The number that both logs' stories name an event by. */
  seqOf(seq: number): number
  /** False where names are others: events and places in policies still tell which rule it is. */
  readonly hasNames: boolean
}

/** What a log says of a flow in a window, as texts that are equal for equal answers. */
export interface Story {
  /** Before the first event and after the last one of the window, and after those that were asked for. */
  readonly answers: ReadonlyMap<number, string>
  /** Of each change of its verdict or of the rules that decide it. */
  readonly changes: readonly { readonly seq: number; readonly text: string }[]
}

/**
 * Tells a flow's story from a log.
 *
 * @param after events after which all is asked, rising and within the window; by the log's own numbers
 */
export async function storyOf(
  log: EventLog,
  words: FlowWords,
  { first, last }: Window,
  after: readonly number[],
  telling: Telling,
  isService: boolean,
): Promise<Story> {
  const answers = new Map<number, string>()
  const { engine } = await restoreEngine(log, () => {}, first - 1, 'fresh')
  const ask = async (): Promise<void> => {
    answers.set(engine.seq, await answerText(engine, words, log, telling))
  }
  await ask()
  const wanted = new Set([...after, last])
  for await (const batch of log.read({ from: first, to: last }))
    for (const event of batch) {
      engine.fold([event])
      if (wanted.has(event.seq)) await ask()
    }
  const changes = isService ? [] : await changesOf(log, words, { first, last }, telling)
  return { answers, changes }
}

async function changesOf(
  log: EventLog,
  words: FlowWords,
  { first, last }: Window,
  telling: Telling,
): Promise<Story['changes']> {
  const changes: { seq: number; text: string }[] = []
  try {
    for await (const change of flowHistory(log, [words], { from: first, to: last })) {
      const { seq, kind, flows, originals: _, ...from } = change
      const said = telling.hasNames ? from : {}
      const texts = flows.map(flow => canonicalJson(comparable(flow, telling))).sort()
      const text = canonicalJson({ kind, texts, ...(comparable(said, telling) as object) })
      changes.push({ seq: telling.seqOf(seq), text })
    }
  } catch (error) {
    // Nobody in any state of the window: so said by both.
    if (!(error instanceof WeirError && error.code === 'WEIR_NOT_FOUND')) throw error
  }
  return changes
}

async function answerText(engine: Engine, { from, to }: FlowWords, log: EventLog, telling: Telling): Promise<string> {
  try {
    const answers = await answersTo(engine, from, to, seq => sourceAt(log, seq))
    return answers
      .map(answer => canonicalJson(comparable(answer, telling)))
      .sort()
      .join('\n')
  } catch (error) {
    // Before a pod was there, and once it has gone, nobody has its name; which names come close is the cluster's matter.
    if (error instanceof WeirError && (error.code === 'WEIR_NOT_FOUND' || error.code === 'WEIR_REQUEST_INVALID'))
      return error.code
    throw error
  }
}

/** Numbers that depend on what else there is, whoever else there is, and what would be nearest to another answer. */
const ofTheCluster: ReadonlySet<string> = new Set(['identity', 'labels', 'nearest', 'nearestFor', 'namesake', 'within'])
/** What names things, has names in it, or follows from them. */
const ofNames: ReadonlySet<string> = new Set([
  ...['from', 'to', 'address', 'addresses', 'name', 'members', 'of', 'withoutPort', 'why', 'portName', 'policy', 'l7'],
  ...['causes', 'sources', 'flow', 'node', 'zone', 'pod', 'table', 'conflicts', 'sourceRanges', 'question', 'lack'],
])

/** An answer without what differs between logs that say the same of the flow. */
function comparable(value: unknown, telling: Telling): unknown {
  if (Array.isArray(value)) return value.map(item => comparable(item, telling))
  if (typeof value !== 'object' || value === null) return value
  const told: Record<string, unknown> = {}
  for (const [key, item] of Object.entries(value)) {
    if (ofTheCluster.has(key) || (!telling.hasNames && ofNames.has(key))) continue
    // The event of a rule; of the state as a whole it is the last one, which may be no part of the other log.
    if (key === 'seq') {
      if ('path' in value) told[key] = telling.seqOf(item as number)
    } else if (key === 'sources') told[key] = sourcesOf(item, telling)
    else if (key === 'causes') told[key] = causesOf(item, telling)
    else if ((key === 'from' || key === 'to') && isParty(item)) told[key] = { kind: item.kind, address: item.address }
    else if (key === 'backends' || key === 'flows') told[key] = sortedTexts(item, telling)
    else told[key] = comparable(item, telling)
  }
  return told
}

const sortedTexts = (items: unknown, telling: Telling): unknown =>
  (items as readonly unknown[]).map(item => canonicalJson(comparable(item, telling))).sort()

const sourcesOf = (sources: unknown, { seqOf }: Telling): unknown =>
  (sources as readonly SourceEntry[]).map(([seq, ...from]) => [seqOf(seq), ...from] as const).sort(([a], [b]) => a - b)

/** Events by number, or rules in words. */
const causesOf = (causes: unknown, { seqOf }: Telling): unknown =>
  (causes as readonly (number | string)[]).map(cause => (typeof cause === 'number' ? seqOf(cause) : cause)).sort()

/** Who an address is in an explanation: what a prefix around it is called is a matter of all policies. */
const isParty = (item: unknown): item is { kind: string; address: string } =>
  typeof item === 'object' && item !== null && 'kind' in item && 'address' in item
