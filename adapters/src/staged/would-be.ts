import { Engine, type FlowQuery, type SupposedFlow, type Verdict, verdicts } from '@weir/core'
import { explainedCauses } from '../agent/causes.js'

/** What staged policies would make of a flow that is judged otherwise now. */
export interface WouldBe {
  readonly change: 'newly-denied' | 'newly-allowed'
  /** The rules that would decide. */
  readonly causes: readonly string[]
}

/** An engine at the same event that has staged policies in force; undefined where there are none. */
export const enforcingStaged = (engine: Engine): Engine | undefined =>
  engine.state.staged.size === 0
    ? undefined
    : Engine.restore(engine.snapshot(), { numbers: 'fresh', enforceStaged: true })

/** The rules in force and those that would be: whoever is alike to both is alike whatever becomes of the staged ones. */
export const rulesOfBoth = (engine: Engine, staged: Engine | undefined): Pick<Engine, 'state' | 'rules'> =>
  staged === undefined
    ? engine
    : {
        state: engine.state,
        *rules() {
          yield* engine.rules()
          yield* staged.rules()
        },
      }

/** By what this node's tables say now, and would say. */
export function wouldBeHere(engine: Engine, staged: Engine, flow: FlowQuery): WouldBe | undefined {
  return told(staged, flow, engine.verdict(flow), staged.verdict(flow))
}

/** By what the policies of the whole cluster say: `now` is what they say without the staged ones. */
export function wouldBeAnywhere(staged: Engine, flow: SupposedFlow, now: Verdict): WouldBe | undefined {
  return told(staged, flow, now, staged.explain(flow).verdict)
}

function told(staged: Engine, flow: SupposedFlow, now: Verdict, would: Verdict): WouldBe | undefined {
  const [passes, wouldPass] = [now === verdicts.allow, would === verdicts.allow]
  if (passes === wouldPass) return undefined
  return { change: passes ? 'newly-denied' : 'newly-allowed', causes: explainedCauses(staged.explain(flow)) }
}
