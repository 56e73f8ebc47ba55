import { right } from 'fp-ts/lib/Either.js'
import { type PortRange, type Protocol, protocolNumbers } from '../policy/rule.js'
import { portName } from './names.js'
import { missing } from './problem.js'
import { integer, oneOf, type Reader } from './reader.js'

/** Protocols that have ports. */
export type PortProtocol = 'TCP' | 'UDP' | 'SCTP'

export const portNumber = integer(1, 65535)

/** The API server's default --service-node-port-range. */
export const nodePort = integer(30000, 32767)

/** Zero is Go's way to say "not given". */
export const optionalNumber =
  (reader: Reader<number>): Reader<number | undefined> =>
  (value, path) =>
    value === undefined || value === null || value === 0 ? right(undefined) : reader(value, path)

export const portProtocol = oneOf(['TCP', 'UDP', 'SCTP'])

/** Kubernetes' IntOrString: a port number, or the name of a container port. */
export const portOrName: Reader<number | string> = (value, path) => {
  if (value === undefined || value === null) return missing(path, 'a port number or the name of a container port')
  return typeof value === 'string' ? portName(value, path) : portNumber(value, path)
}

interface Sortable {
  readonly protocol: Protocol
  readonly name?: string
  readonly port?: number | string
  readonly endPort?: number
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** By protocol number; no port first, then numbers, then names; end of the range; name. */
const compare = (a: Sortable, b: Sortable): number => {
  const number = (port: Sortable) => (typeof port.port === 'string' ? 65536 : (port.port ?? 0))
  const word = (port: Sortable) => (typeof port.port === 'string' ? port.port : '')
  return (
    protocolNumbers[a.protocol] - protocolNumbers[b.protocol] ||
    number(a) - number(b) ||
    compareText(word(a), word(b)) ||
    (a.endPort ?? 0) - (b.endPort ?? 0) ||
    compareText(a.name ?? '', b.name ?? '')
  )
}

/** Ports in the order that facts have them, each once. */
export const canonicalPorts = <P extends Sortable>(ports: readonly P[]): readonly P[] =>
  [...ports].sort(compare).filter((port, index, sorted) => index === 0 || compare(sorted[index - 1]!, port) !== 0)

/** Ranges in the order that facts have them, each once. */
export const canonicalRanges = (ranges: readonly PortRange[]): readonly PortRange[] => {
  const order = (a: PortRange, b: PortRange) => a.protocol - b.protocol || a.first - b.first || a.last - b.last
  return [...ranges].sort(order).filter((range, index, sorted) => index === 0 || order(sorted[index - 1]!, range) !== 0)
}

interface NamedPortReference {
  readonly name: string
  readonly protocol: number
}

/** Names of ports in the order that facts have them, each once. */
export const canonicalNames = (names: readonly NamedPortReference[]): readonly NamedPortReference[] => {
  const order = (a: NamedPortReference, b: NamedPortReference) => a.protocol - b.protocol || compareText(a.name, b.name)
  return [...names].sort(order).filter((name, index, sorted) => index === 0 || order(sorted[index - 1]!, name) !== 0)
}
