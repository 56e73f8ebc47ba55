import type { EventBody, NetworkPolicyFact, NetworkPolicyPeer, PodFact } from '@weir/core/event/event.js'

/** What a synthetic cluster is made of. */
export interface ClusterSize {
  readonly pods: number
  readonly nodes: number
  /** Distinct sets of pod labels. */
  readonly identities: number
  readonly policies: number
  readonly namespaces: number
  /** Policies' rules that name a block of addresses. */
  readonly cidrs: number
  /** Pods on this node. */
  readonly local: number
}

export const localNode = 'node-0'

/** Pods of one namespace that has its own name, so that a change of the namespace has a known size. */
export const crowd = { namespace: 'crowd', pods: 1000, workloads: 20 } as const

/** The cluster from nothing, as events: the same for the same size. Policies come before pods, as they may in a log. */
export function* clusterEvents(size: ClusterSize): Generator<EventBody> {
  yield { kind: 'agent.configured', agent: { node: localNode, cluster: 'default', labelFilter: [] } }
  for (let n = 0; n < size.nodes; n += 1) {
    const addresses = [`172.${16 + (n >> 16)}.${(n >> 8) & 255}.${n & 255}`]
    yield {
      kind: 'node.upserted',
      node: { name: `node-${n}`, labels: { zone: `zone-${n % 3}` }, addresses, podCidrs: [] },
    }
  }
  for (let n = 0; n < size.namespaces; n += 1) yield namespaceUpserted(`team-${n}`, `group-${n % 25}`)
  yield namespaceUpserted(crowd.namespace, 'group-0')
  for (let n = 0; n < size.policies; n += 1) yield { kind: 'networkpolicy.upserted', policy: policyOf(size, n) }
  const crowded = Math.min(crowd.pods, size.pods >> 1)
  for (let n = 0; n < size.pods - crowded; n += 1) yield { kind: 'pod.upserted', pod: podOf(size, n) }
  for (let n = 0; n < crowded; n += 1) yield { kind: 'pod.upserted', pod: crowdPod(size, n) }
}

export const namespaceUpserted = (name: string, group: string): EventBody => ({
  kind: 'namespace.upserted',
  namespace: { name, labels: { group } },
})

/** The namespace and labels of a workload: all of a cluster's workloads differ. */
export function workloadLabels(
  size: Pick<ClusterSize, 'namespaces'>,
  workload: number,
): { readonly namespace: string; readonly labels: Readonly<Record<string, string>> } {
  const app = Math.floor(workload / size.namespaces)
  return {
    namespace: `team-${workload % size.namespaces}`,
    labels: {
      app: `app-${app}`,
      tier: tiers[app % tiers.length]!,
      version: `v${workload % 7}`,
      'app.kubernetes.io/managed-by': 'bench',
    },
  }
}

const tiers = ['front', 'middle', 'back'] as const

/** The pod of a number; its workload has one local pod at most. */
export function podOf(size: ClusterSize, number: number, more: Partial<PodFact> = {}): PodFact {
  const every = Math.max(1, Math.floor(size.pods / size.local))
  const isLocal = number % every === 0 && number / every < size.local
  const { namespace, labels } = workloadLabels(size, number % size.identities)
  return {
    namespace,
    name: `${labels.app}-${number.toString(36)}`,
    labels: { ...labels, 'pod-template-hash': (number % 97).toString(16) },
    serviceAccount: 'default',
    node: isLocal ? localNode : `node-${1 + (number % Math.max(1, size.nodes - 1))}`,
    addresses: [podAddress(number)],
    hostNetwork: false,
    ports: [{ name: 'http', protocol: 'TCP', port: 8080 }],
    ...more,
  }
}

function crowdPod(size: ClusterSize, number: number): PodFact {
  const app = `app-${number % crowd.workloads}`
  const pod = podOf(size, size.pods + number)
  return { ...pod, namespace: crowd.namespace, labels: { app, tier: 'middle' }, node: 'node-1' }
}

