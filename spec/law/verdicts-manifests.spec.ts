import type { EventBody, NetworkPolicyFact } from '@weir/core/event/event.js'
import { parseNetworkPolicy } from '@weir/core/input/network-policy.js'
import { expect } from 'chai'
import fc from 'fast-check'
import { interestingFlows } from '../oracle/generate/flows.js'
import { histories } from '../oracle/generate/history.js'
import { anyRawPolicy } from '../oracle/generate/policies.js'
import { sampling } from '../oracle/generate/seed.js'
import { clusterOf, decide, oracleFromManifest } from '../oracle/index.js'
import { text } from './verdicts-against-oracle.js'

const upserted = (policy: NetworkPolicyFact): EventBody => ({ kind: 'networkpolicy.upserted', policy })

describe('law: a manifest is read as it is meant', function () {
  this.timeout(60_000)

  it('whatever is left out of it', () => {
    fc.assert(
      fc.property(histories(12), fc.array(anyRawPolicy, { minLength: 1, maxLength: 3 }), (batches, raws) => {
        const parsed = raws.map(raw => {
          const result = parseNetworkPolicy(raw)
          if (result._tag === 'Left') throw new Error(`refused: ${JSON.stringify(result.left)}`)
          return result.right
        })
        const read = clusterOf([...batches.flat(), ...parsed.map(upserted)])
        const meant = clusterOf([...batches.flat(), ...raws.map(raw => upserted(oracleFromManifest(raw)))])
        for (const flow of interestingFlows(meant, 150, 0)) {
          const [got, expected] = [decide(read, flow), decide(meant, flow)]
          expect(got, text(flow)).deep.equals(expected)
        }
      }),
      sampling('parse = oracle', 300),
    )
  })
})
