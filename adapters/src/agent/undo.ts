import { type Engine, verdicts, type WeirEvent } from '@weir/core'
import { objectOf } from '@weir/core/event/object-of.js'
import { judge } from '@weir/core/history/judgement.js'
import { findUndo, type UndoSearch } from '@weir/core/undo/search.js'
import { AskedFlows, type FlowWords } from './asked-flows.js'
import { type FlowOutcome, flowOutcome } from './bisect.js'
import { MemberFinder } from './members.js'

/** Flows of a question whose rules are looked at for what to change; all of them have to be as they are meant to be. */
const lookedAtMost = 6

/**
 * The smallest change of an object in a later state after which flows fare as they did before an event.
 *
 * @param earlier the state just before the event
 * @param later the state to change; it stays as it is
 */
export function undoOf(
  event: WeirEvent,
  earlier: Engine,
  later: Engine,
  { words, meant }: { readonly words: FlowWords; readonly meant: FlowOutcome },
): UndoSearch {
  const object = objectOf(event)
  return findUndo({
    bad: later,
    good: earlier.state,
    flows: otherwise(later, words, meant),
    ...(object !== undefined && { object }),
    isUndone: engine => flowOutcome(engine, words) === meant,
  })
}

/** The flows that aren't as all of them are meant to be; where some were and some not, all. */
function otherwise(engine: Engine, words: FlowWords, meant: FlowOutcome) {
  const { flows } = new AskedFlows([words]).meaningOf(0, engine, new MemberFinder(engine))
  const found = [...flows.values()].flatMap(({ flow: { from, to, protocol, ...followed } }) =>
    judge(engine, { from, to, protocol, ...followed }).flatMap(({ firstPort: port, explanation }) => {
      const isMeant = (explanation.verdict === verdicts.allow ? 'allowed' : 'denied') === meant
      return isMeant ? [] : [{ from, to, protocol, port }]
    }),
  )
  return found.slice(0, lookedAtMost)
}
