import type { FlowWords } from '../agent/asked-flows.js'
import { parseTarget } from '../agent/target.js'
import { invalid } from './states.js'

/**
 * Flows by lines of JSON, `{"from":"shop/web-0","to":"shop/db:5432"}`; empty lines are passed over.
 *
 * @param file what the text is of, for errors
 * @throws WeirError WEIR_REQUEST_INVALID with the line that can't be read
 */
export function readFlowWords(file: string, text: string): readonly FlowWords[] {
  const flows = text.split('\n').flatMap((line, at): FlowWords[] => {
    if (line.trim() === '') return []
    const words = flowOf(line)
    if (words === undefined) throw invalid(`${file}:${at + 1}`, 'the line names no flow', '{"from":"…","to":"…"}')
    parseTarget(words.to)
    return [words]
  })
  if (flows.length === 0) throw invalid(file, 'there is no flow in it', 'a line {"from":"…","to":"…"} or more')
  return flows
}

function flowOf(line: string): FlowWords | undefined {
  try {
    const { from, to } = (JSON.parse(line) ?? {}) as { readonly from?: unknown; readonly to?: unknown }
    return typeof from === 'string' && typeof to === 'string' ? { from, to } : undefined
  } catch {
    return undefined
  }
}
