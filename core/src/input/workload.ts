import { isLeft, right } from 'fp-ts/lib/Either.js'
import type { Labels, PodFact } from '../event/event.js'
import { matchesSelector } from '../policy/match.js'
import type { LabelSelector } from '../policy/selector.js'
import { objectMeta, objectOf, type ObjectMeta, templateMeta } from './metadata.js'
import { dnsSubdomain } from './names.js'
import { podSpec, type PodSpec } from './pod.js'
import { missing, type Parsed, refuse } from './problem.js'
import { flag, integer, looseRecord, optional, type Reader, record, andThen } from './reader.js'
import { labels, labelSelector } from './selector.js'

/** Pods that one workload may ask for. More is taken for a slip of the pen. */
export const podsPerWorkloadMax = 10_000

const longestPodName = 253

interface Template {
  readonly metadata: { readonly labels: Labels }
  readonly spec: PodSpec
}

const template: Reader<Template> = record({
  metadata: optional(templateMeta, { labels: {} as Labels }),
  spec: podSpec,
})

const count = integer(0, podsPerWorkloadMax)

/** The pods a workload asks for: `first` is the ordinal of the first of them. */
interface Workload {
  readonly template: Template
  readonly selector: LabelSelector | undefined
  readonly replicas: number
  readonly first: number
}

const requiredSelector: Reader<LabelSelector> = andThen(labelSelector, (selector, path) =>
  selector.length > 0
    ? right(selector)
    : missing(path, 'labels that the template has: an empty selector would own every pod'),
)

const mapSelector: Reader<LabelSelector | undefined> = optional(
  andThen(labels, map =>
    right(Object.entries(map).map(([key, value]) => ({ key, operator: 'In' as const, values: [value] }))),
  ),
  undefined,
)

const replicated = (selector: Reader<LabelSelector | undefined>, ignored: readonly string[]): Reader<Workload> =>
  andThen(record({ replicas: optional(count, 1), selector, template }, ['minReadySeconds', ...ignored]), spec =>
    right({ ...spec, first: 0 }),
  )

const statefulSet: Reader<Workload> = andThen(
  record(
    {
      replicas: optional(count, 1),
      selector: requiredSelector,
      template,
      ordinals: optional(looseRecord({ start: optional(integer(0, 2 ** 31 - 1), 0) }), { start: 0 }),
    },
    [
      ...['volumeClaimTemplates', 'serviceName', 'podManagementPolicy', 'updateStrategy', 'revisionHistoryLimit'],
      ...['minReadySeconds', 'persistentVolumeClaimRetentionPolicy'],
    ],
  ),
  ({ ordinals, ...spec }) => right({ ...spec, first: ordinals.start }),
)

const daemonSet: Reader<Workload> = andThen(
  record({ selector: requiredSelector, template }, ['updateStrategy', 'minReadySeconds', 'revisionHistoryLimit']),
  spec => right({ ...spec, replicas: 1, first: 0 }),
)

/** A Job's running pods: as many as may run beside each other, and no more than have to complete. */
const job: Reader<Workload> = andThen(
  record(
    {
      parallelism: optional(count, 1),
      completions: optional(integer(0, 2 ** 31 - 1), undefined),
      suspend: optional(flag, false),
      template,
    },
    [
      ...['activeDeadlineSeconds', 'podFailurePolicy', 'successPolicy', 'backoffLimit', 'backoffLimitPerIndex'],
      ...['maxFailedIndexes', 'selector', 'manualSelector', 'ttlSecondsAfterFinished', 'completionMode'],
      ...['podReplacementPolicy', 'managedBy'],
    ],
  ),
  ({ parallelism, completions, suspend, template }) => {
    const replicas = suspend ? 0 : Math.min(parallelism, completions ?? parallelism)
    return right({ template, selector: undefined, replicas, first: 0 })
  },
)

/** The labels that the controller of this kind puts on a pod, as far as they can be known before there is one. */
const controllerLabels = (kind: string, owner: string, pod: string, ordinal: number): Labels => {
  if (kind === 'StatefulSet')
    return { 'apps.kubernetes.io/pod-index': `${ordinal}`, 'statefulset.kubernetes.io/pod-name': pod }
  if (kind === 'Job') return { 'batch.kubernetes.io/job-name': owner, 'job-name': owner }
  return {}
}

const sorted = (map: Labels): Labels =>
  Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))

/** `<workload>-<ordinal>`, the workload's name cut where the whole would be longer than a pod's name may be. */
const podName = (owner: string, ordinal: number): string => {
  const suffix = `-${ordinal}`
  return `${owner.slice(0, longestPodName - suffix.length).replace(/[-.]+$/, '')}${suffix}`
}

const podsOf = (kind: string, metadata: ObjectMeta, workload: Workload): readonly PodFact[] =>
  Array.from({ length: workload.replicas }, (_, index) => {
    const ordinal = workload.first + index
    const name = podName(metadata.name, ordinal)
    const added = controllerLabels(kind, metadata.name, name, ordinal)
    return {
      namespace: metadata.namespace,
      name,
      labels: sorted({ ...workload.template.metadata.labels, ...added }),
      ...workload.template.spec,
      addresses: [],
      workload: `${kind}/${metadata.name}`,
    }
  })

type WorkloadParser = (raw: unknown) => Parsed<readonly PodFact[]>

const workloadParser = (apiVersion: string, kind: string, spec: Reader<Workload>): WorkloadParser => {
  const object = objectOf(apiVersion, kind, objectMeta(dnsSubdomain, true), { spec }, ['status'])
  return raw => {
    const parsed = object(raw)
    if (isLeft(parsed)) return parsed
    const { metadata, spec: workload } = parsed.right
    const found = workload.template.metadata.labels
    if (workload.selector !== undefined && !matchesSelector(workload.selector, new Map(Object.entries(found))))
      return refuse(
        'spec.template.metadata.labels',
        'the selector does not match the template',
        found,
        'labels that spec.selector matches',
      )
    return right(podsOf(kind, metadata, workload))
  }
}

/** The pods of an apps/v1 Deployment, ReplicaSet, StatefulSet, DaemonSet (one pod), a batch/v1 Job, a v1 ReplicationController. */
export const parseDeployment = workloadParser(
  'apps/v1',
  'Deployment',
  replicated(requiredSelector, ['strategy', 'revisionHistoryLimit', 'paused', 'progressDeadlineSeconds']),
)
export const parseReplicaSet = workloadParser('apps/v1', 'ReplicaSet', replicated(requiredSelector, []))
export const parseStatefulSet = workloadParser('apps/v1', 'StatefulSet', statefulSet)
export const parseDaemonSet = workloadParser('apps/v1', 'DaemonSet', daemonSet)
export const parseJob = workloadParser('batch/v1', 'Job', job)
export const parseReplicationController = workloadParser('v1', 'ReplicationController', replicated(mapSelector, []))
