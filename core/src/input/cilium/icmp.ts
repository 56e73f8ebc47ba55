import { left, right } from 'fp-ts/lib/Either.js'
import { protocolNumbers, type PortRange } from '../../policy/rule.js'
import { nearestWord } from '../nearest.js'
import { fieldPath } from '../path.js'
import { missing, type Parsed, refuse } from '../problem.js'
import { listOf, oneOf, optional, type Reader, record, andThen } from '../reader.js'
import { listWithin } from '../shape.js'
import { canonicalRanges } from '../port.js'

/** IANA's ICMP type numbers, by the names that a policy may use. */
export const icmpTypesV4: Readonly<Record<string, number>> = {
  EchoReply: 0,
  DestinationUnreachable: 3,
  Redirect: 5,
  Echo: 8,
  EchoRequest: 8,
  RouterAdvertisement: 9,
  RouterSelection: 10,
  TimeExceeded: 11,
  ParameterProblem: 12,
  Timestamp: 13,
  TimestampReply: 14,
  Photuris: 40,
  ExtendedEchoRequest: 42,
  ExtendedEchoReply: 43,
  'ExtendedEcho Reply': 43,
}

/** IANA's ICMPv6 type numbers. */
export const icmpTypesV6: Readonly<Record<string, number>> = {
  DestinationUnreachable: 1,
  PacketTooBig: 2,
  TimeExceeded: 3,
  ParameterProblem: 4,
  EchoRequest: 128,
  EchoReply: 129,
  MulticastListenerQuery: 130,
  MulticastListenerReport: 131,
  MulticastListenerDone: 132,
  RouterSolicitation: 133,
  RouterAdvertisement: 134,
  NeighborSolicitation: 135,
  NeighborAdvertisement: 136,
  RedirectMessage: 137,
  RouterRenumbering: 138,
  ICMPNodeInformationQuery: 139,
  ICMPNodeInformationResponse: 140,
  InverseNeighborDiscoverySolicitation: 141,
  InverseNeighborDiscoveryAdvertisement: 142,
  HomeAgentAddressDiscoveryRequest: 144,
  HomeAgentAddressDiscoveryReply: 145,
  MobilePrefixSolicitation: 146,
  MobilePrefixAdvertisement: 147,
  DuplicateAddressRequestCodeSuffix: 157,
  DuplicateAddressConfirmationCodeSuffix: 158,
  ExtendedEchoRequest: 160,
  ExtendedEchoReply: 161,
}

const families = {
  IPv4: { protocol: protocolNumbers.ICMP, types: icmpTypesV4 },
  IPv6: { protocol: protocolNumbers.ICMPv6, types: icmpTypesV6 },
} as const

/** A number of 0 to 255 (also in quotes), or a name; which names there are depends on the family. */
const icmpType: Reader<number | string> = (value, path) => {
  if (value === undefined || value === null) return missing(path, 'a number from 0 to 255, or the name of an ICMP type')
  if (typeof value === 'string' && !/^\d+$/.test(value)) return right(value)
  const number = typeof value === 'string' && value.length <= 3 ? Number(value) : value
  if (typeof number === 'number' && Number.isInteger(number) && number >= 0 && number <= 255) return right(number)
  return refuse(path, 'this is not an ICMP type', value, 'a number from 0 to 255, or the name of an ICMP type')
}

const typeNumber = (family: 'IPv4' | 'IPv6', type: number | string, path: string): Parsed<number> => {
  if (typeof type === 'number') return right(type)
  const { types } = families[family]
  const number = Object.hasOwn(types, type) ? types[type] : undefined
  if (number !== undefined) return right(number)
  const names = Object.keys(types)
  const near = nearestWord(type, names) ?? `a number from 0 to 255, or one of ${names.join(', ')}`
  return refuse(path, `${family} has no ICMP type of this name`, type, near)
}

const field: Reader<PortRange> = andThen(
  record({ family: optional(oneOf(['IPv4', 'IPv6']), 'IPv4' as const), type: icmpType }),
  ({ family, type }, path): Parsed<PortRange> => {
    const number = typeNumber(family, type, fieldPath(path, 'type'))
    if (number._tag === 'Left') return left(number.left)
    const first = number.right << 8
    return right({ protocol: families[family].protocol, first, last: first | 255 })
  },
)

const rule = record({ fields: listWithin(field, 1, 40, 'ICMP types') })

/** `icmps` as ranges of `type << 8 | code`: every code of each type. */
export const icmps: Reader<readonly PortRange[]> = andThen(listOf(rule), rules =>
  right(canonicalRanges(rules.flatMap(({ fields }) => fields))),
)
