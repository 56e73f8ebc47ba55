import { Engine } from '@weir/core'
import { readingOf } from '@weir/core/compare/ends.js'
import type { ClusterPolicyRule } from '@weir/core/event/cluster-policy.js'
import type { EventBody } from '@weir/core/event/event.js'
import { unreachableRules } from '@weir/core/lint/reach.js'
import type { Direction } from '@weir/core/policy/rule.js'
import { isIsolation } from '@weir/core/verdict/evaluate.js'
import { expect } from 'chai'
import fc from 'fast-check'
import { interestingFlows } from '../../oracle/generate/flows.js'
import { numbered } from '../../oracle/generate/history.js'
import { mixedHistories } from '../../oracle/generate/mixed.js'
import { sampling } from '../../oracle/generate/seed.js'
import { type Cause, clusterOf, decide, type OracleCluster, type OracleFlow } from '../../oracle/index.js'
import { everyFlow, setting, smallPolicies } from './small-world.js'
import { onlyPolicy, type RuleName, titleOf, withoutRule } from './without-rule.js'

const rulesOf = (bodies: readonly EventBody[]) => {
  const engine = new Engine()
  engine.apply(numbered(bodies))
  return readingOf(engine).book.rules
}

const http = { protocol: 6, first: 80, last: 80 }

const nameOf = ({ policy, path }: RuleName): string => `${policy} ${path}`

/** What both ends say of a flow. */
function verdictsOf(cluster: OracleCluster, flow: OracleFlow): string {
  const { egress, ingress } = decide(cluster, flow)
  return `${egress.verdict} ${ingress.verdict}`
}

/** The policies of one cluster among the pods, nodes, namespaces and answers of another. */
const moved = (policies: OracleCluster, elsewhere: OracleCluster): OracleCluster => ({
  ...elsewhere,
  policies: policies.policies,
  ciliumPolicies: policies.ciliumPolicies ?? [],
  clusterPolicies: policies.clusterPolicies ?? [],
})

/** Its denial leaves nothing of its allowance for HTTP, and some of the other. */
const deniedAndAllowed: EventBody = {
  kind: 'ciliumpolicy.upserted',
  policy: {
    kind: 'CiliumNetworkPolicy',
    namespace: 'a',
    name: 'p',
    rules: [
      {
        path: 'spec',
        subject: { kind: 'endpoints', selector: [] },
        enableDefaultDeny: {},
        ingressDeny: [{ path: 'spec.ingressDeny[0]', ports: [{ ranges: [http], named: [], serverNames: [] }] }],
        ingress: [
          { path: 'spec.ingress[0]', ports: [{ ranges: [http], named: [], serverNames: [] }] },
          { path: 'spec.ingress[1]', peers: { kind: 'entities', entities: ['world'] } },
        ],
      },
    ],
  },
}