/** Within 10.96.0.0/11, which no policy names a part of. */
export const podAddress = (number: number): string =>
  `10.${96 + ((number >> 16) & 31)}.${(number >> 8) & 255}.${number & 255}`

/**
 * A policy of one application of one namespace: who may call it, and for some whom it may call. Applications are named
 * as far as the cluster has them, so that policies overlap on the first ones.
 */
export function policyOf(size: ClusterSize, number: number): NetworkPolicyFact {
  const namespace = number % size.namespaces
  const turn = Math.floor(number / size.namespaces)
  const apps = Math.max(1, Math.floor(size.identities / size.namespaces))
  const app = `app-${turn % apps}`
  const neighbours = [`app-${(turn + 1) % apps}`, `app-${(turn + 2) % apps}`].sort()
  const peers: NetworkPolicyPeer[] = [{ kind: 'pods', podSelector: [is('app', ...neighbours)] }]
  if (turn % 4 === 0) {
    peers.push({
      kind: 'pods',
      namespaceSelector: [is('group', `group-${number % 25}`)],
      podSelector: [is('tier', 'front')],
    })
  }
  // What is scraped by whoever monitors: any pod of the cluster.
  const scraped = turn % 10 === 3
  const every = size.cidrs === 0 ? Infinity : Math.max(1, Math.floor(size.policies / size.cidrs))
  const egress = number % every === 0 ? [{ peers: [block(number / every)], ports: [tcp(443)] }] : []
  return {
    namespace: `team-${namespace}`,
    name: `policy-${turn}`,
    podSelector: [is('app', app)],
    policyTypes: egress.length > 0 ? ['ingress', 'egress'] : ['ingress'],
    ingress: [
      { peers, ports: [turn % 3 === 0 ? tcp('http') : tcp(8000 + (turn % 10))] },
      ...(scraped ? [{ peers: [{ kind: 'pods' as const, namespaceSelector: [] }], ports: [tcp(9090)] }] : []),
    ],
    egress,
  }
}

/** Blocks outside the cluster, of all sizes, some within others; each fiftieth is the pods' own, with a hole. */
function block(number: number): NetworkPolicyPeer {
  if (number % 50 === 0) return { kind: 'ipBlock', cidr: '10.0.0.0/8', except: [`10.${64 + (number % 8)}.0.0/16`] }
  const [a, b, c] = [20 + (number % 40), (number >> 3) & 255, number & 255]
  const cidr = [`${a}.0.0.0/8`, `${a}.${b & 0xf0}.0.0/12`, `${a}.${b}.0.0/16`, `${a}.${b}.${c}.0/24`][number % 4]!
  return { kind: 'ipBlock', cidr, except: [] }
}

export const is = (key: string, ...values: readonly string[]) => ({ key, operator: 'In', values }) as const

export const tcp = (port: number | string) => ({ protocol: 'TCP', port }) as const

/**
 * `count` blocks to allow and as many to except, which nest: each excepted block lies in an allowed one, and has an
 * allowed one within, five deep.
 */
export function nestedBlocks(count: number): { readonly cidr: string; readonly except: string }[] {
  const blocks: { readonly cidr: string; readonly except: string }[] = []
  for (let n = 0; blocks.length < count; n += 1) {
    const [a, b, c] = [100 + (n % 20), Math.floor(n / 20) & 255, n & 255]
    if (n < 20) blocks.push({ cidr: `${a}.0.0.0/8`, except: `${a}.128.0.0/9` })
    blocks.push({ cidr: `${a}.${b}.0.0/16`, except: `${a}.${b}.${c & 0xf0}.0/20` })
    blocks.push({ cidr: `${a}.${b}.${c}.0/24`, except: `${a}.${b}.${c}.64/26` })
  }
  return blocks.slice(0, count)
}
