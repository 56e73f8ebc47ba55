import type { CommandContext } from './command.js'
import { logOfAgent } from './live-log.js'
import { type GivenState, openState } from './states.js'

/**
 * Opens a state as it was after an event.
 *
 * @param word As `openState` takes it. A past state of `live` is read from a copy of the running agent's log.
 * @param at Sequence number; without one, the state as `word` names it.
 * @throws WeirError As `openState`.
 */
export async function openStateAt(
  context: CommandContext,
  word: string,
  at: number | undefined,
  socketPath: string,
): Promise<GivenState> {
  if (at === undefined) return openState(context, word, socketPath)
  const log = word === 'live' ? await logOfAgent(socketPath) : word
  return openState(context, `${log}@${at}`, socketPath)
}
