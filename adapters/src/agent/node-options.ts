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
}

const name = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?$/

/**
 * The options with addresses as facts write them.
 *
 * @throws WeirError WEIR_REQUEST_INVALID with each option that can't be understood.
 */
export function checkedNodeOptions(options: NodeOptions): Required<NodeOptions> {
  const problems: Problem[] = []
  const { node, cluster = 'default', nodeAddresses = [], podCidrs = [] } = options
  for (const [path, value] of Object.entries({ node, cluster }))
    if (!name.test(value))
      problems.push({
        path,
        message: 'this is not a name',
        value: JSON.stringify(value),
        expected: 'letters, digits, "-", "_" and ".", at most 253',
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
  }
  if (problems.length > 0)
    throw new WeirError('WEIR_REQUEST_INVALID', 'what the agent is told of its node is not usable', { problems })
  return checked
}
