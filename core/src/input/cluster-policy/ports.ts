import { right } from 'fp-ts/lib/Either.js'
import type { ClusterPolicyRule } from '../../event/cluster-policy.js'
import { protocolNumbers, type PortRange } from '../../policy/rule.js'
import { portName } from '../names.js'
import { fieldPath } from '../path.js'
import { canonicalNames, canonicalRanges, portNumber, portProtocol, type PortProtocol } from '../port.js'
import { type Parsed, refuse } from '../problem.js'
import { optional, optionalText, type Reader, record, andThen } from '../reader.js'
import { listWithin, onlyField } from '../shape.js'

/** The ports of a rule in the form of facts. */
export type RulePorts = NonNullable<ClusterPolicyRule['ports']>

type Span = Pick<PortRange, 'first' | 'last'>

/** `start` and `end`, both included; a range of one port is a number to this API. */
const span = (value: { readonly start: number; readonly end: number }, path: string): Parsed<Span> =>
  value.start < value.end
    ? right({ first: value.start, last: value.end })
    : refuse(
        fieldPath(path, 'end'),
        'the range ends before it begins, or where it begins',
        value.end,
        `a number above ${value.start}, or a number instead of a range`,
      )

const rangeFields = { start: portNumber, end: portNumber }

const ranged = (protocol: PortProtocol, { first, last }: Span): RulePorts => ({
  ranges: [{ protocol: protocolNumbers[protocol], first, last }],
  named: [],
})

/** Whichever protocol has the name. */
const named: Reader<RulePorts> = andThen(portName, name => right({ ranges: [], named: [{ name, protocol: 0 }] }))

const numberSpan: Reader<Span> = andThen(portNumber, number => right({ first: number, last: number }))

const destinationPort: Reader<Span> = andThen(
  record({ number: optional(numberSpan, undefined), range: optional(andThen(record(rangeFields), span), undefined) }),
  (fields, path) => onlyField<Span>(fields, path),
)

const transport = (protocol: PortProtocol): Reader<RulePorts> =>
  andThen(record({ destinationPort }), ({ destinationPort }) => right(ranged(protocol, destinationPort)))

/** An item of v1alpha2's `protocols`. */
const protocol: Reader<RulePorts> = andThen(
  record({
    tcp: optional(transport('TCP'), undefined),
    udp: optional(transport('UDP'), undefined),
    sctp: optional(transport('SCTP'), undefined),
    destinationNamedPort: optional(named, undefined),
  }),
  (fields, path) => onlyField<RulePorts>(fields, path),
)

const alphaProtocol = optionalText(portProtocol, 'TCP' as const)

/** An item of v1alpha1's `ports`. */
const alphaPort: Reader<RulePorts> = andThen(
  record({
    portNumber: optional(
      andThen(record({ port: numberSpan, protocol: alphaProtocol }), ({ port, protocol }) =>
        right(ranged(protocol, port)),
      ),
      undefined,
    ),
    portRange: optional(
      andThen(record({ ...rangeFields, protocol: alphaProtocol }), (fields, path) =>
        andThen(
          () => span(fields, path),
          range => right(ranged(fields.protocol, range)),
        )(undefined, path),
      ),
      undefined,
    ),
    namedPort: optional(named, undefined),
  }),
  (fields, path) => onlyField<RulePorts>(fields, path),
)

const merged = (list: Reader<readonly RulePorts[]>): Reader<RulePorts> =>
  andThen(list, items =>
    right({
      ranges: canonicalRanges(items.flatMap(({ ranges }) => ranges)),
      named: canonicalNames(items.flatMap(({ named }) => named)),
    }),
  )

/** `protocols` of a ClusterNetworkPolicy's rule. */
export const protocols = merged(listWithin(protocol, 1, 25, 'protocols'))

/** `ports` of an AdminNetworkPolicy's rule. */
export const alphaPorts = merged(listWithin(alphaPort, 1, 100, 'ports'))
