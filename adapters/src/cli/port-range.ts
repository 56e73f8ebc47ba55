import type { PortRange } from '@weir/datapath/kernel/nat-ports.js'
import { InvalidArgumentError } from 'commander'

/**
 * `1024-29999`: both ends belong to it.
 *
 * @throws InvalidArgumentError where it isn't a range of ports from 1 to 65535.
 */
export function portRange(text: string): PortRange {
  const [, from, to] = /^(\d{1,5})-(\d{1,5})$/.exec(text) ?? []
  const first = Number(from)
  const last = Number(to)
  if (!(first >= 1 && first <= last && last <= 65_535))
    throw new InvalidArgumentError('FROM-TO is expected, ports from 1 to 65535, such as 1024-29999.')
  return { first, last }
}
