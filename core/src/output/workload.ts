import type { HostPort, NamedPort, NamespaceFact, PodFact } from '../event/event.js'
import { listField, type Written, type WrittenObject } from './written.js'

/** The label that the API server adds to every namespace. */
const nameLabel = 'kubernetes.io/metadata.name'

export function writtenNamespace({ name, labels }: NamespaceFact): WrittenObject {
  const own = Object.fromEntries(Object.entries(labels).filter(([key]) => key !== nameLabel))
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, ...labelField(own) } }
}

/** A v1 Pod with all that is known of it, which is nothing of its images. */
export function writtenPod(pod: PodFact): WrittenObject {
  const { namespace, name, labels, serviceAccount, node, addresses, hostNetwork, ports, ready } = pod
  const conditions = ready === false ? [{ type: 'Ready', status: 'False' }] : []
  const status = {
    ...listField('conditions', conditions),
    ...(addresses.length > 0 && { podIP: addresses[0], podIPs: addresses.map(ip => ({ ip })) }),
  }
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, ...labelField(labels) },
    spec: {
      ...(node !== '' && { nodeName: node }),
      serviceAccountName: serviceAccount,
      ...(hostNetwork && { hostNetwork }),
      containers: containers(ports, pod.hostPorts ?? []),
    },
    ...(Object.keys(status).length > 0 && { status }),
  }
}

/** One container, and more where one can't have two ports of a name. */
function containers(ports: readonly NamedPort[], hostPorts: readonly HostPort[]): readonly Written[] {
  const lists: Written[][] = [[]]
  const names: Set<string>[] = [new Set()]
  for (const { name, protocol, port } of ports) {
    const found = names.findIndex(taken => name === '' || !taken.has(name))
    const at = found < 0 ? lists.push([]) - 1 : found
    names[at] ??= new Set()
    names[at].add(name)
    lists[at]!.push({ ...(name !== '' && { name }), protocol, containerPort: port })
  }
  for (const { protocol, port: hostPort, containerPort, address } of hostPorts) {
    const entry = lists.flat().find(each => isFreePort(each, protocol, containerPort))
    const own = { hostPort, ...(address !== undefined && { hostIP: address }) }
    if (entry === undefined) lists[0]!.push({ protocol, containerPort, ...own })
    else Object.assign(entry, own)
  }
  return lists.map((list, at) => ({ name: at === 0 ? 'main' : `more-${at}`, ...listField('ports', list) }))
}

const isFreePort = (entry: Written, protocol: string, containerPort: number): boolean =>
  entry.protocol === protocol && entry.containerPort === containerPort && entry.hostPort === undefined

const labelField = (
  labels: Readonly<Record<string, string>>,
): { readonly labels?: Readonly<Record<string, string>> } => (Object.keys(labels).length === 0 ? {} : { labels })
