import { reasonNumbers } from '../codec/maps.js'

/** What each reason of `enum weir_reason` means, in the words that observers of flows show. */
const sentences: Readonly<Record<string, string>> = {
  WEIR_PASSED: 'Forwarded',
  WEIR_BAD_SOURCE_MAC: 'Invalid source mac',
  WEIR_BAD_SOURCE: 'Invalid source ip',
  WEIR_POLICY_DENIED: 'Policy denied',
  WEIR_INVALID_PACKET: 'Invalid packet',
  WEIR_TRUNCATED_L4: 'CT: Truncated or invalid header',
  WEIR_WRITE_FAILED: 'Error writing to packet',
  WEIR_TOO_BIG: 'Fragmentation needed',
  WEIR_UNKNOWN_ICMP4_TYPE: 'Unknown ICMPv4 type',
  WEIR_NO_TUNNEL_KEY: 'Error retrieving tunnel key',
  WEIR_BAD_OPTION: 'Invalid Geneve option',
  WEIR_UNKNOWN_TARGET: 'Unknown L3 target address',
  WEIR_STALE_TARGET: 'Stale or unroutable IP',
  WEIR_CONNTRACK_FULL: 'CT: Map insertion failed',
  WEIR_BAD_EXTENSION_HEADER: 'Invalid IPv6 extension header',
  WEIR_NO_TUNNEL: 'No tunnel/encapsulation endpoint (datapath BUG!)',
  WEIR_UNRELATED: 'Unknown connection tracking state',
  WEIR_UNSUPPORTED_ETHERTYPE: 'Unsupported L2 protocol',
  WEIR_NAT_EXHAUSTED: 'No mapping for NAT masquerade',
  WEIR_NAT_UNSUPPORTED: 'Unsupported protocol for NAT masquerade',
  WEIR_UNSERVED: 'Service backend not found',
  WEIR_NO_ENCAPSULATION: 'Encapsulation traffic is prohibited',
  WEIR_NO_ROUTE: 'FIB lookup failed',
  WEIR_UNKNOWN_IDENTITY: 'Invalid identity',
  WEIR_UNKNOWN_SENDER: 'Unknown sender',
  WEIR_FRAGMENT_WITHOUT_FIRST: 'First logical datagram fragment not found',
  WEIR_FORBIDDEN_ICMP6: 'Forbidden ICMPv6 message',
  WEIR_OUT_OF_RANGES: 'Denied by LB src range check',
  WEIR_VLAN: 'VLAN traffic disallowed by VLAN filter',
  WEIR_NO_GATEWAY: 'No egress gateway found',
  WEIR_NO_EGRESS_ADDRESS: 'No Egress IP configured',
  WEIR_TOO_OLD: 'TTL exceeded',
  WEIR_CHATTER: 'IGMP handled',
  WEIR_NO_POLICY: 'Endpoint policy program not available',
}

/** Drop reasons that rows carry and programs hand on without a name for them, by verdict. */
export const verdictReasons = { denylisted: 181, proxy: 180 } as const

/** Reasons that are a policy's word; all others say that the packet itself can't pass. */
export const denials: ReadonlySet<number | undefined> = new Set([
  reasonNumbers.WEIR_POLICY_DENIED,
  reasonNumbers.WEIR_NO_POLICY,
  ...Object.values(verdictReasons),
])

const names = new Map<number, string>([
  [verdictReasons.denylisted, 'Policy denied by denylist'],
  [verdictReasons.proxy, 'Proxy redirection not supported for protocol'],
  ...Object.entries(reasonNumbers).map(
    ([name, number]) => [number, sentences[name] ?? name.slice('WEIR_'.length)] as const,
  ),
])

/** The reason's name; `Reason NUMBER` for one that this build doesn't know. */
export const reasonName = (reason: number): string => names.get(reason) ?? `Reason ${reason}`

/** Reasons that the programs give, by number. */
export const reasons: ReadonlyMap<number, string> = names
