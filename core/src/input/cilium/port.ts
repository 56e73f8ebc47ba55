import { right } from 'fp-ts/lib/Either.js'
import { protocolNumbers, type PortRange } from '../../policy/rule.js'
import { fieldPath } from '../path.js'
import { missing, type Parsed, refuse } from '../problem.js'
import { integer, oneOf, optional, type Reader, record, text, andThen } from '../reader.js'

/** As a policy writes them. */
export type WrittenProtocol = 'TCP' | 'UDP' | 'SCTP' | 'VRRP' | 'IGMP' | 'ANY'

const legalProtocols = ['TCP', 'UDP', 'SCTP', 'VRRP', 'IGMP', 'ANY'] as const

/** IANA's numbers; ANY is every protocol that has ports. */
const numbersOf: Readonly<Record<WrittenProtocol, readonly number[]>> = {
  TCP: [protocolNumbers.TCP],
  UDP: [protocolNumbers.UDP],
  SCTP: [protocolNumbers.SCTP],
  VRRP: [112],
  IGMP: [2],
  ANY: [protocolNumbers.TCP, protocolNumbers.UDP, protocolNumbers.SCTP],
}

/** One item of `ports`. */
export interface CiliumPort {
  readonly protocol: WrittenProtocol
  readonly ranges: readonly PortRange[]
  readonly named: readonly { readonly name: string; readonly protocol: number }[]
  /** True when no single port is meant: none given, or 0. */
  readonly every: boolean
  /** True when several ports are meant by `endPort`. */
  readonly range: boolean
}

const protocol: Reader<WrittenProtocol> = (value, path) => {
  if (typeof value === 'string' && /^icmp(v6)?$/i.test(value))
    return refuse(path, 'ICMP has types, not ports', value, 'icmps beside or instead of toPorts, in a rule of its own')
  return optional(oneOf(legalProtocols), 'ANY' as const)(value, path)
}

const portRule = 'a number from 0 to 65535 in quotes, or a port name of at most 15 letters, digits and single "-"'

/** A port number, or the lower-case name of one. */
const port: Reader<number | string> = (value, path) =>
  andThen(text, (source): Parsed<number | string> => {
    if (/^\d+$/.test(source)) {
      const number = Number(source)
      if (number > 65535) return refuse(path, 'the port is above 65535', source, 'a number from 0 to 65535')
      return source === `${number}`
        ? right(number)
        : refuse(path, 'the port number begins with 0', source, `"${number}"`)
    }
    const name = source.toLowerCase()
    const legal = name.length <= 15 && /^[a-z0-9]+(-[a-z0-9]+)*$/.test(name) && /[a-z]/.test(name)
    return legal ? right(name) : refuse(path, 'this is neither a port number nor a port name', source, portRule)
  })(value, path)

const ranged = (protocol: WrittenProtocol, first: number, last: number): CiliumPort => ({
  protocol,
  ranges: numbersOf[protocol].map(number => ({ protocol: number, first, last })),
  named: [],
  every: first === 0,
  range: last !== first,
})

/** One item of `ports`: a port, a range or a name, of one protocol or of all that have ports. */
export const ciliumPort: Reader<CiliumPort> = andThen(
  record({ port: optional(port, undefined), endPort: optional(integer(0, 65535), 0), protocol }),
  ({ port = 0, endPort, protocol }, path): Parsed<CiliumPort> => {
    const at = fieldPath(path, 'endPort')
    const portless = protocol === 'VRRP' || protocol === 'IGMP'
    if (portless && (port !== 0 || endPort !== 0))
      return refuse(fieldPath(path, 'port'), `${protocol} has no ports`, port === 0 ? endPort : port, 'no port')
    if (typeof port === 'string') {
      if (endPort !== 0) return refuse(at, 'a named port makes no range', endPort, 'no endPort, or a numeric port')
      const named = numbersOf[protocol].map(number => ({ name: port, protocol: number }))
      return right({ protocol, ranges: [], named, every: false, range: false })
    }
    if (port === 0) {
      if (endPort === 0) return right(ranged(protocol, 0, 65535))
      return missing(fieldPath(path, 'port'), 'a port number above 0, as endPort is given')
    }
    if (endPort !== 0 && endPort < port)
      return refuse(at, 'the range ends before it begins', endPort, `a number from ${port} to 65535`)
    return right(ranged(protocol, port, endPort === 0 ? port : endPort))
  },
)
