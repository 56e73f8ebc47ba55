import { WeirError, type Problem } from '@weir/core'
import type { Answer } from '../agent/server.js'
import type { CniAnswer } from './plugin.js'
import { type CniCall, isObject } from './request.js'

/** Statuses by which the plugin knows what to print and how to end; at any other it says that it is to be tried again. */
const statuses = { done: 200, failed: 422 } as const

/**
 * What the plugin sends.
 *
 * @throws WeirError WEIR_REQUEST_INVALID with each field that isn't right
 */
export function cniCallOf(body: unknown): CniCall {
  const fields = isObject(body) ? body : {}
  const problems: Problem[] = []
  const text = (path: string): string => {
    const given = fields[path]
    if (typeof given === 'string') return given
    problems.push({ path, message: 'not usable', value: JSON.stringify(given) ?? 'absent', expected: 'a text' })
    return ''
  }
  const call: CniCall = {
    command: text('command'),
    containerId: text('containerId'),
    netns: text('netns'),
    ifname: text('ifname'),
    args: text('args'),
    config: text('config'),
  }
  if (problems.length > 0) throw new WeirError('WEIR_REQUEST_INVALID', "the call can't be understood", { problems })
  return call
}

export const cniAnswer = ({ failed, output }: CniAnswer): Answer => ({
  kind: 'text',
  status: failed ? statuses.failed : statuses.done,
  text: output,
})
