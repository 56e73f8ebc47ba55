import { killRounds } from './crash.js'

describe('a log under many crashes', function () {
  this.timeout(600_000)

  it('loses nothing acknowledged to 100 times kill -9', () => killRounds(100, Math.random))
})
