import type { CiliumPolicyFact } from '@weir/core/event/cilium.js'
import { parseCiliumClusterwideNetworkPolicy, parseCiliumNetworkPolicy } from '@weir/core/input/cilium/policy.js'
import { expect } from 'chai'
import fc from 'fast-check'
import { anyCiliumPolicy } from '../oracle/generate/cilium.js'
import { interestingFlows } from '../oracle/generate/flows.js'
import { mixedHistories } from '../oracle/generate/mixed.js'
import { sampling } from '../oracle/generate/seed.js'
import { ciliumFromManifest, clusterOf, decide, type RawCiliumPolicy, type TimedBody } from '../oracle/index.js'
import { text } from './verdicts-against-oracle.js'

const upserted = (policy: CiliumPolicyFact): TimedBody => ({ kind: 'ciliumpolicy.upserted', policy })

function parsed(raw: RawCiliumPolicy): CiliumPolicyFact {
  const parse = raw.kind === 'CiliumNetworkPolicy' ? parseCiliumNetworkPolicy : parseCiliumClusterwideNetworkPolicy
  const result = parse(raw)
  if (result._tag === 'Left') throw new Error(`refused: ${JSON.stringify(result.left)} in ${JSON.stringify(raw)}`)
  return result.right
}

describe('law: a Cilium manifest is read as it is meant', function () {
  this.timeout(60_000)

  it('whatever is left out of it', () => {
    fc.assert(
      fc.property(mixedHistories(16), fc.array(anyCiliumPolicy, { minLength: 1, maxLength: 3 }), (batches, raws) => {
        const read = clusterOf([...batches.flat(), ...raws.map(raw => upserted(parsed(raw)))])
        const meant = clusterOf([...batches.flat(), ...raws.map(raw => upserted(ciliumFromManifest(raw)))])
        for (const flow of interestingFlows(meant, 150, 0)) {
          const [got, expected] = [decide(read, flow), decide(meant, flow)]
          expect(got, text(flow)).deep.equals(expected)
        }
      }),
      sampling('parse = oracle', 400),
    )
  })
})
