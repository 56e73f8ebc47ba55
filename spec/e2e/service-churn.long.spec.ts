import { cgroupRoot } from '@weir/adapters/agent/cgroup-root.js'
import { expect } from 'chai'
import { churn } from './service-churn.js'
import { requireKernel } from './stage.js'

/** A machine that is busy with other things doesn't come to a hundred a second; it must not fail requests all the same. */
const changesLeast = 600

describe('a hundred changes of backends a second for a minute, with 64 clients (needs root, eBPF and cgroup 2)', function () {
  this.timeout(240_000)

  it('fail no request', async function () {
    await requireKernel(this)
    if (cgroupRoot() === undefined) return this.skip()
    const { changes, durationMs, cpuMs, tally } = await churn(100, 60_000)
    const requests = Object.values(tally.answers).reduce((sum, count) => sum + count, 0)
    const rate = (count: number): string => `${count} (${((count * 1000) / durationMs).toFixed(0)}/s)`
    console.log(
      `      ${rate(changes)} changes of ${(cpuMs / changes).toFixed(1)} ms CPU, ${rate(requests)} requests, p50 ${tally.p50Ms.toFixed(1)} ms, ` +
        `p99 ${tally.p99Ms.toFixed(1)} ms, failures ${JSON.stringify(tally.failures)}`,
    )
    expect(tally.failures).deep.equals({})
    expect(changes).greaterThan(changesLeast)
  })
})
