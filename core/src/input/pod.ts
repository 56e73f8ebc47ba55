import { isLeft, right } from 'fp-ts/lib/Either.js'
import type { HostPort, NamedPort, PodFact } from '../event/event.js'
import { address, addressText, canonicalAddresses } from './address.js'
import { objectMeta, objectOf } from './metadata.js'
import { dnsSubdomain, portName } from './names.js'
import { fieldPath, itemPath } from './path.js'
import { canonicalPorts, optionalNumber, portNumber, portProtocol } from './port.js'
import { missing, type Parsed, refuse } from './problem.js'
import {
  flag,
  isMap,
  listOf,
  looseRecord,
  optional,
  optionalText,
  type Reader,
  record,
  text,
  andThen,
} from './reader.js'

interface ContainerPort extends NamedPort {
  readonly hostPort: HostPort | undefined
}

interface Container {
  readonly ports: readonly ContainerPort[]
  readonly restartPolicy: string
}

const noPorts: readonly ContainerPort[] = []

/** Every address of the node, as the kubelet writes it. */
const unspecified: ReadonlySet<string> = new Set(['0.0.0.0', '::'])

const containerPort = andThen(
  record({
    name: optionalText(portName, ''),
    containerPort: portNumber,
    protocol: optionalText(portProtocol, 'TCP' as const),
    hostPort: optionalNumber(portNumber),
    hostIP: optionalText(address, undefined),
  }),
  ({ name, protocol, containerPort, hostPort, hostIP }): Parsed<ContainerPort> => {
    const host = hostIP === undefined ? '0.0.0.0' : addressText(hostIP)
    const leading =
      hostPort === undefined
        ? undefined
        : { protocol, port: hostPort, containerPort, ...(unspecified.has(host) ? {} : { address: host }) }
    return right({ name, protocol, port: containerPort, hostPort: leading })
  },
)

const containerPorts: Reader<readonly ContainerPort[]> = andThen(listOf(containerPort), (ports, path) => {
  const names = new Map<string, number>()
  for (const [index, { name }] of ports.entries()) {
    const first = name === '' ? undefined : names.get(name)
    const at = fieldPath(itemPath(path, index), 'name')
    if (first !== undefined)
      return refuse(at, `ports[${first}] of this container has the same name`, name, 'another name')
    names.set(name, index)
  }
  return right(ports)
})

/** Fields of a container that say nothing about the network. */
const otherContainerFields = [
  ...['name', 'image', 'command', 'args', 'workingDir', 'envFrom', 'env', 'resources', 'resizePolicy'],
  ...['restartPolicyRules', 'volumeMounts', 'volumeDevices', 'livenessProbe', 'readinessProbe', 'startupProbe'],
  ...['lifecycle', 'terminationMessagePath', 'terminationMessagePolicy', 'imagePullPolicy', 'securityContext'],
  ...['stdin', 'stdinOnce', 'tty'],
]

const container: Reader<Container> = record(
  { ports: optional(containerPorts, noPorts), restartPolicy: optionalText(text, '') },
  otherContainerFields,
)

const containers: Reader<readonly Container[]> = andThen(listOf(container), (list, path) =>
  list.length > 0 ? right(list) : missing(path, 'at least one container'),
)

/** Fields of a pod's spec that say nothing about the network. */
const otherPodFields = [
  ...['volumes', 'ephemeralContainers', 'restartPolicy', 'terminationGracePeriodSeconds', 'activeDeadlineSeconds'],
  ...['dnsPolicy', 'nodeSelector', 'automountServiceAccountToken', 'hostPID', 'hostIPC', 'shareProcessNamespace'],
  ...['securityContext', 'imagePullSecrets', 'hostname', 'subdomain', 'affinity', 'schedulerName', 'tolerations'],
  ...['hostAliases', 'priorityClassName', 'priority', 'dnsConfig', 'readinessGates', 'runtimeClassName'],
  ...['enableServiceLinks', 'preemptionPolicy', 'overhead', 'topologySpreadConstraints', 'setHostnameAsFQDN', 'os'],
  ...['hostUsers', 'schedulingGates', 'resourceClaims', 'resources', 'hostnameOverride', 'workloadRef'],
]

