import { right } from 'fp-ts/lib/Either.js'
import type { CiliumPortRule, TlsContext } from '../../event/cilium.js'
import { dnsSubdomain } from '../names.js'
import { fieldPath } from '../path.js'
import { type Parsed, refuse } from '../problem.js'
import { canonicalNames, canonicalRanges } from '../port.js'
import { integer, listOf, oneOf, optional, optionalText, type Reader, record, text, andThen } from '../reader.js'
import { sortedUnique } from '../selector.js'
import { filled, forbidden, listWithin, matching, present, unless, within } from '../shape.js'
import { secretReference } from './http.js'
import { l7Conflicts, l7Direction, l7Rules } from './l7.js'
import { type CiliumPort, ciliumPort } from './port.js'

/** Whether the policy is clusterwide decides what kind of Envoy configuration is meant where none is named. */
export interface RulePlace {
  readonly ingress: boolean
  readonly clusterwide: boolean
}

const ports = listWithin(ciliumPort, 1, 40, 'ports')

const tlsContext: Reader<TlsContext> = andThen(
  record({
    secret: secretReference,
    trustedCA: optionalText(text, undefined),
    certificate: optionalText(text, undefined),
    privateKey: optionalText(text, undefined),
  }),
  ({ secret, trustedCA, certificate, privateKey }) =>
    right({ secret, ...present({ trustedCa: trustedCA, certificate, privateKey }) }),
)

const serverName = matching(
  within(text, 255),
  /^(\*?\*\.)?[-a-zA-Z0-9_]+(\.[-a-zA-Z0-9_]+)*\.?$/,
  'a TLS server name',
  'a DNS name, or one behind "*." or "**."',
)

const serverNames: Reader<readonly string[]> = andThen(
  listWithin(serverName, 1, Number.MAX_SAFE_INTEGER, 'server names'),
  (names, path) => {
    const unique = sortedUnique(names)
    if (unique.length < names.length) return refuse(path, 'a server name is given twice', names, 'each name once')
    return right(sortedUnique(names.map(name => name.toLowerCase().replace(/\.$/, ''))))
  },
)

const envoyKinds = ['CiliumEnvoyConfig', 'CiliumClusterwideEnvoyConfig'] as const

const listener = (clusterwide: boolean): Reader<NonNullable<CiliumPortRule['listener']>> =>
  andThen(
    record({
      name: filled(text, 'the name of a listener'),
      priority: optional(integer(1, 100), undefined),
      envoyConfig: record({
        kind: optional(oneOf(envoyKinds), envoyKinds[clusterwide ? 1 : 0]),
        name: dnsSubdomain,
      }),
    }),
    ({ name, priority, envoyConfig }) =>
      right({ name, config: `${envoyConfig.kind}/${envoyConfig.name}`, ...present({ priority }) }),
  )

const merged = (list: readonly CiliumPort[]): Pick<CiliumPortRule, 'ranges' | 'named'> => ({
  ranges: canonicalRanges(list.flatMap(({ ranges }) => ranges)),
  named: canonicalNames(list.flatMap(({ named }) => named)),
})

/** `toPorts` of an allowing rule. */
export const allowedPorts = ({ ingress, clusterwide }: RulePlace): Reader<readonly CiliumPortRule[]> =>
  listOf(
    andThen(
      record({
        ports,
        rules: optional(l7Rules, undefined),
        serverNames: optional(serverNames, [] as readonly string[]),
        listener: optional(listener(clusterwide), undefined),
        terminatingTLS: optional(tlsContext, undefined),
        originatingTLS: optional(tlsContext, undefined),
      }),
      ({ ports, rules, serverNames, listener, terminatingTLS, originatingTLS }, path): Parsed<CiliumPortRule> => {
        const tls = terminatingTLS === undefined && originatingTLS === undefined ? undefined : true
        const extras = { l7: rules, listener, tls, terminatingTls: terminatingTLS, originatingTls: originatingTLS }
        const rule: CiliumPortRule = { ...merged(ports), serverNames, ...present(extras) }
        if (rules === undefined) return right(rule)
        const hidden = serverNames.length > 0 && terminatingTLS === undefined
        const readable = hidden
          ? refuse(
              fieldPath(path, 'serverNames'),
              'L7 rules need the traffic in the clear, which has no server names',
              serverNames,
              'terminatingTLS beside them, or no rules',
            )
          : right(rules)
        const at = fieldPath(path, 'rules')
        return unless(rule, [
          ...l7Conflicts(rules, ports, fieldPath(path, 'ports')),
          l7Direction(rules, ingress, at),
          readable,
        ])
      },
    ),
  )

const notInDeny = (what: string): Reader<undefined> =>
  forbidden(`a deny rule has no ${what}`, 'ports alone; a deny decides before any proxy')

/** `toPorts` of a denying rule: ports, nothing above them. */
export const deniedPorts: Reader<readonly CiliumPortRule[]> = listOf(
  andThen(
    record({
      ports,
      rules: notInDeny('L7 rules'),
      serverNames: notInDeny('server names'),
      listener: notInDeny('listener'),
      terminatingTLS: notInDeny('TLS context'),
      originatingTLS: notInDeny('TLS context'),
    }),
    ({ ports }) => right({ ...merged(ports), serverNames: [] }),
  ),
)
