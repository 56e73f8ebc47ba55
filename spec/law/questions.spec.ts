import { Engine } from '@weir/core'
import { expect } from 'chai'
import fc from 'fast-check'
import { interestingFlows } from '../oracle/generate/flows.js'
import { type Batches, histories, numberedBatches } from '../oracle/generate/history.js'
import { mixedHistories } from '../oracle/generate/mixed.js'
import { sampling } from '../oracle/generate/seed.js'
import { clusterOf } from '../oracle/index.js'

/** Asks an engine of which nothing else was asked for, batch by batch, and holds it against one that settles all. */
function checkQuestions(given: Batches, cut: number, salt: number): void {
  const batches = numberedBatches(given)
  const before = batches.slice(0, cut % (batches.length + 1))
  const whole = new Engine()
  for (const batch of before) whole.apply(batch)
  const asked = Engine.restore(whole.snapshot(), { numbers: 'fresh' })
  let seen = before.flat()
  for (const batch of [[], ...batches.slice(before.length)]) {
    whole.apply(batch)
    asked.fold(batch)
    seen = [...seen, ...batch]
    for (const flow of interestingFlows(clusterOf(seen), 6, salt + seen.length))
      expect(asked.explain(flow), JSON.stringify(flow)).deep.equals(whole.explain(flow))
    expect([...asked.rules()]).has.deep.members([...whole.rules()])
  }
  expect(asked.digest()).deep.equals(whole.digest())
}

describe('law: a question is answered alike, whatever of the state was asked for', function () {
  this.timeout(60_000)

  it('by an engine that knows only whom it was asked about', () => {
    fc.assert(fc.property(histories(30), fc.nat(), fc.nat(1000), checkQuestions), sampling('questions', 150))
  })

  it('in clusters that speak every dialect', () => {
    fc.assert(
      fc.property(mixedHistories(30), fc.nat(), fc.nat(1000), checkQuestions),
      sampling('questions, all dialects', 150),
    )
  })
})
