import { killRounds } from './crash.js'

describe('a log under many crashes', function () {
  // It takes minutes, and far longer where others have the processors.
  this.timeout(3_600_000)

  it('loses nothing acknowledged to 100 times kill -9', () => killRounds(100, Math.random))
})
