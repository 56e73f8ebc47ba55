import { type Problem, WeirError } from '@weir/core'
import type { Prefix } from '@weir/core/address/address.js'
import { address, canonicalAddresses, canonicalCidrs, cidr } from '@weir/core/input/address.js'
import { type Either, isLeft } from 'fp-ts/lib/Either.js'

/** What an agent is told of its node. Becomes an event, so it is read as strictly as a manifest. */
export interface NodeOptions {
  readonly node: string
  readonly cluster?: string
  readonly nodeAddresses?: readonly string[]
  readonly podCidrs?: readonly string[]
  readonly failSafePorts?: readonly number[]
  /** Blocks that hold those of the node's addresses which have node ports; absent: all have. */
  readonly nodePortAddresses?: readonly string[]
  /** Blocks that are reached without masquerading. */
  readonly nativeRoutingCidrs?: readonly string[]
}

/** What is nobody's word by default: it is only there when it was given. */
type Unsaid = 'failSafePorts' | 'nodePortAddresses' | 'nativeRoutingCidrs'

export type CheckedNodeOptions = Required<Omit<NodeOptions, Unsaid>> & Pick<NodeOptions, Unsaid>

const name = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?$/

/**
 * The options with addresses as facts write them.
 *
 * @throws WeirError WEIR_REQUEST_INVALID with each option that can't be understood.
 */
export function checkedNodeOptions(options: NodeOptions): CheckedNodeOptions {
  const problems: Problem[] = []
  const {
    node,
    cluster = 'default',
    nodeAddresses = [],
    podCidrs = [],
    nodePortAddresses,
    nativeRoutingCidrs,
  } = options
  for (const [path, value] of Object.entries({ node, cluster }))
    if (!name.test(value))
      problems.push({
        path,
        message: 'this is not a name',
        value: JSON.stringify(value),
        expected: 'letters, digits, "-", "_" and ".", at most 253',
      })
  const failSafePorts = options.failSafePorts && [...new Set(options.failSafePorts)].sort((a, b) => a - b)
  for (const [at, port] of (options.failSafePorts ?? []).entries())
    if (!Number.isInteger(port) || port < 1 || port > 65535)
      problems.push({
        path: `failSafePorts[${at}]`,
        message: 'this is not a port',
        value: String(port),
        expected: 'a whole number from 1 to 65535',
      })
  const prefixes = (path: string, given: readonly string[], reader: typeof address): readonly Prefix[] =>
    given.flatMap((text, at) => {
      const read: Either<readonly Problem[], Prefix> = reader(text, `${path}[${at}]`)
      if (!isLeft(read)) return [read.right]
      problems.push(...read.left)
      return []
    })
  const checked = {
    node,
    cluster,
    nodeAddresses: canonicalAddresses(prefixes('nodeAddresses', nodeAddresses, address)),
    podCidrs: canonicalCidrs(prefixes('podCidrs', podCidrs, cidr)),
    ...(failSafePorts !== undefined && { failSafePorts }),
    ...(nodePortAddresses !== undefined && {
      nodePortAddresses: canonicalCidrs(prefixes('nodePortAddresses', nodePortAddresses, cidr)),
    }),
    ...(nativeRoutingCidrs !== undefined && {
      nativeRoutingCidrs: canonicalCidrs(prefixes('nativeRoutingCidrs', nativeRoutingCidrs, cidr)),
    }),
  }
  if (problems.length > 0)
    throw new WeirError('WEIR_REQUEST_INVALID', 'what the agent is told of its node is not usable', { problems })
  return checked
}