/** What a pod's spec says about the network. */
export interface PodSpec {
  readonly serviceAccount: string
  readonly node: string
  readonly hostNetwork: boolean
  readonly ports: readonly NamedPort[]
  readonly hostPorts?: readonly HostPort[]
}

/** A hostNetwork pod is the node: its ports are the node's without leading anywhere. */
const hostPortsOf = (ports: readonly ContainerPort[], hostNetwork: boolean): Pick<PodSpec, 'hostPorts'> => {
  const found = hostNetwork ? [] : ports.flatMap(({ hostPort }) => hostPort ?? [])
  if (found.length === 0) return {}
  const texts = new Map(found.map(each => [sortText(each), each]))
  return { hostPorts: [...texts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => each) }
}

const sortText = ({ protocol, port, containerPort, address = '' }: HostPort): string =>
  [protocol, `${port}`.padStart(5, '0'), address, `${containerPort}`.padStart(5, '0')].join(' ')

/** An init container that is restarted for ever is a sidecar: it serves while the pod runs. */
const isSidecar = (container: Container): boolean => container.restartPolicy === 'Always'

export const podSpec: Reader<PodSpec> = andThen(
  record(
    {
      containers,
      initContainers: optional(listOf(container), [] as readonly Container[]),
      serviceAccountName: optionalText(dnsSubdomain, undefined),
      serviceAccount: optionalText(dnsSubdomain, undefined),
      nodeName: optionalText(dnsSubdomain, ''),
      hostNetwork: optional(flag, false),
    },
    otherPodFields,
  ),
  spec => {
    const ports = [...spec.containers, ...spec.initContainers.filter(isSidecar)].flatMap(({ ports }) => ports)
    return right({
      serviceAccount: spec.serviceAccountName ?? spec.serviceAccount ?? 'default',
      node: spec.nodeName,
      hostNetwork: spec.hostNetwork,
      ports: canonicalPorts(ports.map(({ name, protocol, port }) => ({ name, protocol, port }))),
      ...hostPortsOf(ports, spec.hostNetwork),
    })
  },
)

interface PodStatus {
  readonly addresses: readonly string[]
  readonly ready: boolean
}

const condition = looseRecord({ type: optionalText(text, ''), status: optionalText(text, '') })

const podStatus: Reader<PodStatus> = andThen(
  looseRecord({
    phase: optionalText(text, ''),
    podIP: optionalText(address, undefined),
    podIPs: optional(listOf(looseRecord({ ip: address })), []),
    conditions: optional(listOf(condition), []),
  }),
  ({ phase, podIP, podIPs, conditions }) => {
    const ready = conditions.find(({ type }) => type === 'Ready')?.status
    const said = { ready: ready === undefined || ready === 'True' }
    if (phase === 'Succeeded' || phase === 'Failed') return right({ ...said, addresses: [] })
    const all = [...(podIP === undefined ? [] : [podIP]), ...podIPs.map(({ ip }) => ip)]
    return right({ ...said, addresses: canonicalAddresses(all) })
  },
)

const noStatus: PodStatus = { addresses: [], ready: true }

/** Whether the pod has ended and given its addresses back. */
export const podHasEnded = (raw: unknown): boolean => {
  const phase = isMap(raw) && isMap(raw.status) ? raw.status.phase : undefined
  return phase === 'Succeeded' || phase === 'Failed'
}

const pod = objectOf(
  'v1',
  'Pod',
  objectMeta(dnsSubdomain, true),
  { spec: podSpec, status: optional(podStatus, noStatus) },
  [],
)

const isTerminating = (raw: unknown): boolean =>
  isMap(raw) && isMap(raw.metadata) && typeof raw.metadata.deletionTimestamp === 'string'

/** A v1 Pod. A pod that has ended has no addresses; one without a status is ready. */
export const parsePod = (raw: unknown): Parsed<PodFact> => {
  const parsed = pod(raw)
  if (isLeft(parsed)) return parsed
  const { metadata, spec, status } = parsed.right
  const { namespace, name, labels } = metadata
  return right({
    namespace,
    name,
    labels,
    ...spec,
    addresses: status.addresses,
    ...(status.ready ? {} : { ready: false as const }),
    ...(isTerminating(raw) ? { terminating: true as const } : {}),
  })
}
