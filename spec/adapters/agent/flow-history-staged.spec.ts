import { type FlowChange, flowHistory } from '@weir/adapters/agent/flow-history.js'
import { type NetworkPolicyFact, WeirError, type WeirEvent } from '@weir/core'
import { unstaged } from '@weir/core/state/staged.js'
import { expect } from 'chai'
import fc from 'fast-check'
import { numbered } from '../../oracle/generate/history.js'
import { mixedHistories } from '../../oracle/generate/mixed.js'
import { sampling } from '../../oracle/generate/seed.js'
import { listedLog } from '../incident/listed-log.js'
import { allow, pod, smallShop } from './cluster.js'

/** Every other policy that comes is staged. */
const staging = (event: WeirEvent): WeirEvent => {
  switch (event.kind) {
    case 'networkpolicy.upserted':
    case 'ciliumpolicy.upserted':
    case 'clusterpolicy.upserted':
      return event.seq % 2 === 0 ? ({ ...event, policy: { ...event.policy, staged: true } } as WeirEvent) : event
    default:
      return event
  }
}

async function told(events: readonly WeirEvent[], from: string, isStaged: boolean, first = 1) {
  const changes: FlowChange[] = []
  try {
    const words = { from, to: 'default/b:80' }
    for await (const change of flowHistory(listedLog(events), [words], { isStaged, from: first })) changes.push(change)
  } catch (error) {
    if (!(error instanceof WeirError)) throw error
  }
  return changes
}

describe('the history of a flow as if staged policies were in force', function () {
  this.timeout(120_000)

  it('is that of a log in which nothing is staged, from wherever it is told', async () => {
    await fc.assert(
      fc.asyncProperty(mixedHistories(40), fc.nat(20), async (batches, at) => {
        const events = numbered(batches.flat()).map(staging)
        const first = 1 + Math.min(at, Math.max(0, events.length - 1))
        expect(await told(events, 'default/a', true, first)).deep.equals(
          await told(events.map(unstaged), 'default/a', false, first),
        )
      }),
      sampling('staged histories', 60),
    )
  })

  it('tells of verdicts that are not in force', async () => {
    const staged: NetworkPolicyFact = { ...allow('cart', 'cart', 'nobody', 8080), staged: true }
    const events = numbered([
      ...smallShop.slice(0, 2),
      ...[pod('web', '10.0.0.2'), pod('cart', '10.0.0.3')].map(fact => ({ kind: 'pod.upserted' as const, pod: fact })),
      { kind: 'networkpolicy.upserted', policy: staged },
    ])
    const words = [{ from: 'shop/web', to: 'shop/cart:8080' }]
    const states: readonly string[][] = [[], []]
    for (const isStaged of [false, true])
      for await (const { seq, flows } of flowHistory(listedLog(events), words, { isStaged }))
        states[Number(isStaged)]!.push(`${seq} ${flows[0]!.after.state}`)
    expect(states).deep.equals([['4 allowed'], ['4 allowed', '5 denied']])
  })
})
