import { counted } from '@weir/core/counted.js'
import type { Suggestion } from '../../suggest/suggest.js'
import type { Colour } from '../terminal.js'
import { pastLines } from './past-changes.js'

/** The policy as YAML, and behind it as comments what it would come to: all of it can go into a file. */
export function suggestionLines(suggestion: Suggestion, colour: Colour): readonly string[] {
  const { workload, policy, flows, disputed, judgement, closing, notes } = suggestion
  const { closed, wholly, opened } = closing
  const cut = judgement.changes.filter(({ change }) => change === 'newly-denied')
  const said = [
    `made of ${counted(flows, `recorded flow of ${workload} that was`, `recorded flows of ${workload} that were`)} allowed`,
    ...(disputed === 0 ? [] : [`${disputed} more were as a change took effect, and are left out`]),
    ...notes,
    ...(cut.length === 0 ? [] : ['it would cut recorded flows:']),
    ...pastLines(judgement, colour).filter(line => line !== ''),
    `now it would close ${counted(closed, 'pair that is', 'pairs that are')} open, ${wholly} of them altogether; and open ${opened}`,
  ]
  return [...policy.trimEnd().split('\n'), ...said.map(line => colour.dim(`# ${line}`))]
}
