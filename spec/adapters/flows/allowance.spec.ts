import { Allowance } from '@weir/adapters/flows/allowance.js'
import { expect } from 'chai'

describe('an allowance', () => {
  const time = { now: 1000 }
  const clock = { nowMs: () => time.now }

  it('lets so many through at once, so many a second afterwards, and saves up no more than at first', () => {
    const allowance = new Allowance(clock, 100, 10)
    expect(allowance.take(25)).to.equal(10)
    expect(allowance.take(25)).to.equal(0)
    time.now += 45
    expect(allowance.take(2)).to.equal(2)
    expect(allowance.take(25), 'what is left over stays').to.equal(2)
    time.now += 5
    expect(allowance.take(25), 'halves add up').to.equal(1)
    time.now += 60_000
    expect(allowance.take(25)).to.equal(10)
  })

  it('saves nothing by a clock that goes back', () => {
    const allowance = new Allowance(clock, 100, 10)
    allowance.take(10)
    time.now -= 5000
    expect(allowance.take(1)).to.equal(0)
    time.now += 10
    expect(allowance.take(5)).to.equal(1)
  })
})
