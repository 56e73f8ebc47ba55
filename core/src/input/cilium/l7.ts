import { isLeft, right } from 'fp-ts/lib/Either.js'
import type { FqdnSelector, HttpRule, KafkaRule, L7Rules } from '../../event/cilium.js'
import { fieldPath, itemPath } from '../path.js'
import { missing, type Parsed, refuse } from '../problem.js'
import { listOf, mapOf, optional, optionalText, type Reader, record, text, andThen } from '../reader.js'
import { onlyField } from '../shape.js'
import { fqdnSelector } from './fqdn.js'
import { httpRule } from './http.js'
import { kafkaRule } from './kafka.js'
import type { CiliumPort } from './port.js'

const keyValues: Reader<Readonly<Record<string, string>>> = andThen(mapOf(text, text), pairs =>
  right(Object.fromEntries(pairs)),
)

/** `rules` of a toPorts entry: what a proxy has to find, of exactly one protocol. */
export const l7Rules: Reader<L7Rules> = andThen(
  record({
    http: optional(listOf(httpRule), undefined),
    kafka: optional(listOf(kafkaRule), undefined),
    dns: optional(listOf(fqdnSelector), undefined),
    l7proto: optionalText(text, undefined),
    l7: optional(listOf(keyValues), undefined),
  }),
  ({ http, kafka, dns, l7proto, l7 }, path): Parsed<L7Rules> => {
    if (l7 !== undefined && l7proto === undefined)
      return missing(fieldPath(path, 'l7proto'), 'the name of the protocol, as l7 is given')
    const only = onlyField<readonly HttpRule[] | readonly KafkaRule[] | readonly FqdnSelector[] | string>(
      { http, kafka, dns, l7proto },
      path,
    )
    if (isLeft(only)) return only
    if (http !== undefined) return right({ kind: 'http', http })
    if (kafka !== undefined) return right({ kind: 'kafka', kafka })
    if (dns !== undefined) return right({ kind: 'dns', dns })
    return right({ kind: 'generic', protocol: l7proto!, rules: l7 ?? [] })
  },
)

const titles = { http: 'HTTP', kafka: 'Kafka', dns: 'DNS', generic: 'L7' } as const

/** What speaks against these rules on these ports. A proxy needs a certain port, and all but DNS run over TCP. */
export const l7Conflicts = (l7: L7Rules, ports: readonly CiliumPort[], path: string): readonly Parsed<unknown>[] =>
  ports.map((port, index) => {
    const at = itemPath(path, index)
    const title = titles[l7.kind]
    if (port.every)
      return refuse(fieldPath(at, 'port'), `${title} rules need a certain port`, undefined, 'a port above 0')
    if (l7.kind !== 'dns' && port.protocol !== 'TCP')
      return refuse(fieldPath(at, 'protocol'), `${title} rules apply to TCP alone`, port.protocol, 'TCP')
    if (l7.kind === 'dns' && !['TCP', 'UDP', 'ANY'].includes(port.protocol))
      return refuse(fieldPath(at, 'protocol'), 'DNS runs over UDP and TCP', port.protocol, 'UDP, TCP or ANY')
    if (l7.kind === 'dns' && port.range)
      return refuse(fieldPath(at, 'endPort'), 'DNS rules take no range of ports', undefined, 'no endPort')
    return right(port)
  })

/** Checks the L7 rules of a rule's direction: a proxy for DNS sees what leaves, not what arrives. */
export const l7Direction = (l7: L7Rules, ingress: boolean, path: string): Parsed<unknown> =>
  ingress && l7.kind === 'dns'
    ? refuse(fieldPath(path, 'dns'), 'DNS rules stand in an ingress rule', undefined, 'DNS rules in egress')
    : right(l7)