describe('lint: rules that no flow reaches', function () {
  this.timeout(240_000)

  it('can be taken away without a change of any verdict, in this cluster and in others', () => {
    let tried = 0
    fc.assert(
      fc.property(mixedHistories(40), mixedHistories(30), fc.nat(1000), (batches, later, salt) => {
        const bodies = batches.flat()
        const cluster = clusterOf(bodies)
        const found = [...unreachableRules(rulesOf(bodies)).keys()].slice(0, 3)
        for (const { rule } of found) {
          tried += 1
          for (const state of [cluster, moved(cluster, clusterOf(later.flat()))]) {
            const without = withoutRule(state, rule.origin)
            for (const flow of interestingFlows(state, 150, salt))
              expect(verdictsOf(without, flow), `${nameOf(rule.origin)}: ${JSON.stringify(flow)}`).equals(
                verdictsOf(state, flow),
              )
          }
        }
      }),
      {
        ...sampling('unreachable rules are moot', 81),
        examples: [[[[...setting, deniedAndAllowed]], [[...setting]], 0]],
      },
    )
    expect(tried, 'unreachable rules met').above(0)
  })

  it('are exactly those that decide nothing, where everybody there could be is there', () => {
    const met = { unreachable: 0, reachable: 0, mute: 0 }
    const flowsOf = (['ingress', 'egress'] as const).map(
      (direction): Flows => ({ direction, all: everyFlow(direction) }),
    )
    fc.assert(
      fc.property(smallPolicies, policies => {
        const bodies = [...setting, ...policies]
        const cluster = clusterOf(bodies)
        const rules = rulesOf(bodies)
        const spoken = rules.map(({ rule }) => rule).filter(rule => rule.origin.seq > 0 && !isIsolation(rule))
        const names = spoken.map(({ origin }) => origin)
        const reported = new Set([...unreachableRules(rules).keys()].map(({ rule }) => nameOf(rule.origin)))
        for (const { origin, direction } of spoken) {
          const flows = flowsOf.find(each => each.direction === direction)!
          const accepting = asDecision(cluster, origin)
          const isDeciding = isDecidedBy(origin, accepting, flows)
          const isHeard = isDeciding || isHeardOf(origin, alone(accepting, names, origin), flows)
          met[isDeciding ? 'reachable' : isHeard ? 'unreachable' : 'mute'] += 1
          expect(reported.has(nameOf(origin)), `${nameOf(origin)} is reported`).equals(isHeard && !isDeciding)
        }
      }),
      // Few cases are drawn, as each tries every flow: what has to be met is given first.
      { ...sampling('unreachable = decides nothing', 9), examples: [[[deniedAndAllowed]]] },
    )
    expect(met.unreachable, 'unreachable rules met').above(0)
    expect(met.reachable, 'rules that decide met').above(0)
  })
})

/** A pass decides nothing by itself; it is reached where an acceptance in its place would decide. */
function asDecision(cluster: OracleCluster, { policy, path }: RuleName): OracleCluster {
  let changed = false
  const section = (title: string, rules: readonly ClusterPolicyRule[]) =>
    rules.map(rule => {
      if (title !== policy || rule.path !== path || rule.action !== 'pass') return rule
      changed = true
      return { ...rule, action: 'accept' as const }
    })
  const clusterPolicies = (cluster.clusterPolicies ?? []).map(fact => {
    const title = titleOf(fact.kind, fact)
    return { ...fact, ingress: section(title, fact.ingress), egress: section(title, fact.egress) }
  })
  return changed ? { ...cluster, clusterPolicies } : cluster
}

/** One rule and none beside it. */
const alone = (cluster: OracleCluster, names: readonly RuleName[], origin: RuleName): OracleCluster =>
  names
    .filter(({ policy, path }) => policy === origin.policy && path !== origin.path)
    .reduce(withoutRule, onlyPolicy(cluster, origin.policy))

/** Whether a rule decides one end of some of the flows. */
const isDecidedBy = (origin: RuleName, cluster: OracleCluster, flows: Flows): boolean =>
  flows.all.some(flow => isAmong(origin, decide(cluster, flow)[flows.direction].decidedBy))

/** Whether a rule that stands alone matches some of the flows; the node reaches its pods before any proxy looks. */
const isHeardOf = (origin: RuleName, cluster: OracleCluster, flows: Flows): boolean =>
  flows.all.some(flow => {
    const { decidedBy, proxiedBy } = decide(cluster, flow)[flows.direction]
    return isAmong(origin, [...decidedBy, ...proxiedBy])
  })

interface Flows {
  readonly direction: Direction
  readonly all: readonly OracleFlow[]
}

/** The only ports of an entry that asks for a proxy are a rule of their own; the oracle names the entry. */
const isAmong = ({ policy, path }: RuleName, causes: readonly Cause[]): boolean =>
  causes.some(cause => cause.policy === policy && cause.path === path.replace(/\.toPorts\[0\]$/, ''))
