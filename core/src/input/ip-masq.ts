import { isLeft, right } from 'fp-ts/lib/Either.js'
import { parsePrefix, type Prefix } from '../address/address.js'
import type { IpMasqFact } from '../event/egress.js'
import { canonicalCidrs, cidr } from './address.js'
import { type Parsed, refuse } from './problem.js'
import { andThen, flag, listOf, optional, type Reader, record, text } from './reader.js'

/** Blocks that are never the internet's: private and shared ones, and those set aside for documents and tests. */
export const defaultNonMasqueradeCidrs: readonly string[] = [
  ...['10.0.0.0/8', '100.64.0.0/10', '172.16.0.0/12', '192.0.0.0/24', '192.0.2.0/24', '192.88.99.0/24'],
  ...['192.168.0.0/16', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24', '240.0.0.0/4'],
]

/** How often a file is read again is no question here, as it is followed; but it has to be a duration. */
const duration: Reader<string> = andThen(text, (source, path) =>
  /^(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+$/.test(source)
    ? right(source)
    : refuse(path, 'this is not a duration', source, 'such as 60s or 1m30s'),
)

const config = record({
  nonMasqueradeCIDRs: optional(listOf(cidr), undefined),
  masqLinkLocal: optional(flag, false),
  masqLinkLocalIPv6: optional(flag, false),
  resyncInterval: optional(duration, ''),
})

const defaults: readonly Prefix[] = defaultNonMasqueradeCidrs.map(text => parsePrefix(text)!)

/**
 * ip-masq-agent's configuration. Without `nonMasqueradeCIDRs` (a file that is empty or not there says nothing: pass
 * `undefined`) those that the agent has by itself hold; an empty list is a list: everything is masqueraded.
 */
export const parseIpMasq = (raw: unknown): Parsed<IpMasqFact> => {
  const parsed = config(raw ?? {}, '')
  if (isLeft(parsed)) return parsed
  const { nonMasqueradeCIDRs, masqLinkLocal, masqLinkLocalIPv6 } = parsed.right
  return right({
    nonMasqueradeCidrs: canonicalCidrs(nonMasqueradeCIDRs ?? defaults),
    masqLinkLocal,
    masqLinkLocalIpv6: masqLinkLocalIPv6,
  })
}
