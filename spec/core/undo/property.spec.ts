import { Engine, type Explanation, type FlowQuery, verdicts } from '@weir/core'
import { objectOf } from '@weir/core/event/object-of.js'
import { findUndo } from '@weir/core/undo/search.js'
import { expect } from 'chai'
import fc from 'fast-check'
import { clusterOf, type TimedBody } from '../../oracle/cluster.js'
import { decide } from '../../oracle/decide.js'
import { interestingFlows } from '../../oracle/generate/flows.js'
import { configured, eventBodies, numbered } from '../../oracle/generate/history.js'
import { mixedBodies } from '../../oracle/generate/mixed.js'
import { sampling } from '../../oracle/generate/seed.js'

const flowsMost = 300
const isAllowed = ({ verdict }: Explanation): boolean => verdict === verdicts.allow

function engineOf(bodies: readonly TimedBody[]): Engine {
  const engine = new Engine()
  engine.apply(numbered(bodies))
  return engine
}

/** A flow that a last event has judged otherwise. */
function brokenBy(bodies: readonly TimedBody[], good: Engine, bad: Engine): FlowQuery | undefined {
  for (const { from, to, protocol, port } of interestingFlows(clusterOf(bodies), flowsMost, 7)) {
    const flow = { from, to, protocol, port }
    if (isAllowed(good.explain(flow)) !== isAllowed(bad.explain(flow))) return flow
  }
  return undefined
}

describe('what undoes a change', function () {
  this.timeout(120_000)

  it('does, when it is said as an event, by the engine and by the oracle', () => {
    const tally = { broken: 0, undone: 0, whole: 0 }
    const drawn = fc.tuple(fc.array(fc.oneof(eventBodies, mixedBodies), { minLength: 6, maxLength: 40 }))
    fc.assert(
      fc.property(drawn, ([drawnBodies]) => {
        const bodies = [configured, ...drawnBodies]
        const [good, bad] = [engineOf(bodies.slice(0, -1)), engineOf(bodies)]
        const flow = brokenBy(bodies, good, bad)
        if (flow === undefined) return
        tally.broken += 1
        const meant = isAllowed(good.explain(flow))
        const before = bad.digest()
        const object = objectOf(bodies.at(-1)!)
        const { undo, tried, undoing } = findUndo({
          ...{ bad, good: good.state, flows: [flow] },
          objects: object === undefined ? [] : [object],
          isUndone: engine => isAllowed(engine.explain(flow)) === meant,
        })
        expect(bad.digest(), 'the bad state stays').to.deep.equal(before)
        expect(undoing).to.be.at.most(tried)
        if (undo === undefined) return
        tally.undone += 1
        if (undo.others.length === 0) tally.whole += 1
        const after = [...bodies, undo.body]
        expect(isAllowed(engineOf(after).explain(flow)), undo.change).to.equal(meant)
        expect(decide(clusterOf(after), flow).allowed, undo.change).to.equal(meant)
      }),
      sampling('undone changes', 120),
    )
    console.log(`      ${tally.broken} broken, ${tally.undone} undone, ${tally.whole} of them with no other flow`)
    expect(tally.undone).to.be.greaterThan(tally.broken / 2)
  })
})
