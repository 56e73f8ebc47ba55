import { expect } from 'chai'
import fc from 'fast-check'
import { mixedHistories } from '../oracle/generate/mixed.js'
import { checkHistory, oneByOne } from './verdicts-against-oracle.js'

const { WEIR_STATES, WEIR_SEED } = process.env

/** How many states of clusters are asked about, `WEIR_STATES` or this many. */
const wantedStates = Number(WEIR_STATES ?? 50_000)

/** Histories from one seed; the next seed's follow, so that a failure names a short run. */
const historiesPerSeed = 100

describe('law: compiled verdicts are what the policies of all dialects mean together, at length', function () {
  this.timeout(3 * 60 * 60_000)

  it(`over ${wantedStates} states of clusters, one after each event`, () => {
    const begun = performance.now()
    const firstSeed = WEIR_SEED === undefined ? Date.now() | 0 : Number(WEIR_SEED)
    let states = 0
    for (let seed = firstSeed; states < wantedStates; seed++) {
      fc.assert(
        fc.property(mixedHistories(48), fc.nat(100_000), (batches, salt) => {
          states += checkHistory(oneByOne(batches), { flows: 60, salt })
        }),
        { seed, numRuns: historiesPerSeed },
      )
      const seconds = (performance.now() - begun) / 1000
      console.log(`      ${states} states, ${Math.round(states / seconds)}/s, WEIR_SEED=${seed} done`)
    }
    expect(states).least(wantedStates)
  })
})
