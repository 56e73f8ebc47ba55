import type { ClusterPolicyFact } from '@weir/core/event/cluster-policy.js'
import {
  parseAdminNetworkPolicy,
  parseBaselineAdminNetworkPolicy,
  parseClusterNetworkPolicy,
} from '@weir/core/input/cluster-policy/policy.js'
import { expect } from 'chai'
import fc from 'fast-check'
import { manifestOf, writable } from '../oracle/generate/cluster-manifests.js'
import { anyClusterPolicy } from '../oracle/generate/cluster-policies.js'
import { interestingFlows } from '../oracle/generate/flows.js'
import { mixedHistories } from '../oracle/generate/mixed.js'
import { sampling } from '../oracle/generate/seed.js'
import { clusterOf, decide, type TimedBody } from '../oracle/index.js'
import { text } from './verdicts-against-oracle.js'

const upserted = (policy: ClusterPolicyFact): TimedBody => ({ kind: 'clusterpolicy.upserted', policy })

const readers = {
  ClusterNetworkPolicy: parseClusterNetworkPolicy,
  AdminNetworkPolicy: parseAdminNetworkPolicy,
  BaselineAdminNetworkPolicy: parseBaselineAdminNetworkPolicy,
}

function parsed(policy: ClusterPolicyFact): ClusterPolicyFact {
  const manifest = manifestOf(policy)
  const result = readers[policy.kind](manifest)
  if (result._tag === 'Left') throw new Error(`refused: ${JSON.stringify(result.left)} in ${JSON.stringify(manifest)}`)
  return result.right
}

describe('law: a manifest of a cluster policy is read as it is meant', function () {
  this.timeout(60_000)

  it('in both generations of the API', () => {
    const policies = fc.array(anyClusterPolicy.map(writable), { minLength: 1, maxLength: 3 })
    fc.assert(
      fc.property(mixedHistories(16), policies, (batches, written) => {
        const read = clusterOf([...batches.flat(), ...written.map(policy => upserted(parsed(policy)))])
        const meant = clusterOf([...batches.flat(), ...written.map(upserted)])
        for (const flow of interestingFlows(meant, 150, 0)) {
          const [got, expected] = [decide(read, flow), decide(meant, flow)]
          expect(got, text(flow)).deep.equals(expected)
        }
      }),
      sampling('parse of cluster policies = oracle', 300),
    )
  })
})
