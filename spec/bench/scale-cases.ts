import type { EventBody, NetworkPolicyFact, PodFact } from '@weir/core/event/event.js'
import type { Figure } from './bench.js'
import {
  type ClusterSize,
  crowd,
  is,
  localNode,
  namespaceUpserted,
  nestedBlocks,
  podAddress,
  podOf,
  tcp,
} from './cluster.js'
import { type Cost, costFigures, type Live, percentile } from './scale-live.js'

/** One case of churn: changes an installed cluster, leaves it as it was, tells what that cost. */
export interface Case {
  readonly name: string
  run(live: Live, size: ClusterSize, rounds: number): Promise<Record<string, Figure>>
}

const upserted = (pod: PodFact): EventBody => ({ kind: 'pod.upserted', pod })
const deleted = ({ namespace, name }: PodFact): EventBody => ({ kind: 'pod.deleted', namespace, name })
const inForce = (policy: NetworkPolicyFact): EventBody => ({ kind: 'networkpolicy.upserted', policy })
const withdrawn = ({ namespace, name }: NetworkPolicyFact): EventBody => ({
  kind: 'networkpolicy.deleted',
  namespace,
  name,
})

/** Rounds after which the short ways through are compiled. */
const compiled = 1000

/** Measures a change, and takes it back unmeasured. The first rounds warm the compiler up. */
async function repeated(
  live: Live,
  rounds: number,
  change: (round: number) => { readonly there: readonly EventBody[]; readonly back: readonly EventBody[] },
  warmUp = Math.min(20, Math.ceil(rounds / 4)),
): Promise<Cost[]> {
  const costs: Cost[] = []
  for (let round = -warmUp; round < rounds; round += 1) {
    const { there, back } = change(round + warmUp)
    const cost = await live.change(...there)
    if (round >= 0) costs.push(cost)
    await live.change(...back)
  }
  return costs
}

const newcomer = (size: ClusterSize, round: number, more: Partial<PodFact> = {}): PodFact =>
  podOf(size, (round * 7919) % size.identities, {
    name: `newcomer-${round}`,
    node: 'node-1',
    addresses: [podAddress(size.pods + crowd.pods + round)],
    ...more,
  })

/** A policy of `team-0` that asks for peers by a selector of its own. */
const asking = (name: string, key: string, value: string, more: Partial<NetworkPolicyFact> = {}) =>
  ({
    namespace: 'team-0',
    name,
    podSelector: [is('app', 'app-0')],
    policyTypes: ['ingress'],
    ingress: [{ peers: [{ kind: 'pods', namespaceSelector: [], podSelector: [is(key, value)] }], ports: [tcp(9000)] }],
    egress: [],
    ...more,
  }) satisfies NetworkPolicyFact

export const knownClass: Case = {
  name: 'pod added in a known class',
  async run(live, size, rounds) {
    const costs = await repeated(
      live,
      rounds,
      round => {
        const pod = newcomer(size, round)
        return { there: [upserted(pod)], back: [deleted(pod)] }
      },
      compiled,
    )
    return costFigures(this.name, costs, { p50: 50, p99: 1000 })
  },
}

export const newIdentity: Case = {
  name: 'new identity',
  async run(live, size, rounds) {
    const costs = await repeated(
      live,
      rounds,
      round => {
        const { labels } = podOf(size, 0)
        const pod = newcomer(size, round, { labels: { ...labels, unique: `value-${round}` } })
        return { there: [upserted(pod)], back: [deleted(pod)] }
      },
      compiled,
    )
    return costFigures(this.name, costs, { p50: 100 })
  },
}

const newSelector: Case = {
  name: 'new selector',
  async run(live, _size, rounds) {
    const few = await repeated(live, rounds, round => {
      const policy = asking('few', 'app', `app-${round % 10}`)
      const narrow = { ...policy, ingress: [ruleFor([is('app', `app-${round % 10}`), is('version', 'v1')], 'team-1')] }
      return { there: [inForce(narrow)], back: [withdrawn(narrow)] }
    })
    const manyRounds = Math.ceil(rounds / 10)
    const policy = asking('whole', 'app.kubernetes.io/managed-by', 'bench')
    const nearlyAll = () => ({ there: [inForce(policy)], back: [withdrawn(policy)] })
    // Code that isn't compiled yet takes several times as long: both are told.
    const firstWhole = await repeated(live, manyRounds, nearlyAll)
    const whole = await repeated(live, rounds, nearlyAll, compiled)
    const split = await repeated(live, manyRounds, round => {
      const versioned = asking('split', 'version', `v${round % 7}`)
      return { there: [inForce(versioned)], back: [withdrawn(versioned)] }
    })
    return {
      ...costFigures('new selector that matches few', few, { p50: 1 }, 'ms'),
      ...costFigures('new selector that matches nearly all, the first times', firstWhole, {}, 'ms'),
      ...costFigures('new selector that matches nearly all', whole, { p50: 1 }, 'ms'),
      ...costFigures('new selector that parts each class', split, {}, 'ms'),
    }
  },
}

