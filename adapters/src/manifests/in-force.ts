import type { EventBody, ObjectKey } from '@weir/core/event/event.js'
import { upserted } from '@weir/core/event/object-of.js'
import type { PolicyFact } from '@weir/core/event/policy-fact.js'
import type { UpsertBody } from '@weir/core/input/kinds.js'
import type { KnownFacts } from './known.js'
import { keyText } from './set.js'

/** A fact that the log has said, with its key and the event that would end it. */
export interface FactInForce {
  readonly key: ObjectKey
  /** Of a pod that a workload made. */
  readonly workload?: string | undefined
  readonly fact: unknown
  readonly end: EventBody
}

interface Named {
  readonly namespace: string
  readonly name: string
}

const namespacedKey = (kind: string, { namespace, name }: Named): ObjectKey => ({ kind, namespace, name })
const clusterKey = (kind: string, name: string): ObjectKey => ({ kind, namespace: '', name })

/** The key and the fact of an upsert. */
export const factOf = (body: UpsertBody): { readonly key: ObjectKey; readonly fact: unknown } => {
  const key = upserted(body)
  switch (body.kind) {
    case 'namespace.upserted':
      return { key, fact: body.namespace }
    case 'node.upserted':
      return { key, fact: body.node }
    case 'pod.upserted':
      return { key, fact: body.pod }
    case 'service.upserted':
      return { key, fact: body.service }
    case 'networkpolicy.upserted':
    case 'ciliumpolicy.upserted':
    case 'clusterpolicy.upserted':
    case 'egressgateway.upserted':
      return { key, fact: body.policy }
    case 'cidrgroup.upserted':
      return { key, fact: body.group }
    case 'endpointslice.upserted':
      return { key, fact: body.slice }
    case 'localredirect.upserted':
      return { key, fact: body.redirect }
  }
}

type Ended =
  | 'pod.deleted'
  | 'service.deleted'
  | 'networkpolicy.deleted'
  | 'endpointslice.deleted'
  | 'localredirect.deleted'

const ended = (kind: Ended, { namespace, name }: Named): EventBody => ({ kind, namespace, name })

/** Facts of one kind as the log keeps them, and what each becomes. */
class Kept<Fact> {
  readonly #of: (known: KnownFacts) => ReadonlyMap<string, { readonly fact: Fact }> | undefined
  readonly #by: (key: ObjectKey) => string
  readonly #as: (fact: Fact) => FactInForce
  /** Of kinds of policies, which may be staged: then the log has said them too. */
  readonly #staged: (policy: PolicyFact) => Fact | undefined

  constructor(
    of: (known: KnownFacts) => ReadonlyMap<string, { readonly fact: Fact }> | undefined,
    by: (key: ObjectKey) => string,
    as: (fact: Fact) => FactInForce,
    staged: (policy: PolicyFact) => Fact | undefined = () => undefined,
  ) {
    this.#of = of
    this.#by = by
    this.#as = as
    this.#staged = staged
  }

