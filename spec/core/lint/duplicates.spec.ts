import { Engine } from '@weir/core'
import { readingOf } from '@weir/core/compare/ends.js'
import type { CiliumDirectionRule } from '@weir/core/event/cilium.js'
import type { EventBody } from '@weir/core/event/event.js'
import { parseNetworkPolicy } from '@weir/core/input/network-policy.js'
import { LintCluster } from '@weir/core/lint/cluster.js'
import { duplicatePolicies } from '@weir/core/lint/duplicates.js'
import { regionsOf } from '@weir/core/lint/flow-region.js'
import { expect } from 'chai'
import fc from 'fast-check'
import { interestingFlows } from '../../oracle/generate/flows.js'
import { histories, numbered } from '../../oracle/generate/history.js'
import { anyRawPolicy } from '../../oracle/generate/policies.js'
import { sampling } from '../../oracle/generate/seed.js'
import { clusterOf, decide, type OracleCluster, type OracleFlow } from '../../oracle/index.js'
import type { RawNetworkPolicy } from '../../oracle/manifest.js'
import { rewritten } from '../compare/rewritten.js'
import { understood } from '../input/read.js'
import { everyFlow, setting, smallPolicies } from './small-world.js'
import { titleOf } from './without-rule.js'

function clusterWith(bodies: readonly EventBody[]): LintCluster {
  const engine = new Engine()
  engine.apply(numbered(bodies))
  return new LintCluster(readingOf(engine))
}

const upserted = (raw: RawNetworkPolicy, name: string): EventBody => ({
  kind: 'networkpolicy.upserted',
  policy: understood(parseNetworkPolicy({ ...raw, metadata: { ...raw.metadata, name } })),
})

const withoutPolicy = (cluster: OracleCluster, policy: string): OracleCluster => ({
  ...cluster,
  policies: cluster.policies.filter(fact => titleOf('NetworkPolicy', fact) !== policy),
  ciliumPolicies: (cluster.ciliumPolicies ?? []).filter(fact => titleOf(fact.kind, fact) !== policy),
  clusterPolicies: (cluster.clusterPolicies ?? []).filter(fact => titleOf(fact.kind, fact) !== policy),
})

function verdictsOf(cluster: OracleCluster, flow: OracleFlow): string {
  const { egress, ingress } = decide(cluster, flow)
  return `${egress.verdict} ${ingress.verdict}`
}

describe('lint: policies that say the same', function () {
  this.timeout(120_000)

  it('are found in other words, and one of them can be taken away', () => {
    let met = 0
    fc.assert(
      fc.property(histories(20), anyRawPolicy, fc.nat(1000), (batches, raw, salt) => {
        const bodies = [...batches.flat(), upserted(raw, 'first'), upserted(rewritten(raw), 'second')]
        const cluster = clusterWith(bodies)
        const [first, second] = ['first', 'second'].map(name =>
          titleOf('NetworkPolicy', { namespace: raw.metadata.namespace ?? 'default', name }),
        ) as [string, string]
        const own = cluster.reading.book.rules.filter(({ rule }) => rule.origin.policy === first)
        const found = [...duplicatePolicies(cluster)].map(({ policy }) => policy)
        // Whose selectors exclude themselves say nothing to anybody, and are told so.
        const isMute = own.every(each => regionsOf(each).length === 0)
        expect(
          found.some(policy => policy === first || policy === second),
          'is found',
        ).equals(!isMute)
        if (isMute) return
        met += 1
        const state = clusterOf(bodies)
        for (const flow of interestingFlows(state, 100, salt))
          expect(verdictsOf(withoutPolicy(state, second), flow), JSON.stringify(flow)).equals(verdictsOf(state, flow))
      }),
      sampling('the same in other words', 60),
    )
    expect(met, 'policies met').above(0)
  })

  it('are found in every dialect, and one of them can be taken away', () => {
    const met = { NetworkPolicy: 0, CiliumNetworkPolicy: 0, ClusterNetworkPolicy: 0 }
    const flows = [...everyFlow('ingress').slice(0, 250), ...everyFlow('egress').slice(0, 250)]
    fc.assert(
      fc.property(smallPolicies, policies => {
        const bodies = [...setting, ...policies, twinOf(policies.at(-1)!)]
        const cluster = clusterWith(bodies)
        const state = clusterOf(bodies)
        const found = [...duplicatePolicies(cluster)].map(({ policy }) => policy)
        const title = cluster.policies.find(({ fact }) => fact.name.endsWith(twinEnd))!.title
        const isMute = cluster.reading.book.rules
          .filter(({ rule }) => rule.origin.policy === title)
          .every(each => regionsOf(each).length === 0)
        expect(found.includes(title) || found.includes(title.slice(0, -twinEnd.length)), title).equals(!isMute)
        for (const policy of found) {
          for (const kind of Object.keys(met) as (keyof typeof met)[]) if (policy.startsWith(kind)) met[kind] += 1
          const without = withoutPolicy(state, policy)
          for (const flow of flows)
            expect(verdictsOf(without, flow), `${policy}: ${JSON.stringify(flow)}`).equals(verdictsOf(state, flow))
        }
      }),
      sampling('one of two that say the same is moot', 120),
    )
    for (const [kind, count] of Object.entries(met)) expect(count, kind).above(0)
  })
})

const twinEnd = '-twin'

/** A policy that says the same under another name; where order means nothing, the other way round. */
function twinOf(body: EventBody): EventBody {
  const named = <Fact extends { readonly name: string }>(fact: Fact): Fact => ({ ...fact, name: fact.name + twinEnd })
  switch (body.kind) {
    case 'networkpolicy.upserted': {
      const { ingress, egress } = body.policy
      return { ...body, policy: { ...named(body.policy), ingress: ingress.toReversed(), egress: egress.toReversed() } }
    }
    case 'ciliumpolicy.upserted': {
      const turned = (entries: readonly CiliumDirectionRule[]) =>
        entries.toReversed().map((entry, at) => ({ ...entry, path: entry.path.replace(/\d+(?=\]$)/, `${at}`) }))
      const rules = body.policy.rules.map(rule => ({
        ...rule,
        ...(rule.ingress && { ingress: turned(rule.ingress) }),
        ...(rule.egressDeny && { egressDeny: turned(rule.egressDeny) }),
      }))
      return { ...body, policy: { ...named(body.policy), rules } }
    }
    case 'clusterpolicy.upserted':
      return { ...body, policy: named(body.policy) }
    default:
      throw new Error(`no policy: ${body.kind}`)
  }
}
