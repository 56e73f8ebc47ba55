import { Engine } from '@weir/core'
import type { EventBody, NetworkPolicyFact, PodFact } from '@weir/core/event/event.js'
import { parseNetworkPolicy } from '@weir/core/input/network-policy.js'
import { verdicts } from '@weir/core/tables/tables.js'
import { expect } from 'chai'
import { parseAllDocuments } from 'yaml'
import { numbered } from '../../oracle/generate/history.js'
import { clusterOf, decide, type OracleFlow, oracleFromManifest, type RawNetworkPolicy } from '../../oracle/index.js'
import { type Attempt, type Recipe, recipes } from './recipes.js'

const namespaces: Readonly<Record<string, Record<string, string>>> = {
  default: {},
  partner: { stage: 'live' },
  trial: { stage: 'test' },
  'kube-system': {},
}

const labelsOf: Readonly<Record<string, Record<string, string>>> = {
  'default/plain': {},
  'default/shop': { app: 'shop' },
  'default/orders': { app: 'store', role: 'orders' },
  'default/store-front': { app: 'store', role: 'front' },
  'default/watcher': { duty: 'watch' },
  'default/batch': { app: 'batch' },
  'partner/plain': {},
  'partner/watcher': { duty: 'watch' },
  'partner/store-front': { app: 'store', role: 'front' },
  'trial/plain': {},
  'kube-system/dns': { 'k8s-app': 'kube-dns' },
}

const pods: readonly PodFact[] = Object.entries(labelsOf).map(([key, labels], index) => {
  const [namespace = '', name = ''] = key.split('/')
  const addresses = [`10.1.0.${index + 1}`, `fd01::${(index + 1).toString(16)}`]
  return { namespace, name, labels, serviceAccount: 'default', node: 'n', addresses, hostNetwork: false, ports: [] }
})

const setting: readonly EventBody[] = [
  { kind: 'agent.configured', agent: { node: 'n', cluster: 'c', labelFilter: [] } },
  { kind: 'node.upserted', node: { name: 'n', labels: {}, addresses: ['192.0.2.1', 'fd02::1'], podCidrs: [] } },
  ...Object.entries(namespaces).map(([name, labels]) => ({
    kind: 'namespace.upserted' as const,
    namespace: { name, labels },
  })),
  ...pods.map(pod => ({ kind: 'pod.upserted' as const, pod })),
]

const world = ['203.0.113.9', '2001:db8::9'] as const

function addressOf(whom: string, family: 0 | 1): string {
  if (whom === 'world') return world[family]
  const pod = pods.find(({ namespace, name }) => `${namespace}/${name}` === whom)
  const address = pod?.addresses[family]
  if (address === undefined) throw new Error(`no pod ${whom}`)
  return address
}

const flowOf = ({ from, to, port, protocol }: Attempt, family: 0 | 1): OracleFlow => ({
  from: addressOf(from, family),
  to: addressOf(to, family),
  protocol: protocol === 'UDP' ? 17 : 6,
  port,
})

const documentsOf = (recipe: Recipe): readonly RawNetworkPolicy[] =>
  parseAllDocuments(recipe.policies).map(document => document.toJS() as RawNetworkPolicy)

function parsed(raw: unknown): NetworkPolicyFact {
  const result = parseNetworkPolicy(raw)
  if (result._tag === 'Left') throw new Error(JSON.stringify(result.left))
  return result.right
}

const withPolicies = (policies: readonly NetworkPolicyFact[]): readonly EventBody[] => [
  ...setting,
  ...policies.map(policy => ({ kind: 'networkpolicy.upserted' as const, policy })),
]

describe('core: well-known recipes', () => {
  for (const recipe of recipes) {
    describe(recipe.name, () => {
      let engine: Engine
      before(() => {
        engine = new Engine()
        engine.apply(numbered(withPolicies(documentsOf(recipe).map(parsed))))
      })
      const meant = clusterOf(withPolicies(documentsOf(recipe).map(oracleFromManifest)))

      for (const attempt of recipe.attempts) {
        const { from, to, port, protocol = 'TCP', allowed } = attempt
        it(`${allowed ? 'allows' : 'denies'} ${from} → ${to}:${port}/${protocol}`, () => {
          for (const family of [0, 1] as const) {
            const flow = flowOf(attempt, family)
            expect(decide(meant, flow).allowed, 'oracle').equals(allowed)
            expect(engine.verdict(flow) === verdicts.allow, 'engine').equals(allowed)
          }
        })
      }
    })
  }

  it('leaves everything open again when the policies are gone', () => {
    const engine = new Engine()
    const policies = recipes.flatMap(recipe => documentsOf(recipe).map(parsed))
    engine.apply(numbered(withPolicies(policies)))
    const gone = policies.map(({ namespace, name }) => ({ kind: 'networkpolicy.deleted' as const, namespace, name }))
    engine.apply(numbered(gone, engine.seq + 1))
    for (const { attempts } of recipes)
      for (const attempt of attempts) expect(engine.verdict(flowOf(attempt, 0))).equals(verdicts.allow)
  })
})
