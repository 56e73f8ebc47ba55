import { isLeft, right } from 'fp-ts/lib/Either.js'
import type { NodeFact } from '../event/event.js'
import type { Prefix } from '../address/address.js'
import { address, canonicalAddresses, canonicalCidrs, cidr } from './address.js'
import { objectMeta, objectOf } from './metadata.js'
import { dnsSubdomain } from './names.js'
import type { Parsed } from './problem.js'
import { listOf, looseRecord, optional, optionalText, type Reader, record, text, andThen } from './reader.js'

const spec: Reader<readonly string[]> = andThen(
  record({ podCIDR: optionalText(cidr, undefined), podCIDRs: optional(listOf(cidr), [] as readonly Prefix[]) }, [
    'providerID',
    'unschedulable',
    'taints',
    'configSource',
    'externalID',
  ]),
  ({ podCIDR, podCIDRs }) => {
    const all = podCIDR === undefined ? podCIDRs : [podCIDR, ...podCIDRs]
    return right(canonicalCidrs(all))
  },
)

/** Host names are no addresses; the kubelet lists both in one place. */
const nodeAddress: Reader<Prefix | undefined> = andThen(
  looseRecord({ type: text, address: text }),
  ({ type, address: value }, path) =>
    type === 'InternalIP' || type === 'ExternalIP' ? address(value, `${path}.address`) : right(undefined),
)

const status: Reader<readonly string[]> = andThen(
  looseRecord({ addresses: optional(listOf(nodeAddress), []) }),
  ({ addresses }) => right(canonicalAddresses(addresses.flatMap(found => found ?? []))),
)

const none: readonly string[] = []

const node = objectOf(
  'v1',
  'Node',
  objectMeta(dnsSubdomain, false),
  { spec: optional(spec, none), status: optional(status, none) },
  [],
)

/** A v1 Node: all its internal and external addresses, and the networks that its pods' addresses come from. */
export const parseNode = (raw: unknown): Parsed<NodeFact> => {
  const parsed = node(raw)
  if (isLeft(parsed)) return parsed
  const { metadata, spec: podCidrs, status: addresses } = parsed.right
  return right({ name: metadata.name, labels: metadata.labels, addresses, podCidrs })
}
