import { map } from 'fp-ts/lib/Either.js'
import type { Problem } from '../errors.js'
import type { CidrGroupFact, CiliumPolicyFact } from '../event/cilium.js'
import type { ClusterPolicyFact } from '../event/cluster-policy.js'
import type { EventBody, ObjectKey, PodFact } from '../event/event.js'
import { parseCidrGroup, parseCidrGroupAlpha } from './cilium/cidr-group.js'
import { parseEgressGatewayPolicy } from './cilium/egress-gateway.js'
import { parseLocalRedirectPolicy } from './cilium/local-redirect.js'
import { parseCiliumClusterwideNetworkPolicy, parseCiliumNetworkPolicy } from './cilium/policy.js'
import {
  parseAdminNetworkPolicy,
  parseBaselineAdminNetworkPolicy,
  parseClusterNetworkPolicy,
} from './cluster-policy/policy.js'
import { parseEndpointSlice } from './endpoint-slice.js'
import { parseNamespace } from './namespace.js'
import { nearestWord } from './nearest.js'
import { parseNetworkPolicy } from './network-policy.js'
import { parseNode } from './node.js'
import { parsePod } from './pod.js'
import { type Parsed, shortened } from './problem.js'
import { isMap } from './reader.js'
import { parseService } from './service.js'
import {
  parseDaemonSet,
  parseDeployment,
  parseJob,
  parseReplicaSet,
  parseReplicationController,
  parseStatefulSet,
} from './workload.js'

/** An event that says how an object now looks. */
export type UpsertBody = Extract<EventBody, { readonly kind: `${string}.upserted` }>

/** A kind of object that Weir reads. */
export interface InputKind {
  readonly apiVersion: string
  readonly kind: string
  readonly namespaced: boolean
  /** The object as event bodies: one, or one for each pod of a workload (none when it asks for no pods). */
  readonly parse: (raw: unknown) => Parsed<readonly UpsertBody[]>
}

const one =
  <Fact>(parse: (raw: unknown) => Parsed<Fact>, body: (fact: Fact) => UpsertBody) =>
  (raw: unknown): Parsed<readonly UpsertBody[]> =>
    map((fact: Fact): readonly UpsertBody[] => [body(fact)])(parse(raw))

const upsertedPod = (pod: PodFact): UpsertBody => ({ kind: 'pod.upserted', pod })

const pods =
  (parse: (raw: unknown) => Parsed<readonly PodFact[]>) =>
  (raw: unknown): Parsed<readonly UpsertBody[]> =>
    map((facts: readonly PodFact[]) => facts.map(upsertedPod))(parse(raw))

const upsertedCiliumPolicy = (policy: CiliumPolicyFact): UpsertBody => ({ kind: 'ciliumpolicy.upserted', policy })
const upsertedCidrGroup = (group: CidrGroupFact): UpsertBody => ({ kind: 'cidrgroup.upserted', group })
const upsertedClusterPolicy = (policy: ClusterPolicyFact): UpsertBody => ({ kind: 'clusterpolicy.upserted', policy })

const kinds: readonly InputKind[] = [
  {
    apiVersion: 'v1',
    kind: 'Namespace',
    namespaced: false,
    parse: one(parseNamespace, namespace => ({ kind: 'namespace.upserted', namespace })),
  },
  {
    apiVersion: 'v1',
    kind: 'Node',
    namespaced: false,
    parse: one(parseNode, node => ({ kind: 'node.upserted', node })),
  },
  { apiVersion: 'v1', kind: 'Pod', namespaced: true, parse: one(parsePod, upsertedPod) },
  { apiVersion: 'v1', kind: 'ReplicationController', namespaced: true, parse: pods(parseReplicationController) },
  {
    apiVersion: 'v1',
    kind: 'Service',
    namespaced: true,
    parse: one(parseService, service => ({ kind: 'service.upserted', service })),
  },
  { apiVersion: 'apps/v1', kind: 'DaemonSet', namespaced: true, parse: pods(parseDaemonSet) },
  { apiVersion: 'apps/v1', kind: 'Deployment', namespaced: true, parse: pods(parseDeployment) },
  { apiVersion: 'apps/v1', kind: 'ReplicaSet', namespaced: true, parse: pods(parseReplicaSet) },
  { apiVersion: 'apps/v1', kind: 'StatefulSet', namespaced: true, parse: pods(parseStatefulSet) },
  { apiVersion: 'batch/v1', kind: 'Job', namespaced: true, parse: pods(parseJob) },
  {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    namespaced: true,
    parse: one(parseNetworkPolicy, policy => ({ kind: 'networkpolicy.upserted', policy })),
  },
  {
    apiVersion: 'cilium.io/v2',
    kind: 'CiliumNetworkPolicy',
    namespaced: true,
    parse: one(parseCiliumNetworkPolicy, upsertedCiliumPolicy),
  },
  {
    apiVersion: 'cilium.io/v2',
    kind: 'CiliumClusterwideNetworkPolicy',
    namespaced: false,
    parse: one(parseCiliumClusterwideNetworkPolicy, upsertedCiliumPolicy),
  },
  {
    apiVersion: 'cilium.io/v2',
    kind: 'CiliumCIDRGroup',
    namespaced: false,
    parse: one(parseCidrGroup, upsertedCidrGroup),
  },
  {
    apiVersion: 'cilium.io/v2',
    kind: 'CiliumLocalRedirectPolicy',
    namespaced: true,
    parse: one(parseLocalRedirectPolicy, redirect => ({ kind: 'localredirect.upserted', redirect })),
  },
  {
    apiVersion: 'cilium.io/v2',
    kind: 'CiliumEgressGatewayPolicy',
    namespaced: false,
    parse: one(parseEgressGatewayPolicy, policy => ({ kind: 'egressgateway.upserted', policy })),
  },
  {
    apiVersion: 'cilium.io/v2alpha1',
    kind: 'CiliumCIDRGroup',
    namespaced: false,
    parse: one(parseCidrGroupAlpha, upsertedCidrGroup),
  },
  {
    apiVersion: 'policy.networking.k8s.io/v1alpha2',
    kind: 'ClusterNetworkPolicy',
    namespaced: false,
    parse: one(parseClusterNetworkPolicy, upsertedClusterPolicy),
  },
  {
    apiVersion: 'policy.networking.k8s.io/v1alpha1',
    kind: 'AdminNetworkPolicy',
    namespaced: false,
    parse: one(parseAdminNetworkPolicy, upsertedClusterPolicy),
  },
  {
    apiVersion: 'policy.networking.k8s.io/v1alpha1',
    kind: 'BaselineAdminNetworkPolicy',
    namespaced: false,
    parse: one(parseBaselineAdminNetworkPolicy, upsertedClusterPolicy),
  },
  {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    namespaced: true,
    parse: one(parseEndpointSlice, slice => ({ kind: 'endpointslice.upserted', slice })),
  },
]

