import type { EventBody } from '@weir/core'
import { compareStates } from '@weir/core/compare/compare.js'
import { expect } from 'chai'
import fc from 'fast-check'
import { anyRawPolicy } from '../../oracle/generate/policies.js'
import type { RawNetworkPolicy } from '../../oracle/manifest.js'
import { parseNetworkPolicy } from '@weir/core/input/network-policy.js'
import { parseCiliumNetworkPolicy } from '@weir/core'
import { asCilium, canBeCilium } from './as-cilium.js'
import { rewritten } from './rewritten.js'
import { eventBodies, histories, numbered } from '../../oracle/generate/history.js'
import { mixedHistories } from '../../oracle/generate/mixed.js'
import { sampling } from '../../oracle/generate/seed.js'
import { asked, flowsOf, Lookup, statesOf, truth } from './brute-force.js'

describe('compare', function () {
  this.timeout(120_000)

  it('says of every flow what asking both states for it says', () => {
    const seen = { 'newly-allowed': 0, 'newly-denied': 0, 'changed-l7': 0, same: 0 }
    fc.assert(
      fc.property(
        histories(30),
        fc.array(eventBodies, { minLength: 1, maxLength: 5 }),
        fc.nat(10_000),
        (batches, more, salt) => {
          const bodies = batches.flat()
          const states = statesOf(numbered(bodies), numbered(more, bodies.length + 1))
          const lookup = new Lookup(states)
          for (const flow of flowsOf(states, 400, salt)) {
            const before = asked(states.before, flow)
            const after = asked(states.after, flow)
            const meant = truth(before, after)
            seen[meant] += 1
            const told = lookup.tells(before, after)
            expect(told, JSON.stringify(flow)).deep.equals(meant === 'same' ? [] : [meant])
          }
        },
      ),
      sampling('compare = asking both', 150),
    )
    expect(seen['newly-allowed'], 'newly allowed flows met').above(0)
    expect(seen['newly-denied'], 'newly denied flows met').above(0)
  })

  it('says so in every dialect too', () => {
    fc.assert(
      fc.property(mixedHistories(30), mixedHistories(6), fc.nat(10_000), (batches, more, salt) => {
        const bodies = batches.flat()
        const states = statesOf(numbered(bodies), numbered(more.flat(), bodies.length + 1))
        const lookup = new Lookup(states)
        for (const flow of flowsOf(states, 400, salt)) {
          const before = asked(states.before, flow)
          const after = asked(states.after, flow)
          const meant = truth(before, after)
          const told = lookup.tells(before, after).filter(change => change !== 'changed-l7')
          expect(told, JSON.stringify(flow)).deep.equals(meant === 'same' ? [] : [meant])
        }
      }),
      sampling('compare = asking both, every dialect', 100),
    )
  })

  it('finds nothing between policies that say the same in other words', () => {
    fc.assert(
      fc.property(histories(20), fc.array(anyRawPolicy, { minLength: 1, maxLength: 4 }), (batches, raws) => {
        const written = (policies: readonly RawNetworkPolicy[]): EventBody[] =>
          policies.map(raw => {
            const parsed = parseNetworkPolicy(raw)
            if (parsed._tag === 'Left') throw new Error(JSON.stringify(parsed.left))
            return { kind: 'networkpolicy.upserted', policy: parsed.right }
          })
        const bodies = [...batches.flat(), ...written(raws)]
        const { before, after } = statesOf(numbered(bodies), numbered(written(raws.map(rewritten)), bodies.length + 1))
        expect(compareStates(before, after)).deep.equals({ changes: [], uncovered: [] })
      }),
      sampling('other words, same flows', 100),
    )
  })

  it('finds nothing between a policy and the one of another dialect that says the same', () => {
    let compared = 0
    fc.assert(
      fc.property(histories(15), fc.array(anyRawPolicy, { minLength: 1, maxLength: 3 }), (batches, raws) => {
        const named = raws
          .filter(canBeCilium)
          .map((raw, at) => ({ ...raw, metadata: { ...raw.metadata, name: `said-twice-${at}` } }))
        if (named.length === 0) return
        compared += 1
        const written = named.map((raw): EventBody => {
          const parsed = parseNetworkPolicy(raw)
          if (parsed._tag === 'Left') throw new Error(JSON.stringify(parsed.left))
          return { kind: 'networkpolicy.upserted', policy: parsed.right }
        })
        const other = named.flatMap((raw): EventBody[] => {
          const parsed = parseCiliumNetworkPolicy(asCilium(raw))
          if (parsed._tag === 'Left') throw new Error(JSON.stringify(parsed.left))
          return [
            { kind: 'networkpolicy.deleted', namespace: parsed.right.namespace, name: parsed.right.name },
            { kind: 'ciliumpolicy.upserted', policy: parsed.right },
          ]
        })
        const bodies = [...batches.flat(), ...written]
        const { before, after } = statesOf(numbered(bodies), numbered(other, bodies.length + 1))
        expect(compareStates(before, after)).deep.equals({ changes: [], uncovered: [] })
      }),
      sampling('another dialect, same flows', 60),
    )
    expect(compared, 'policies that both dialects can say').above(0)
  })

  it('finds nothing between a state and itself, however it was reached', () => {
    fc.assert(
      fc.property(histories(25), batches => {
        const events = numbered(batches.flat())
        const { before, after } = statesOf(events, [])
        expect(compareStates(before, after)).deep.equals({ changes: [], uncovered: [] })
      }),
      sampling('compare(a, a) = nothing', 30),
    )
  })
})