  *all(known: KnownFacts): Generator<FactInForce> {
    for (const { fact } of this.#of(known)?.values() ?? []) yield this.#as(fact)
    for (const policy of known.staged?.values() ?? []) {
      const fact = this.#staged(policy)
      if (fact !== undefined) yield this.#as(fact)
    }
  }

  one(known: KnownFacts, key: ObjectKey): FactInForce | undefined {
    const policy = known.staged?.get(keyText(key))
    const fact = this.#of(known)?.get(this.#by(key))?.fact ?? (policy === undefined ? undefined : this.#staged(policy))
    return fact === undefined ? undefined : this.#as(fact)
  }
}

const byName = ({ name }: ObjectKey): string => name
const byNamespace = ({ namespace, name }: ObjectKey): string => `${namespace}/${name}`

const ciliumPolicies = new Kept(
  known => known.ciliumPolicies,
  keyText,
  fact => {
    const { kind: policyKind, namespace, name } = fact
    const end: EventBody = { kind: 'ciliumpolicy.deleted', policyKind, namespace, name }
    return { key: namespacedKey(policyKind, fact), fact, end }
  },
  policy => (policy.dialect === 'cilium' ? policy.fact : undefined),
)

const clusterPolicies = new Kept(
  known => known.clusterPolicies,
  keyText,
  fact => {
    const { kind: policyKind, name } = fact
    return { key: clusterKey(policyKind, name), fact, end: { kind: 'clusterpolicy.deleted', policyKind, name } }
  },
  policy => (policy.dialect === 'cluster' ? policy.fact : undefined),
)

/** By the kinds of keys; two kinds may share their facts. */
const kinds = {
  Namespace: new Kept(
    known => known.namespaces,
    byName,
    fact => ({
      key: clusterKey('Namespace', fact.name),
      fact,
      end: { kind: 'namespace.deleted', name: fact.name },
    }),
  ),
  Node: new Kept(
    known => known.nodes,
    byName,
    fact => ({ key: clusterKey('Node', fact.name), fact, end: { kind: 'node.deleted', name: fact.name } }),
  ),
  Pod: new Kept(
    known => known.pods,
    byNamespace,
    fact => ({ key: namespacedKey('Pod', fact), workload: fact.workload, fact, end: ended('pod.deleted', fact) }),
  ),
  Service: new Kept(
    known => known.services,
    byNamespace,
    fact => ({ key: namespacedKey('Service', fact), fact, end: ended('service.deleted', fact) }),
  ),
  NetworkPolicy: new Kept(
    known => known.policies,
    byNamespace,
    fact => ({ key: namespacedKey('NetworkPolicy', fact), fact, end: ended('networkpolicy.deleted', fact) }),
    policy => (policy.dialect === 'kubernetes' ? policy.fact : undefined),
  ),
  EndpointSlice: new Kept(
    known => known.endpointSlices,
    byNamespace,
    fact => ({ key: namespacedKey('EndpointSlice', fact), fact, end: ended('endpointslice.deleted', fact) }),
  ),
  CiliumLocalRedirectPolicy: new Kept(
    known => known.localRedirects,
    byNamespace,
    fact => ({
      key: namespacedKey('CiliumLocalRedirectPolicy', fact),
      fact,
      end: ended('localredirect.deleted', fact),
    }),
  ),
  CiliumEgressGatewayPolicy: new Kept(
    known => known.egressGateways,
    byName,
    fact => ({
      key: clusterKey('CiliumEgressGatewayPolicy', fact.name),
      fact,
      end: { kind: 'egressgateway.deleted', name: fact.name },
    }),
  ),
  CiliumCIDRGroup: new Kept(
    known => known.cidrGroups,
    byName,
    fact => ({
      key: clusterKey('CiliumCIDRGroup', fact.name),
      fact,
      end: { kind: 'cidrgroup.deleted', name: fact.name },
    }),
  ),
  CiliumNetworkPolicy: ciliumPolicies,
  CiliumClusterwideNetworkPolicy: ciliumPolicies,
  ClusterNetworkPolicy: clusterPolicies,
  AdminNetworkPolicy: clusterPolicies,
  BaselineAdminNetworkPolicy: clusterPolicies,
} as const

type Kind = keyof typeof kinds

const isKind = (kind: string): kind is Kind => Object.hasOwn(kinds, kind)

/** Every fact in force. */
export function* allInForce(known: KnownFacts): Generator<FactInForce> {
  for (const kept of new Set(Object.values(kinds))) yield* kept.all(known)
}

/** The facts in force that have keys of this kind. */
export function* inForceOfKind(known: KnownFacts, kind: string): Generator<FactInForce> {
  if (!isKind(kind)) return
  for (const found of kinds[kind].all(known)) if (found.key.kind === kind) yield found
}

/** The pods in force. */
export const podsInForce = (known: KnownFacts): Generator<FactInForce> => kinds.Pod.all(known)

/** The facts in force that have these keys. */
export function* inForceOf(known: KnownFacts, keys: Iterable<ObjectKey>): Generator<FactInForce> {
  for (const key of keys) {
    const found = isKind(key.kind) ? kinds[key.kind].one(known, key) : undefined
    if (found !== undefined && keyText(found.key) === keyText(key)) yield found
  }
}
