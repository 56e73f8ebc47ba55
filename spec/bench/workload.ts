import type { EventDraft, NetworkPolicyFact, PodFact } from '@weir/core/event/event.js'

/**
 * A cluster's life as events, the same for the same arguments: namespaces, nodes, services and policies first, then pods
 * that come, change a label, and go, at a steady population.
 */
export function* clusterLife(
  count: number,
  options: { readonly namespaces?: number; readonly pods?: number } = {},
): Generator<EventDraft> {
  const namespaces = options.namespaces ?? 50
  const population = options.pods ?? 5000
  const random = xorshift(0x9e3779b9)
  const start = 1_700_000_000_000
  const live: PodFact[] = []
  let made = 0
  let number = 0
  const draft = (body: Record<string, unknown>): EventDraft => {
    made++
    return { ...body, time: start + made * 20, source: `kubernetes:resourceVersion=${made}` } as unknown as EventDraft
  }
  for (const body of setting(namespaces)) {
    if (made >= count) return
    yield draft(body)
  }
  while (made < count) {
    const dice = random() % 100
    if (live.length < population && (dice < 45 || live.length < 100)) {
      const pod = newPod(number++, namespaces)
      live.push(pod)
      yield draft({ kind: 'pod.upserted', pod })
    } else if (dice < 70) {
      const at = random() % live.length
      const old = live[at] as PodFact
      const pod = { ...old, labels: { ...old.labels, version: `v${random() % 3}` } }
      live[at] = pod
      yield draft({ kind: 'pod.upserted', pod })
    } else if (dice < 98) {
      const at = random() % live.length
      const { namespace, name } = live[at] as PodFact
      live[at] = live.at(-1) as PodFact
      live.pop()
      yield draft({ kind: 'pod.deleted', namespace, name })
    } else if (dice < 99)
      yield draft({ kind: 'service.upserted', service: service(random() % namespaces, random() % 20) })
    else yield draft({ kind: 'networkpolicy.upserted', policy: policy(random() % namespaces, random() % 4) })
  }
}

function* setting(namespaces: number): Generator<Record<string, unknown>> {
  yield { kind: 'agent.configured', agent: { node: 'node-0', cluster: 'default', labelFilter: [] } }
  for (let n = 0; n < 20; n++) {
    const node = {
      name: `node-${n}`,
      labels: { zone: `z${n % 3}` },
      addresses: [`192.168.0.${n + 1}`],
      podCidrs: [`10.${n}.0.0/16`],
    }
    yield { kind: 'node.upserted', node }
  }
  for (let n = 0; n < namespaces; n++) {
    yield { kind: 'namespace.upserted', namespace: { name: `team-${n}`, labels: { team: `t${n % 10}` } } }
  }
  for (let n = 0; n < namespaces; n++) {
    for (let s = 0; s < 4; s++) yield { kind: 'service.upserted', service: service(n, s) }
    for (let p = 0; p < 4; p++) yield { kind: 'networkpolicy.upserted', policy: policy(n, p) }
  }
}

function newPod(number: number, namespaces: number): PodFact {
  const app = number % 20
  const node = number % 20
  return {
    namespace: `team-${number % namespaces}`,
    name: `app-${app}-${number.toString(36)}`,
    labels: {
      app: `app-${app}`,
      tier: app % 3 === 0 ? 'front' : 'back',
      'pod-template-hash': ((number * 2654435761) % 2 ** 32).toString(16),
    },
    serviceAccount: 'default',
    node: `node-${node}`,
    addresses: [`10.${node}.${(number >> 8) & 255}.${number & 255}`],
    hostNetwork: false,
    ports: [{ name: 'http', protocol: 'TCP', port: 8080 }],
  }
}

function service(namespace: number, app: number): Record<string, unknown> {
  return {
    namespace: `team-${namespace}`,
    name: `app-${app}`,
    type: 'ClusterIP',
    clusterIps: [`172.20.${namespace}.${app + 1}`],
    selector: { app: `app-${app}` },
    ports: [{ name: 'http', protocol: 'TCP', port: 80, targetPort: 'http' }],
  }
}

function policy(namespace: number, app: number): NetworkPolicyFact {
  return {
    namespace: `team-${namespace}`,
    name: `allow-${app}`,
    podSelector: [{ key: 'app', operator: 'In', values: [`app-${app}`] }],
    policyTypes: ['ingress'],
    ingress: [
      {
        peers: [
          { kind: 'pods', podSelector: [{ key: 'app', operator: 'In', values: [`app-${app + 1}`, `app-${app + 2}`] }] },
        ],
        ports: [{ protocol: 'TCP', port: 'http' }],
      },
    ],
    egress: [],
  }
}

function xorshift(seed: number): () => number {
  let state = seed
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state >>> 0
  }
}
