import type { Protocol, PortRange } from '@weir/core/policy/rule.js'
import type { Party } from './cluster.js'
import type { OracleFlow } from './side.js'

/** The protocols with ports, by their IANA numbers. */
export const portedProtocols = { TCP: 6, UDP: 17, SCTP: 132 } as const

const numberOf = (protocol: Protocol): number | undefined =>
  (portedProtocols as Partial<Record<Protocol, number>>)[protocol]

/**
 * A name means the number that the destination pod gives it under the flow's protocol, the lowest should there be
 * several; who isn't a pod has no names.
 */
export function namedPortMatches(name: string, flow: OracleFlow, destination: Party): boolean {
  if (destination.kind !== 'pod') return false
  const numbers = destination.pod.ports
    .filter(candidate => candidate.name === name && numberOf(candidate.protocol) === flow.protocol)
    .map(candidate => candidate.port)
  return numbers.length > 0 && flow.port === Math.min(...numbers)
}

export function rangeMatches({ protocol, first, last }: PortRange, flow: OracleFlow): boolean {
  return protocol === flow.protocol && first <= flow.port && flow.port <= last
}

/** Ports by number and by name; a name of protocol 0 is meant in every protocol. */
export interface PortList {
  readonly ranges: readonly PortRange[]
  readonly named: readonly { readonly name: string; readonly protocol: number }[]
}

/** Any one of the list. */
export function listMatches({ ranges, named }: PortList, flow: OracleFlow, destination: Party): boolean {
  return (
    ranges.some(range => rangeMatches(range, flow)) ||
    named.some(
      ({ name, protocol }) =>
        (protocol === 0 || protocol === flow.protocol) && namedPortMatches(name, flow, destination),
    )
  )
}
