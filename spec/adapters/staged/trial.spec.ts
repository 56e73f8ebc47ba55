import { StagedTrial } from '@weir/adapters/staged/trial.js'
import type { FlowRecord } from '@weir/adapters/agent/protocol.js'
import { Engine } from '@weir/core'
import { expect } from 'chai'
import { systemClock } from '@weir/adapters/agent/clock.js'

describe('counting what staged policies would change', () => {
  const flow = (port: number, time: number): FlowRecord => ({
    ...{ time, verdict: 'allowed', reason: '', protocol: 'TCP', causes: ['a'], traffic_direction: 'ingress' },
    source: { address: '10.0.0.2', identity: 0, labels: [] },
    destination: { address: '10.0.0.3', port, identity: 0, labels: [] },
    isReply: false,
    staged: { change: 'newly-denied', causes: [`b ${time}`] },
  })

  it('forgets what was not seen for the longest time, and says how many', () => {
    const trial = new StagedTrial(new Engine(), systemClock, 2)
    for (const [port, time] of [
      [80, 1],
      [81, 2],
      [80, 3],
      [82, 4],
    ] as const)
      trial.count(flow(port, time))
    const { changes, forgotten } = trial.view
    expect(forgotten).to.equal(1)
    expect(
      changes.map(({ port, packets, firstMs, lastMs, after }) => [port, packets, firstMs, lastMs, after]),
    ).to.deep.equal([
      [82, 1, 4, 4, ['b 4']],
      [80, 2, 1, 3, ['b 3']],
    ])
  })
})
