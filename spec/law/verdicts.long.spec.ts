import fc from 'fast-check'
import { histories } from '../oracle/generate/history.js'
import { sampling } from '../oracle/generate/seed.js'
import { checkHistory, oneByOne } from './verdicts-against-oracle.js'

describe('law: compiled verdicts are what the policies mean, at length', function () {
  this.timeout(60 * 60_000)

  it('over ten thousand histories', () => {
    const begun = performance.now()
    let cases = 0
    fc.assert(
      fc.property(histories(48), fc.boolean(), fc.nat(100_000), (batches, single, salt) => {
        checkHistory(single ? oneByOne(batches) : batches, { flows: 120, salt })
        if (++cases % 1000 === 0) {
          const rate = Math.round((cases * 1000) / (performance.now() - begun))
          console.log(`      ${cases} cases, ${rate}/s`)
        }
      }),
      sampling('verdicts = oracle', 10_000),
    )
  })
})
