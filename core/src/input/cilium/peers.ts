import { right } from 'fp-ts/lib/Either.js'
import type { CidrSource, CiliumPeers, Entity, FqdnSelector, ServiceReference } from '../../event/cilium.js'
import type { Problem } from '../../errors.js'
import type { LabelSelector } from '../../policy/selector.js'
import { dnsLabel, dnsServiceLabel } from '../names.js'
import { fieldPath } from '../path.js'
import { missing } from '../problem.js'
import { listOf, oneOf, optional, optionalText, type Reader, record, andThen } from '../reader.js'
import { forbidden } from '../shape.js'
import { cidrList, cidrSet } from './cidr.js'
import { fqdnSelector } from './fqdn.js'
import { ciliumSelector } from './selector.js'

const entities: readonly Entity[] = [
  ...(['all', 'world', 'world-ipv4', 'world-ipv6', 'cluster', 'host', 'remote-node', 'kube-apiserver'] as const),
  ...(['init', 'health', 'unmanaged', 'ingress', 'none'] as const),
]

const entityList: Reader<readonly Entity[]> = andThen(listOf(oneOf(entities)), list =>
  right(entities.filter(entity => list.includes(entity))),
)

const namedService: Reader<ServiceReference> = andThen(
  record({ namespace: dnsLabel, serviceName: dnsServiceLabel }),
  ({ namespace, serviceName }) => right({ kind: 'name', namespace, name: serviceName }),
)

const selectedServices: Reader<ServiceReference> = andThen(
  record({ namespace: optionalText(dnsLabel, ''), selector: ciliumSelector }),
  ({ namespace, selector }) => right({ kind: 'selector', namespace, selector }),
)

/** An item of `toServices`: by name, by labels, or by either. */
const service: Reader<readonly ServiceReference[]> = andThen(
  record({ k8sService: optional(namedService, undefined), k8sServiceSelector: optional(selectedServices, undefined) }),
  ({ k8sService, k8sServiceSelector }, path) => {
    const references = [k8sService, k8sServiceSelector].filter(reference => reference !== undefined)
    return references.length > 0 ? right(references) : missing(path, 'k8sService or k8sServiceSelector')
  },
)

const services: Reader<readonly ServiceReference[]> = andThen(listOf(service), lists => right(lists.flat()))

type Kind = 'Endpoints' | 'CIDR' | 'CIDRSet' | 'Entities' | 'Nodes' | 'Services' | 'FQDNs'

type PeerLists = {
  readonly Endpoints: readonly LabelSelector[] | undefined
  readonly CIDR: readonly CidrSource[] | undefined
  readonly CIDRSet: readonly CidrSource[] | undefined
  readonly Entities: readonly Entity[] | undefined
  readonly Nodes: readonly LabelSelector[] | undefined
  readonly Services: readonly ServiceReference[] | undefined
  readonly FQDNs: readonly FqdnSelector[] | undefined
}

const kinds: readonly Kind[] = ['Endpoints', 'CIDR', 'CIDRSet', 'Entities', 'Nodes', 'Services', 'FQDNs']

const builders: { readonly [K in Kind]: (list: NonNullable<PeerLists[K]>) => CiliumPeers } = {
  Endpoints: selectors => ({ kind: 'endpoints', selectors }),
  CIDR: cidrs => ({ kind: 'cidrs', cidrs }),
  CIDRSet: cidrs => ({ kind: 'cidrs', cidrs }),
  Entities: entities => ({ kind: 'entities', entities }),
  Nodes: selectors => ({ kind: 'nodes', selectors }),
  Services: services => ({ kind: 'services', services }),
  FQDNs: fqdns => ({ kind: 'fqdns', fqdns }),
}

const built = <K extends Kind>(kind: K, lists: PeerLists): CiliumPeers | undefined => {
  const list = lists[kind]
  return list === undefined ? undefined : builders[kind](list)
}

const list = <A>(reader: Reader<readonly A[]>): Reader<readonly A[] | undefined> => optional(reader, undefined)

/**
 * The fields of peers that a rule of this direction has, each with its reader: spread into the rule's own record. What
 * this build can't enforce, or nobody does, is refused with the reason, and never read as "no peers given".
 */
export const peerFields = (prefix: 'from' | 'to', deny: boolean) => {
  const egress = prefix === 'to'
  return {
    [`${prefix}Endpoints`]: list(listOf(ciliumSelector)),
    [`${prefix}CIDR`]: list(cidrList),
    [`${prefix}CIDRSet`]: list(cidrSet),
    [`${prefix}Entities`]: list(entityList),
    [`${prefix}Nodes`]: list(listOf(ciliumSelector)),
    [`${prefix}Groups`]: forbidden(
      'this build has no cloud provider to ask for the members of groups',
      `the groups' addresses, in ${prefix}CIDRSet`,
    ),
    [`${prefix}Requires`]: requires(prefix),
    ...(egress ? { toServices: list(services), toFQDNs: deny ? fqdnInDeny : list(listOf(fqdnSelector)) } : {}),
    ...(egress ? {} : { fromServices: notInIngress('Services'), fromFQDNs: notInIngress('FQDNs') }),
  }
}

const fqdnInDeny = forbidden('a deny rule has no FQDNs', 'toCIDR, or toFQDNs in egress')

const notInIngress = (kind: 'Services' | 'FQDNs'): Reader<undefined> =>
  forbidden(`${kind} are peers of egress alone`, `to${kind}, in egress`)

/** Deprecated, and legal only where empty: nobody enforces it, so that to read on would be to pass what it forbids. */
const requires =
  (prefix: 'from' | 'to'): Reader<undefined> =>
  (value, path) =>
    Array.isArray(value) && value.length === 0
      ? right(undefined)
      : forbidden(
          `${prefix}Requires is not enforced any more`,
          `${prefix}Endpoints whose selectors say what is required`,
        )(value, path)

/** Kinds of peers don't mix: every field with items after the first is named. Looks at the rule as it is written. */
export const mixedPeers = (
  prefix: 'from' | 'to',
  raw: Readonly<Record<string, unknown>>,
  path: string,
): readonly Problem[] => {
  const names = kinds.map(kind => `${prefix}${kind}`)
  const [first, ...others] = names.filter(name => {
    const list = Object.hasOwn(raw, name) ? raw[name] : undefined
    return Array.isArray(list) && list.length > 0
  })
  return others.map(name => ({
    path: fieldPath(path, name),
    message: `${name} stands beside ${first}`,
    expected: 'one kind of peers in a rule; another rule for each other kind',
  }))
}

/** The peers of a rule whose fields don't mix. Absent when no field is there; nobody when all that are there are empty. */
export const peersOf = (prefix: 'from' | 'to', fields: Readonly<Record<string, unknown>>): CiliumPeers | undefined => {
  const lists = Object.fromEntries(kinds.map(kind => [kind, fields[`${prefix}${kind}`]])) as unknown as PeerLists
  const given = kinds.filter(kind => lists[kind] !== undefined)
  const kind = given.find(kind => lists[kind]!.length > 0) ?? given[0]
  return kind === undefined ? undefined : built(kind, lists)
}
