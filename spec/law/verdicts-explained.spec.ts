import { Engine } from '@weir/core'
import type { WeirEvent } from '@weir/core/event/event.js'
import type { SideExplanation } from '@weir/core/explain/explain.js'
import { verdicts } from '@weir/core/tables/tables.js'
import { expect } from 'chai'
import fc from 'fast-check'
import { interestingFlows } from '../oracle/generate/flows.js'
import { type Batches, configured, histories, numbered } from '../oracle/generate/history.js'
import { mixedHistories } from '../oracle/generate/mixed.js'
import { sampling } from '../oracle/generate/seed.js'
import { type Cause, clusterOf, decide, nameOf, type SideDecision } from '../oracle/index.js'
import { pod } from '../oracle/stage.js'
import { text } from './verdicts-against-oracle.js'

const sorted = (names: Iterable<string>): readonly string[] => [...new Set(names)].sort()
const policyOf = ({ policy }: { readonly policy: string }) => policy

/** The event that brought each policy in force, by the name that causes give it. */
function broughtBy(events: readonly WeirEvent[]): ReadonlyMap<string, number> {
  const seqs = new Map<string, number>()
  for (const event of events) {
    if (event.kind === 'networkpolicy.upserted') seqs.set(`NetworkPolicy ${nameOf(event.policy)}`, event.seq)
    if (event.kind === 'clusterpolicy.upserted') seqs.set(`${event.policy.kind} ${event.policy.name}`, event.seq)
    if (event.kind === 'ciliumpolicy.upserted') {
      const { kind, namespace, name } = event.policy
      seqs.set(namespace === '' ? `${kind} ${name}` : `${kind} ${nameOf(event.policy)}`, event.seq)
    }
  }
  return seqs
}

const isBuiltIn = ({ policy }: { readonly policy: string }) => policy.startsWith('built-in')

/** A cause is the oracle's when it names the same rule, or a part of it; of built-in rules the words are free. */
const isSameCause = (said: Cause, meant: Cause): boolean =>
  isBuiltIn(said) ? isBuiltIn(meant) : said.policy === meant.policy && said.path.startsWith(meant.path)

function expectSide(said: SideExplanation, meant: SideDecision, seqs: ReadonlyMap<string, number>): void {
  expect(said.verdict, 'verdict').equals(verdicts[meant.verdict])
  // The oracle asks every node's policies, the engine those of nodes that have some.
  if (said.reason === 'not-a-pod') return
  expect(said.enforcedHere, 'enforced here').equals(meant.enforcedHere)
  for (const { policy, seq } of [...said.isolatedBy, ...said.matched.map(({ origin }) => origin)])
    if (seqs.has(policy)) expect(seq, `event of ${policy}`).equals(seqs.get(policy))
  if (meant.exempt === 'itself') expect(said.reason).equals('itself')
  if (meant.exempt !== undefined) return

  expect(sorted(said.isolatedBy.map(policyOf)), 'isolated by').deep.equals(sorted(meant.isolatedBy.map(policyOf)))
  const namespaced = /^(NetworkPolicy|Cilium)/
  const allowing = said.matched
    .filter(({ action, origin }) => action === 'allow' && namespaced.test(origin.policy))
    .map(({ origin }) => origin.policy)
  expect(sorted(allowing), 'allowed by').deep.equals(sorted([...meant.allowedBy, ...meant.proxiedBy].map(policyOf)))
  expectReason(said, meant)
}

function expectReason(said: SideExplanation, meant: SideDecision): void {
  if (meant.decidedBy.length === 0) {
    expect(said.reason).equals('not-isolated')
    return
  }
  const by = said.decidedBy?.origin
  if (by === undefined) throw new Error(`decided by nothing, not by ${JSON.stringify(meant.decidedBy)}`)
  if (meant.verdict === 'deny') {
    expect(said.reason).equals('default-deny')
    expect(meant.isolatedBy.map(policyOf)).includes(by.policy)
  } else if (!meant.decidedBy.some(cause => isSameCause(by, cause)))
    throw new Error(`decided by ${by.policy} ${by.path}, not by ${JSON.stringify(meant.decidedBy)}`)
}

function checkExplanations(batches: Batches, salt: number): void {
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
}

describe('law: every verdict names its cause', function () {
  this.timeout(60_000)

  it('with the policies and rules that the oracle names, and the events that brought them', () => {
    fc.assert(fc.property(histories(30), fc.nat(1000), checkExplanations), sampling('explained', 150))
  })

  it('in clusters that speak every dialect', () => {
    fc.assert(
      fc.property(mixedHistories(30), fc.nat(1000), checkExplanations),
      sampling('explained, all dialects', 150),
    )
  })

  it('explains what a name decides for a pod of another node', () => {
    const engine = new Engine()
    engine.apply(
      numbered([
        configured,
        { kind: 'dns.answered', answer: { name: 'example.com', addresses: ['203.0.113.7'], ttlSeconds: 60 } },
        { kind: 'pod.upserted', pod: { ...pod('c', ['10.0.1.3']), node: 'there' } },
        {
          kind: 'clusterpolicy.upserted',
          policy: {
            kind: 'ClusterNetworkPolicy',
            name: 'p',
            tier: 'admin',
            priority: 0,
            subject: { kind: 'namespaces', selector: [] },
            ingress: [],
            egress: [
              { action: 'accept', peers: [{ kind: 'domainNames', names: ['example.com'] }], path: 'spec.egress[0]' },
            ],
          },
        },
      ]),
    )
    const { egress } = engine.explain({ from: '10.0.1.3', to: '203.0.113.7', protocol: 6, port: 80 })
    expect(egress.decidedBy?.origin.policy).equals('ClusterNetworkPolicy p')
  })

  it('takes a pod that nobody has told of for one of the cluster', () => {
    const engine = new Engine()
    engine.apply(
      numbered([
        configured,
        { kind: 'pod.upserted', pod: pod('a', ['10.0.1.1']) },
        { kind: 'pod.upserted', pod: { ...pod('b', ['10.0.1.2']), init: true } },
        {
          kind: 'ciliumpolicy.upserted',
          policy: {
            kind: 'CiliumNetworkPolicy',
            namespace: 'default',
            name: 'p',
            rules: [
              {
                path: 'spec',
                subject: { kind: 'endpoints', selector: [] },
                enableDefaultDeny: {},
                ingressDeny: [{ path: 'spec.ingressDeny[0]', peers: { kind: 'entities', entities: ['cluster'] } }],
              },
            ],
          },
        },
      ]),
    )
    const { ingress } = engine.explain({ from: '10.0.1.2', to: '10.0.1.1', protocol: 6, port: 80 })
    expect(ingress.decidedBy?.origin.path).equals('spec.ingressDeny[0]')
  })
})
