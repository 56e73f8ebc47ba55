import { cgroupRoot } from '@weir/adapters/agent/cgroup-root.js'
import { expect } from 'chai'
import { churn } from './service-churn.js'
import { requireKernel } from './stage.js'

describe('backends that come and go under load (needs root, eBPF and a cgroup 2 hierarchy)', function () {
  this.timeout(120_000)

  it('fail no request, in either family', async function () {
    await requireKernel(this)
    if (cgroupRoot() === undefined) return this.skip()
    const { changes, tally } = await churn(100, 3000)
    expect(tally.failures).deep.equals({})
    expect(Object.keys(tally.answers)).has.length(8)
    expect(Object.values(tally.answers).reduce((sum, count) => sum + count, 0)).greaterThan(100)
    expect(changes).greaterThan(30)
  })
})
