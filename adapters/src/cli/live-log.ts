import type { StatusReport } from '../agent/protocol.js'
import { agentClient } from './client.js'

/**
 * The folder of the log that the running agent writes: a past state is read from there, so that the agent has no work
 * with it.
 *
 * @throws WeirError WEIR_AGENT_UNREACHABLE
 */
export async function logOfAgent(socketPath: string): Promise<string> {
  const { log } = await agentClient(socketPath).get<StatusReport>('/v1/status')
  return log.folder
}
