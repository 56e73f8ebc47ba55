import fc from 'fast-check'
import { mixedHistories } from '../oracle/generate/mixed.js'
import { sampling } from '../oracle/generate/seed.js'
import { checkHistory, oneByOne } from './verdicts-against-oracle.js'

describe('law: compiled verdicts are what the policies of all dialects mean together', function () {
  this.timeout(120_000)

  it('after every batch of random histories, and from scratch', () => {
    fc.assert(
      fc.property(mixedHistories(30), fc.nat(1000), (batches, salt) => {
        checkHistory(batches, { flows: 120, salt })
      }),
      sampling('all dialects = oracle by batch', 250),
    )
  })

  it('after every single event', () => {
    fc.assert(
      fc.property(mixedHistories(24), fc.nat(1000), (batches, salt) => {
        checkHistory(oneByOne(batches), { flows: 100, salt })
      }),
      sampling('all dialects = oracle by event', 120),
    )
  })

  it('to the last flow of small clusters', () => {
    fc.assert(
      fc.property(mixedHistories(12), fc.nat(1000), (batches, salt) => {
        checkHistory(batches, { flows: 4000, salt })
      }),
      sampling('all dialects = oracle, every flow', 30),
    )
  })
})