/** Every kind that Weir reads, by `apiVersion/kind`. */
export const inputKinds: ReadonlyMap<string, InputKind> = new Map(
  kinds.map(input => [`${input.apiVersion}/${input.kind}`, input]),
)

/** What an object turns out to be before its fields are read. */
export type Recognition =
  | { readonly status: 'known'; readonly input: InputKind; readonly object: ObjectKey }
  /** An object of a kind that Weir has no use for, or does not enforce. */
  | { readonly status: 'unknown'; readonly apiVersion: string; readonly object: ObjectKey; readonly reason: string }
  /** No object, or one whose kind is a slip of the pen. */
  | { readonly status: 'broken'; readonly object: ObjectKey; readonly problems: readonly Problem[] }

/** API groups that the kinds above are or were served in, by their present or former versions. */
const ownGroups = new Set([
  ...['', 'apps', 'batch', 'extensions', 'networking.k8s.io', 'discovery.k8s.io'],
  ...['cilium.io', 'policy.networking.k8s.io'],
])

/** Kinds whose absence from the verdicts a reader should know of. */
const unenforced = /(NetworkPolicy|NetworkPolicies)$/

const groupOf = (apiVersion: string): string =>
  apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : ''

const unknownReason = (apiVersion: string, kind: string): string => {
  if (unenforced.test(kind)) return `this build does not enforce ${kind} of ${apiVersion}`
  if (apiVersion === 'batch/v1' && kind === 'CronJob') return 'its Jobs are made by a clock, not by the manifest'
  return `${kind} of ${apiVersion} decides no verdict`
}

/** No legal name of an object, a kind or a version is longer. */
const longestName = 253

const textAt = (raw: Readonly<Record<string, unknown>>, field: string): string => {
  const value = Object.hasOwn(raw, field) ? raw[field] : undefined
  return typeof value === 'string' ? value.slice(0, longestName) : ''
}

const broken = (object: ObjectKey, path: string, message: string, value: unknown, expected: string): Recognition => {
  const shown = value === undefined ? {} : { value: shortened(value) }
  return { status: 'broken', object, problems: [{ path, message, ...shown, expected }] }
}

const recogniseStranger = (apiVersion: string, object: ObjectKey): Recognition => {
  const { kind } = object
  const home = kinds.find(input => input.kind === kind)
  if (home !== undefined && ownGroups.has(groupOf(apiVersion)))
    return broken(object, 'apiVersion', `${kind} is not of this version`, apiVersion, home.apiVersion)
  const siblings = kinds.filter(input => input.apiVersion === apiVersion).map(input => input.kind)
  const near = nearestWord(kind, siblings)
  if (near !== undefined) return broken(object, 'kind', `${apiVersion} has no such kind`, kind, near)
  return { status: 'unknown', apiVersion, object, reason: unknownReason(apiVersion, kind) }
}

/**
 * Tells objects to be read from those to be skipped and from those that are broken. A known kind under a wrong version
 * of Kubernetes' own groups, and a misspelt known kind, are broken: to skip a policy for a typing slip would open what
 * it closes. The object's key is as good as can be told; its name is '' when there is none.
 */
export const recognise = (raw: unknown): Recognition => {
  if (!isMap(raw)) {
    const nobody = { kind: '', namespace: '', name: '' }
    return broken(nobody, '', 'this is not an object', raw, 'a map with apiVersion, kind and metadata')
  }
  const apiVersion = textAt(raw, 'apiVersion')
  const kind = textAt(raw, 'kind')
  const metadata = isMap(raw.metadata) ? raw.metadata : {}
  const input = inputKinds.get(`${apiVersion}/${kind}`)
  const namespace = textAt(metadata, 'namespace')
  const home = input ?? kinds.find(candidate => candidate.kind === kind)
  const object = {
    kind,
    namespace: home === undefined ? namespace : home.namespaced ? namespace || 'default' : '',
    name: textAt(metadata, 'name'),
  }
  if (kind === '') return broken(object, 'kind', 'this field is required', raw.kind, 'such as NetworkPolicy')
  if (apiVersion === '')
    return broken(object, 'apiVersion', 'this field is required', raw.apiVersion, home?.apiVersion ?? 'such as v1')
  return input === undefined ? recogniseStranger(apiVersion, object) : { status: 'known', input, object }
}
