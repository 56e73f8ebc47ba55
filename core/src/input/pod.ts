import { isLeft, right } from 'fp-ts/lib/Either.js'
import type { NamedPort, PodFact } from '../event/event.js'
import { address, canonicalAddresses } from './address.js'
import { objectMeta, objectOf } from './metadata.js'
import { dnsSubdomain, portName } from './names.js'
import { fieldPath, itemPath } from './path.js'
import { canonicalPorts, portNumber, portProtocol } from './port.js'
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

interface Container {
  readonly ports: readonly NamedPort[]
  readonly restartPolicy: string
}

const noPorts: readonly NamedPort[] = []

const containerPort = andThen(
  record(
    {
      name: optionalText(portName, ''),
      containerPort: portNumber,
      protocol: optionalText(portProtocol, 'TCP' as const),
    },
    ['hostPort', 'hostIP'],
  ),
  ({ name, protocol, containerPort }): Parsed<NamedPort> => right({ name, protocol, port: containerPort }),
)

const containerPorts: Reader<readonly NamedPort[]> = andThen(listOf(containerPort), (ports, path) => {
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
}

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
  spec =>
    right({
      serviceAccount: spec.serviceAccountName ?? spec.serviceAccount ?? 'default',
      node: spec.nodeName,
      hostNetwork: spec.hostNetwork,
      ports: canonicalPorts(
        [...spec.containers, ...spec.initContainers.filter(isSidecar)].flatMap(({ ports }) => ports),
      ),
    }),
)

const podStatus: Reader<readonly string[]> = andThen(
  looseRecord({
    phase: optionalText(text, ''),
    podIP: optionalText(address, undefined),
    podIPs: optional(listOf(looseRecord({ ip: address })), []),
  }),
  ({ phase, podIP, podIPs }) => {
    if (phase === 'Succeeded' || phase === 'Failed') return right([])
    return right(canonicalAddresses([...(podIP === undefined ? [] : [podIP]), ...podIPs.map(({ ip }) => ip)]))
  },
)

/** Whether the pod has ended and given its addresses back. */
export const podHasEnded = (raw: unknown): boolean => {
  const phase = isMap(raw) && isMap(raw.status) ? raw.status.phase : undefined
  return phase === 'Succeeded' || phase === 'Failed'
}

const pod = objectOf(
  'v1',
  'Pod',
  objectMeta(dnsSubdomain, true),
  { spec: podSpec, status: optional(podStatus, [] as readonly string[]) },
  [],
)

/** A v1 Pod. A pod that has ended has no addresses. */
export const parsePod = (raw: unknown): Parsed<PodFact> => {
  const parsed = pod(raw)
  if (isLeft(parsed)) return parsed
  const { metadata, spec, status } = parsed.right
  const { namespace, name, labels } = metadata
  return right({ namespace, name, labels, ...spec, addresses: status })
}
