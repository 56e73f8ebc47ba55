import { access } from 'node:fs/promises'
import { dirname } from 'node:path'
import { WeirError } from '@weir/core'
import { EventLog, FlowStore, privateCopyStorage, type ReadFlows } from '@weir/store'
import { flowFolderIn } from '../flows/history.js'
import type { StatusReport } from '../agent/protocol.js'
import { agentClient } from './client.js'
import type { CommandContext } from './command.js'
import { logFolder } from './log-folder.js'
import { invalid } from './states.js'

/** Copies of a log and of the flow history beside it. */
export interface FlowSource {
  readonly log: EventLog
  readonly store: FlowStore
}

/** Times as options give them: to be asked with the time that it is, in milliseconds. */
export interface FlowSpan {
  readonly since?: (nowMs: number) => number
  readonly until?: (nowMs: number) => number
}

/** The flows of a time; windows that are damaged are named and left out. */
export function flowsWithin({ terminal }: CommandContext, { since, until }: FlowSpan): Omit<ReadFlows, 'newestFirst'> {
  const nowMs = Date.now()
  if (since !== undefined && until !== undefined && since(nowMs) > until(nowMs))
    throw invalid(new Date(until(nowMs)).toISOString(), 'the time ends before it begins', '--since, then --until')
  return {
    ...(since !== undefined && { sinceMs: since(nowMs) }),
    ...(until !== undefined && { untilMs: until(nowMs) }),
    onDamage: ({ window, reason }) => terminal.note(`weir: flows of window ${window} are left out: ${reason}`),
  }
}

/**
 * Runs work on copies of a log and its flows; an agent that writes them isn't disturbed.
 *
 * @param given A log, or the state folder of an agent; the running agent's when absent, which ends its window first.
 * @throws WeirError WEIR_AGENT_UNREACHABLE, WEIR_REQUEST_INVALID where the agent keeps none, and what is wrong with either.
 */
export async function readingFlows<Result>(
  context: CommandContext,
  given: string | undefined,
  socket: string,
  work: (source: FlowSource) => Promise<Result>,
): Promise<Result> {
  const folder = given === undefined ? await folderOfAgent(socket) : await logFolder(context, given)
  const path = flowFolderIn(dirname(folder))
  // An agent that keeps flows makes the folder before it answers.
  if (
    !(await access(path).then(
      () => true,
      () => false,
    ))
  )
    throw new WeirError('WEIR_NOT_FOUND', `no flows were kept beside this log: ${path} isn't there`, {
      ...{ kind: 'flow history', name: path, near: [] },
    })
  // Flows first: whatever they were judged after is then in the log.
  const store = await FlowStore.open(privateCopyStorage({ path, whileHeld: true }))
  try {
    const log = await EventLog.openReadOnly({ path: folder, whileHeld: true, signal: context.interrupted })
    try {
      return await work({ log, store })
    } finally {
      await log.close()
    }
  } finally {
    await store.close()
  }
}

async function folderOfAgent(socket: string): Promise<string> {
  const client = agentClient(socket)
  const { log, flows } = await client.get<StatusReport>('/v1/status')
  if (flows.history === undefined) throw invalid('', 'the agent keeps no flow history', 'weir agent --flow-age 7d')
  await client.post('/v1/flows/flush', {})
  return log.folder
}
