import { isLeft, right } from 'fp-ts/lib/Either.js'
import { prefixText } from '../../address/address.js'
import type { ClusterPolicyPeer, NamespacedPods } from '../../event/cluster-policy.js'
import type { LabelSelector } from '../../policy/selector.js'
import { canonicalCidrs, cidr } from '../address.js'
import { itemPath } from '../path.js'
import { type Parsed, refuse } from '../problem.js'
import { optional, type Reader, record, text, andThen } from '../reader.js'
import { labelSelector, sortedUnique } from '../selector.js'
import { listWithin, matching, onlyField, unless, within } from '../shape.js'

/** What the versions of the API differ in, as far as peers go. */
export interface PeerRules {
  /** v1alpha1 wants both selectors of `pods`; in v1alpha2 an absent namespaceSelector selects every namespace. */
  readonly needsNamespaceSelector: boolean
  readonly domainNames: boolean
}

const namespaces: Reader<NamespacedPods> = andThen(labelSelector, selector => right({ kind: 'namespaces', selector }))

const everything: LabelSelector = []

const pods = ({ needsNamespaceSelector }: PeerRules): Reader<NamespacedPods> =>
  andThen(
    record({
      namespaceSelector: needsNamespaceSelector ? labelSelector : optional(labelSelector, everything),
      podSelector: labelSelector,
    }),
    ({ namespaceSelector, podSelector }) => right({ kind: 'pods', namespaceSelector, podSelector }),
  )

/** `subject`: pods by their namespaces, or by both. */
export const subject = (rules: PeerRules): Reader<NamespacedPods> =>
  andThen(
    record({ namespaces: optional(namespaces, undefined), pods: optional(pods(rules), undefined) }),
    (fields, path) => onlyField<NamespacedPods>(fields, path),
  )

/** An item of `from`. */
export const ingressPeer: (rules: PeerRules) => Reader<ClusterPolicyPeer> = subject

const nodes: Reader<ClusterPolicyPeer> = andThen(labelSelector, selector => right({ kind: 'nodes', selector }))

/** The list's items once each, as `x-kubernetes-list-type: set` has it. */
const eachOnce = (items: readonly string[], path: string): readonly Parsed<unknown>[] =>
  items.map((item, index) =>
    items.indexOf(item) === index
      ? right(item)
      : refuse(itemPath(path, index), 'this stands in the list already', item, 'each item once'),
  )

const networks: Reader<ClusterPolicyPeer> = andThen(listWithin(cidr, 1, 25, 'networks'), (blocks, path) =>
  unless<ClusterPolicyPeer>(
    { kind: 'networks', cidrs: canonicalCidrs(blocks) },
    eachOnce(blocks.map(prefixText), path),
  ),
)

const domainName: Reader<string> = andThen(
  matching(
    within(text, 255),
    /^(\*\.)?([a-zA-Z0-9]([-a-zA-Z0-9_]*[a-zA-Z0-9])?\.)+[a-zA-Z0-9]([-a-zA-Z0-9_]*[a-zA-Z0-9])?\.?$/,
    'a domain name',
    'a DNS name of at least two labels, or "*." before one',
  ),
  name => right(name.toLowerCase().replace(/\.$/, '')),
)

const domainNames: Reader<ClusterPolicyPeer> = andThen(listWithin(domainName, 1, 25, 'domain names'), (names, path) =>
  unless<ClusterPolicyPeer>({ kind: 'domainNames', names: sortedUnique(names) }, eachOnce(names, path)),
)

/** An item of `to`. */
export const egressPeer = (rules: PeerRules): Reader<ClusterPolicyPeer> => {
  const shared = {
    namespaces: optional(namespaces, undefined),
    pods: optional(pods(rules), undefined),
    nodes: optional(nodes, undefined),
    networks: optional(networks, undefined),
  }
  const fields = rules.domainNames ? { ...shared, domainNames: optional(domainNames, undefined) } : shared
  return andThen(record(fields), (read, path) => {
    const only = onlyField<ClusterPolicyPeer>(read, path)
    return isLeft(only) ? only : right(only.right)
  })
}
