import { isLeft, right } from 'fp-ts/lib/Either.js'
import type { ClusterPolicyFact, ClusterPolicyPeer, ClusterPolicyRule } from '../../event/cluster-policy.js'
import { withoutEmptyFields } from '../empty.js'
import { type ObjectMeta, objectMeta, objectOf } from '../metadata.js'
import { dnsSubdomain } from '../names.js'
import { fieldPath, itemPath } from '../path.js'
import { type Parsed, refuse } from '../problem.js'
import { integer, oneOf, optional, optionalText, type Reader, record, text, andThen } from '../reader.js'
import { remarksOf } from '../remarks.js'
import { listWithin, present, unless, within } from '../shape.js'
import { egressPeer, ingressPeer, type PeerRules, subject } from './peers.js'
import { alphaPorts, protocols, type RulePorts } from './ports.js'

/** How one kind of the API spells its rules, and how many it takes. */
interface Dialect extends PeerRules {
  readonly actions: Readonly<Record<string, ClusterPolicyRule['action']>>
  readonly portsField: 'protocols' | 'ports'
  readonly ports: Reader<RulePorts>
  readonly rulesMax: number
}

const accept = { Accept: 'accept', Deny: 'deny', Pass: 'pass' } as const
const allow = { Allow: 'accept', Deny: 'deny', Pass: 'pass' } as const
const baseline = { Allow: 'accept', Deny: 'deny' } as const

const clusterDialect: Dialect = {
  actions: accept,
  portsField: 'protocols',
  ports: protocols,
  rulesMax: 25,
  needsNamespaceSelector: false,
  domainNames: true,
}

const adminDialect: Dialect = {
  actions: allow,
  portsField: 'ports',
  ports: alphaPorts,
  rulesMax: 100,
  needsNamespaceSelector: true,
  domainNames: true,
}

const baselineDialect: Dialect = { ...adminDialect, actions: baseline, domainNames: false }

/** Kinds of peers that have addresses but no containers, and so no names of ports. */
const portless: readonly ClusterPolicyPeer['kind'][] = ['nodes', 'networks', 'domainNames']

const conflicts = (
  rule: ClusterPolicyRule,
  peersField: string,
  { portsField, actions }: Dialect,
): readonly Parsed<unknown>[] => {
  const allowing = Object.keys(actions)[0]!
  const names = rule.ports?.named ?? []
  return rule.peers.flatMap(({ kind }, index) => {
    const at = fieldPath(itemPath(fieldPath(rule.path, peersField), index), kind)
    const unnamed =
      names.length > 0 && portless.includes(kind)
        ? refuse(at, `${kind} have no port named ${names[0]!.name}`, undefined, `numbers in ${portsField}, or pods`)
        : right(kind)
    const allowed =
      kind === 'domainNames' && rule.action !== 'accept'
        ? refuse(at, `domain names can't be peers of ${rule.action} rules`, undefined, `action: ${allowing}`)
        : right(kind)
    return [unnamed, allowed]
  })
}

const rule = (peersField: 'from' | 'to', dialect: Dialect): Reader<ClusterPolicyRule> => {
  const peer = peersField === 'from' ? ingressPeer(dialect) : egressPeer(dialect)
  const fields = record({
    name: optionalText(within(text, 100), undefined),
    action: oneOf(Object.keys(dialect.actions)),
    [peersField]: listWithin<ClusterPolicyPeer>(peer, 1, dialect.rulesMax, 'peers'),
    [dialect.portsField]: optional(dialect.ports, undefined),
  })
  return andThen(fields, (read, path) => {
    const rule: ClusterPolicyRule = {
      path,
      action: dialect.actions[read.action as string]!,
      peers: read[peersField] as readonly ClusterPolicyPeer[],
      ...present({
        name: read.name as string | undefined,
        ports: read[dialect.portsField] as RulePorts | undefined,
      }),
    }
    return unless(rule, conflicts(rule, peersField, dialect))
  })
}

const noRules: readonly ClusterPolicyRule[] = []

const specFields = (dialect: Dialect) => ({
  subject: subject(dialect),
  ingress: optional(listWithin(rule('from', dialect), 0, dialect.rulesMax, 'rules'), noRules),
  egress: optional(listWithin(rule('to', dialect), 0, dialect.rulesMax, 'rules'), noRules),
})

const priority = integer(0, 1000)

/** The schemas' only default: ports of v1alpha1 are of TCP. */
const defaulted = ['protocol']

type Spec = Omit<ClusterPolicyFact, 'kind' | 'name'>

const parser = (
  apiVersion: string,
  kind: ClusterPolicyFact['kind'],
  spec: Reader<Spec>,
): ((raw: unknown) => Parsed<ClusterPolicyFact>) => {
  const fields = { spec: withoutEmptyFields(spec, defaulted) }
  const object = objectOf(apiVersion, kind, objectMeta(dnsSubdomain, false), fields, ['status'])
  return raw => {
    const parsed = object(raw)
    if (isLeft(parsed)) return parsed
    const { metadata, spec } = parsed.right
    const remarks = remarksOf(metadata)
    if (isLeft(remarks)) return remarks
    return unless<ClusterPolicyFact>({ kind, name: metadata.name, ...spec, ...remarks.right }, [named(kind, metadata)])
  }
}

/** There is one baseline in a cluster, and its name is settled. */
const named = (kind: ClusterPolicyFact['kind'], { name }: ObjectMeta): Parsed<unknown> =>
  kind !== 'BaselineAdminNetworkPolicy' || name === 'default'
    ? right(name)
    : refuse('metadata.name', 'the only BaselineAdminNetworkPolicy of a cluster has another name', name, 'default')

const tiers = { Admin: 'admin', Baseline: 'baseline' } as const

const clusterSpec: Reader<Spec> = andThen(
  record({ tier: oneOf(['Admin', 'Baseline']), priority, ...specFields(clusterDialect) }),
  ({ tier, ...rest }) => right({ tier: tiers[tier], ...rest }),
)

const adminSpec: Reader<Spec> = andThen(record({ priority, ...specFields(adminDialect) }), spec =>
  right({ tier: 'admin' as const, ...spec }),
)

const baselineSpec: Reader<Spec> = andThen(record(specFields(baselineDialect)), spec =>
  right({ tier: 'baseline' as const, priority: 0, ...spec }),
)

/**
 * policy.networking.k8s.io/v1alpha2 ClusterNetworkPolicy, its schema's bounds and rules included. Rules keep their
 * order: the first that matches decides.
 */
export const parseClusterNetworkPolicy = parser(
  'policy.networking.k8s.io/v1alpha2',
  'ClusterNetworkPolicy',
  clusterSpec,
)

/** policy.networking.k8s.io/v1alpha1 AdminNetworkPolicy. */
export const parseAdminNetworkPolicy = parser('policy.networking.k8s.io/v1alpha1', 'AdminNetworkPolicy', adminSpec)

/** policy.networking.k8s.io/v1alpha1 BaselineAdminNetworkPolicy, which must be called `default`. */
export const parseBaselineAdminNetworkPolicy = parser(
  'policy.networking.k8s.io/v1alpha1',
  'BaselineAdminNetworkPolicy',
  baselineSpec,
)
