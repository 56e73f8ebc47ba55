import fc from 'fast-check'
import { histories } from '../oracle/generate/history.js'
import { sampling } from '../oracle/generate/seed.js'
import { checkHistory, oneByOne } from './verdicts-against-oracle.js'

describe('law: compiled verdicts are what the policies mean', function () {
  this.timeout(60_000)

  it('after every batch of random histories, and from scratch', () => {
    fc.assert(
      fc.property(histories(30), fc.nat(1000), (batches, salt) => {
        checkHistory(batches, { flows: 120, salt })
      }),
      sampling('verdicts = oracle by batch', 250),
    )
  })

  it('after every single event', () => {
    fc.assert(
      fc.property(histories(24), fc.nat(1000), (batches, salt) => {
        checkHistory(oneByOne(batches), { flows: 100, salt })
      }),
      sampling('verdicts = oracle by event', 120),
    )
  })

  it('to the last flow of small clusters', () => {
    fc.assert(
      fc.property(histories(12), fc.nat(1000), (batches, salt) => {
        checkHistory(batches, { flows: 4000, salt })
      }),
      sampling('verdicts = oracle, every flow', 40),
    )
  })
})
