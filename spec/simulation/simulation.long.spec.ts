import { sampling } from '../oracle/generate/seed.js'
import { findingText, search } from './search.js'

const { WEIR_SIMULATION_MINUTES = '60' } = process.env
const minutes = Number(WEIR_SIMULATION_MINUTES)

describe('a whole agent, simulated for long', function () {
  this.timeout((minutes + 10) * 60_000)

  it(`keeps the laws for ${minutes} minutes of seeds (WEIR_SIMULATION_MINUTES)`, async () => {
    const { seed = 1 } = sampling('simulated lives', 1)
    const start = performance.now()
    const { finding, seeds } = await search(seed >>> 0, () => performance.now() - start < minutes * 60_000)
    console.log(`      ${seeds} seeds, ${(seeds / ((performance.now() - start) / 1000)).toFixed(1)} a second`)
    if (finding !== undefined) throw new Error(findingText(finding))
  })
})
