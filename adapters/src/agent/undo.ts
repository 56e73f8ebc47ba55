import { type Engine, type ObjectKey, objectKey, verdicts, type WeirEvent } from '@weir/core'
import { objectOf } from '@weir/core/event/object-of.js'
import { judge } from '@weir/core/history/judgement.js'
import { findUndo, type UndoSearch } from '@weir/core/undo/search.js'
import { AskedFlows, type FlowWords } from './asked-flows.js'
import { type FlowOutcome, flowOutcome } from './bisect.js'
import { endpointsFollowing } from './endpoints-following.js'
import { MemberFinder } from './members.js'
import { flowsToBackends } from './service-flow.js'

/** Flows of a question whose rules are looked at for what to change; all of them have to be as they are meant to be. */
const lookedAtMost = 6

/**
 * The smallest change of an object in a later state after which flows fare as they did before an event.
 *
 * @param earlier a state in which they did, before the event
 * @param later the state to change; it stays as it is
 */
export function undoOf(
  event: WeirEvent,
  earlier: Engine,
  later: Engine,
  { words, meant }: { readonly words: FlowWords; readonly meant: FlowOutcome },
): UndoSearch {
  return findUndo({
    bad: later,
    good: earlier.state,
    flows: otherwise(later, words, meant),
    objects: blamed(event, earlier, later),
    follow: endpointsFollowing,
    isUndone: engine => flowOutcome(engine, words) === meant,
  })
}

/** The object that an event is about; of a service's endpoints that are made from pods the service, and the pods' own. */
function blamed(event: WeirEvent, earlier: Engine, later: Engine): readonly ObjectKey[] {
  const object = objectOf(event)
  if (object === undefined || object.kind !== 'EndpointSlice') return object === undefined ? [] : [object]
  const { namespace, name } = object
  const states = [earlier.state, later.state]
  const slice = states.map(({ endpointSlices }) => endpointSlices.get(objectKey(namespace, name))?.fact).find(Boolean)
  if (slice === undefined) return [object]
  const service = { kind: 'Service', namespace, name: slice.service }
  const isMade = states.some(({ services }) => {
    const { selector = {} } = services.get(objectKey(namespace, slice.service))?.fact ?? {}
    return Object.keys(selector).length > 0
  })
  if (!isMade) return [object]
  const pods = slice.endpoints.flatMap(({ pod }) => (pod === undefined ? [] : [{ kind: 'Pod', namespace, name: pod }]))
  return [service, ...pods.slice(0, podsMost)]
}

/** Pods behind a service that are looked at. */
const podsMost = 20

/** The flows that aren't as all of them are meant to be; where some were and some not, all. */
function otherwise(engine: Engine, words: FlowWords, meant: FlowOutcome) {
  if (words.isService === true)
    return flowsToBackends(engine, words, meant === 'allowed' ? 'denied' : 'allowed').slice(0, lookedAtMost)
  const { flows } = new AskedFlows([words]).meaningOf(0, engine, new MemberFinder(engine))
  const found = [...flows.values()].flatMap(({ flow: { from, to, protocol, ...followed } }) =>
    judge(engine, { from, to, protocol, ...followed }).flatMap(({ firstPort: port, explanation }) => {
      const isMeant = (explanation.verdict === verdicts.allow ? 'allowed' : 'denied') === meant
      return isMeant ? [] : [{ from, to, protocol, port }]
    }),
  )
  return found.slice(0, lookedAtMost)
}
