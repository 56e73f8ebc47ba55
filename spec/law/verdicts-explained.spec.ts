import { Engine } from '@weir/core'
import type { WeirEvent } from '@weir/core/event/event.js'
import type { SideExplanation } from '@weir/core/explain/explain.js'
import { verdicts } from '@weir/core/tables/tables.js'
import { expect } from 'chai'
import fc from 'fast-check'
import { interestingFlows } from '../oracle/generate/flows.js'
import { histories, numbered } from '../oracle/generate/history.js'
import { sampling } from '../oracle/generate/seed.js'
import { clusterOf, decide, nameOf, type SideDecision } from '../oracle/index.js'
import { text } from './verdicts-against-oracle.js'

const sorted = (names: Iterable<string>): readonly string[] => [...new Set(names)].sort()
const policyOf = ({ policy }: { readonly policy: string }) => policy

/** The event that brought each policy in force, by the name that causes give it. */
function broughtBy(events: readonly WeirEvent[]): ReadonlyMap<string, number> {
  const seqs = new Map<string, number>()
  for (const event of events)
    if (event.kind === 'networkpolicy.upserted') seqs.set(`NetworkPolicy ${nameOf(event.policy)}`, event.seq)
  return seqs
}

function expectSide(said: SideExplanation, meant: SideDecision, seqs: ReadonlyMap<string, number>): void {
  expect(said.verdict === verdicts.allow, 'verdict').equals(meant.allowed)
  if (said.reason === 'not-a-pod') return
  expect(said.enforcedHere, 'enforced here').equals(meant.enforcedHere)
  for (const { policy, seq } of [...said.isolatedBy, ...said.matched.map(({ origin }) => origin)])
    if (seqs.has(policy)) expect(seq, `event of ${policy}`).equals(seqs.get(policy))
  if (meant.exempt === 'itself') expect(said.reason).equals('itself')
  if (meant.exempt !== undefined || meant.builtIn.length > 0) return

  expect(sorted(said.isolatedBy.map(policyOf)), 'isolated by').deep.equals(sorted(meant.isolatedBy.map(policyOf)))
  const allowing = said.matched.filter(({ action }) => action === 'allow').map(({ origin }) => origin.policy)
  expect(sorted(allowing), 'allowed by').deep.equals(sorted(meant.allowedBy.map(policyOf)))
  if (meant.isolatedBy.length === 0) expect(said.reason).equals('not-isolated')
  else if (meant.allowed) {
    expect(said.reason).equals('rule')
    const named = meant.allowedBy.map(({ policy, path }) => `${policy} ${path}`)
    expect(named).includes(`${said.decidedBy?.origin.policy} ${said.decidedBy?.origin.path}`)
  } else {
    expect(said.reason).equals('default-deny')
    expect(meant.isolatedBy.map(policyOf)).includes(said.decidedBy?.origin.policy)
  }
}

describe('law: every verdict names its cause', function () {
  this.timeout(60_000)

  it('with the policies and rules that the oracle names, and the events that brought them', () => {
    fc.assert(
      fc.property(histories(30), fc.nat(1000), (batches, salt) => {
        const events = numbered(batches.flat())
        const engine = new Engine()
        engine.apply(events)
        const cluster = clusterOf(events)
        const seqs = broughtBy(events)
        for (const flow of interestingFlows(cluster, 120, salt)) {
          const said = engine.explain(flow)
          const meant = decide(cluster, flow)
          try {
            expect(said.verdict === verdicts.allow, 'verdict').equals(meant.allowed)
            expectSide(said.egress, meant.egress, seqs)
            expectSide(said.ingress, meant.ingress, seqs)
          } catch (error) {
            throw new Error(`${text(flow)}: ${JSON.stringify({ said, meant })}`, { cause: error })
          }
        }
      }),
      sampling('explained', 150),
    )
  })
})
