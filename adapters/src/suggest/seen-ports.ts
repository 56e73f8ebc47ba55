import { protocolNumbers } from '@weir/core'

/** Packet keys as policies write them. */
export interface SeenPorts {
  readonly ranges: readonly {
    readonly protocol: 'TCP' | 'UDP' | 'SCTP'
    readonly first: number
    readonly last: number
  }[]
  /** With every code: policies tell none apart. */
  readonly icmpTypes: readonly { readonly protocol: number; readonly type: number }[]
  /** IANA numbers of protocols that no policy can name. */
  readonly unsaid: readonly number[]
}

/** Ports of each protocol, neighbours taken together. */
export function portsOfKeys(keys: Iterable<number>): SeenPorts {
  const ranges: { protocol: 'TCP' | 'UDP' | 'SCTP'; first: number; last: number }[] = []
  const icmpTypes = new Map<string, { protocol: number; type: number }>()
  const unsaid = new Set<number>()
  for (const key of [...keys].sort((a, b) => a - b)) {
    const [number, port] = [key >>> 16, key & 0xffff]
    const protocol = (['TCP', 'UDP', 'SCTP'] as const).find(name => protocolNumbers[name] === number)
    const before = ranges.at(-1)
    if (number === protocolNumbers.ICMP || number === protocolNumbers.ICMPv6)
      icmpTypes.set(`${number} ${port >> 8}`, { protocol: number, type: port >> 8 })
    // Port 0 stands for every port where a policy says it.
    else if (protocol === undefined || port === 0) unsaid.add(number)
    else if (before?.protocol === protocol && before.last === port - 1) before.last = port
    else ranges.push({ protocol, first: port, last: port })
  }
  return { ranges, icmpTypes: [...icmpTypes.values()], unsaid: [...unsaid] }
}