const ruleFor = (podSelector: readonly ReturnType<typeof is>[], namespace: string) => ({
  peers: [{ kind: 'pods' as const, namespaceSelector: [is('kubernetes.io/metadata.name', namespace)], podSelector }],
  ports: [tcp(9000)],
})

const manySelectors: Case = {
  name: '1,000 new selectors at once',
  async run(live, size) {
    const policies = Array.from({ length: 1000 }, (_, n) => {
      const policy = asking(`many-${n}`, 'app', 'app-0')
      return { ...policy, ingress: [ruleFor([is('app', `app-${n % 10}`)], `team-${n % size.namespaces}`)] }
    })
    const values: Cost[] = []
    for (let round = 0; round < 3; round += 1) {
      values.push(await live.change(...policies.map(inForce)))
      await live.change(...policies.map(withdrawn))
    }
    return {
      [this.name]: {
        value:
          percentile(
            values.map(cost => cost.whole),
            0.5,
          ) / 1e6,
        unit: 's',
        goal: { atMost: 1 },
      },
      [`${this.name}, operations`]: { value: values[0]!.operations, unit: 'entries' },
    }
  },
}

const locals = 100

const manySubjects: Case = {
  name: 'new policy that selects 100 local endpoints',
  async run(live, size, rounds) {
    const pods = Array.from({ length: locals }, (_, n) =>
      newcomer(size, n, { namespace: 'team-0', node: localNode, labels: { app: `local-${n % 50}`, kind: 'local' } }),
    )
    await live.change(...pods.map(upserted))
    const costs = await repeated(live, Math.ceil(rounds / 4), round => {
      const policy = asking('wide', 'app', 'app-0', { podSelector: [is('kind', 'local')] })
      const narrow = { ...policy, ingress: [ruleFor([is('app', `app-${round % 10}`)], 'team-0')] }
      return { there: [inForce(narrow)], back: [withdrawn(narrow)] }
    })
    await live.change(...pods.map(deleted))
    return costFigures(this.name, costs, { p99: 10 }, 'ms')
  },
}

const relabelled: Case = {
  name: 'namespace relabelled with 1,000 pods',
  async run(live, _size, rounds) {
    const costs = await repeated(live, Math.ceil(rounds / 10), () => ({
      there: [namespaceUpserted(crowd.namespace, 'group-1')],
      back: [namespaceUpserted(crowd.namespace, 'group-0')],
    }))
    return costFigures(this.name, costs, { p50: 50 }, 'ms')
  },
}

const nested: Case = {
  name: '1,000 CIDRs and 1,000 exceptions that nest',
  async run(live) {
    const policy = (count: number): NetworkPolicyFact => ({
      namespace: 'team-0',
      name: 'nested',
      podSelector: [is('app', 'app-0')],
      policyTypes: ['egress'],
      ingress: [],
      egress: [
        {
          peers: nestedBlocks(count).map(({ cidr, except }) => ({ kind: 'ipBlock', cidr, except: [except] })),
          ports: [tcp(443)],
        },
      ],
    })
    const [whole, one]: [Cost[], Cost[]] = [[], []]
    for (let round = 0; round < 12; round += 1) {
      whole.push(await live.change(inForce(policy(1000))))
      for (let more = 0; more < 5; more += 1) {
        one.push(await live.change(inForce(policy(1001))))
        await live.change(inForce(policy(1000)))
      }
      await live.change(withdrawn(policy(1000)))
    }
    return {
      ...costFigures(this.name, whole.slice(2), { p50: 50 }, 'ms'),
      ...costFigures('one more CIDR', one.slice(10), { p50: 5 }, 'ms'),
    }
  },
}

const podsPerSecond = 40

const uniqueLabels: Case = {
  name: 'pods with unique labels',
  async run(live, size, rounds) {
    // Ten minutes by default; each pod lives half a minute.
    const count = rounds * 120
    const alive: PodFact[] = []
    const costs: Cost[] = []
    const classes = (): number => {
      const seen = new Set<number>()
      for (const [, row] of live.engine.tables.addresses) seen.add(row.peerClass)
      return seen.size
    }
    const before = classes()
    for (let n = 0; n < count; n += 1) {
      const like = newcomer(size, n % 60_000)
      const pod = { ...like, labels: { ...like.labels, unique: `value-${n}` } }
      alive.push(pod)
      costs.push(await live.change(upserted(pod)))
      if (alive.length > podsPerSecond * 30) costs.push(await live.change(deleted(alive.shift()!)))
    }
    const after = classes()
    for (const pod of alive) await live.change(deleted(pod))
    return {
      ...costFigures(`${this.name} (${count} pods)`, costs, { p50: 100 }),
      [`${this.name}, classes made`]: { value: after - before, unit: 'classes', goal: { atMost: 0 } },
    }
  },
}

export const cases: readonly Case[] = [
  knownClass,
  newIdentity,
  newSelector,
  manySelectors,
  manySubjects,
  relabelled,
  nested,
  uniqueLabels,
]
