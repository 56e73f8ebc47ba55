import type { CiliumPortRule, FqdnSelector, HttpRule, KafkaRule, L7Rules, TlsContext } from '../event/cilium.js'
import { type PortRange, protocolNumbers } from '../policy/rule.js'
import { listField, type Written } from './written.js'

const ported = [protocolNumbers.TCP, protocolNumbers.UDP, protocolNumbers.SCTP]
const protocolNames: ReadonlyMap<number, string> = new Map([
  [protocolNumbers.TCP, 'TCP'],
  [protocolNumbers.UDP, 'UDP'],
  [protocolNumbers.SCTP, 'SCTP'],
  [112, 'VRRP'],
  [2, 'IGMP'],
])
const portless = new Set([112, 2])
const portsMost = 40

/** Entries of `toPorts` that say what one fact says: more than one where one can't have so many ports. */
export function writtenPortRule(fact: CiliumPortRule): readonly Written[] {
  const { l7, serverNames, listener, terminatingTls, originatingTls } = fact
  const rest = {
    ...(terminatingTls !== undefined && { terminatingTLS: tls(terminatingTls) }),
    ...(originatingTls !== undefined && { originatingTLS: tls(originatingTls) }),
    ...listField('serverNames', serverNames),
    ...(listener !== undefined && { listener: writtenListener(listener) }),
    ...(l7 !== undefined && { rules: l7Rules(l7) }),
  }
  const ports = writtenPorts(fact)
  return Array.from({ length: Math.ceil(ports.length / portsMost) }, (_, at) => ({
    ports: ports.slice(at * portsMost, (at + 1) * portsMost),
    ...rest,
  }))
}

function writtenPorts({ ranges, named }: CiliumPortRule): readonly Written[] {
  return [
    ...byProtocol(ranges, ({ first, last }) => `${first}-${last}`).map(([protocol, range]) => port(protocol, range)),
    ...byProtocol(named, ({ name }) => name).map(([protocol, { name }]) => ({ port: name, protocol })),
  ]
}

/** What TCP, UDP and SCTP all have is written once, as ANY. */
function byProtocol<Item extends { readonly protocol: number }>(
  items: readonly Item[],
  textOf: (item: Item) => string,
): readonly (readonly [protocol: string, Item])[] {
  const told = new Set<string>()
  return items.flatMap((item): readonly (readonly [string, Item])[] => {
    const text = textOf(item)
    if (!ported.includes(item.protocol)) return [[protocolNames.get(item.protocol)!, item]]
    if (told.has(text)) return []
    const alike = items.filter(each => textOf(each) === text).map(({ protocol }) => protocol)
    if (!ported.every(protocol => alike.includes(protocol))) return [[protocolNames.get(item.protocol)!, item]]
    told.add(text)
    return [['ANY', item]]
  })
}

function port(protocol: string, { protocol: number, first, last }: PortRange): Written {
  if (portless.has(number)) return { protocol }
  if (first === 0) return { port: '0', protocol }
  return { port: String(first), ...(last > first && { endPort: last }), protocol }
}

function l7Rules(rules: L7Rules): Written {
  switch (rules.kind) {
    case 'http':
      return { http: rules.http.map(http) }
    case 'kafka':
      return { kafka: rules.kafka.map(kafka) }
    case 'dns':
      return { dns: rules.dns.map(writtenFqdn) }
    case 'generic':
      return { l7proto: rules.protocol, ...listField('l7', rules.rules) }
  }
}

const http = ({ headers, headerMatches, ...rest }: HttpRule): Written => ({
  ...rest,
  ...listField('headers', headers),
  ...listField(
    'headerMatches',
    headerMatches.map(({ mismatch, secret, ...match }) => ({
      ...match,
      ...(mismatch !== 'reject' && { mismatch }),
      ...(secret !== undefined && { secret: secretOf(secret) }),
    })),
  ),
})

const kafka = ({ clientId, ...rest }: KafkaRule): Written => ({
  ...rest,
  ...(clientId !== undefined && { clientID: clientId }),
})

export const writtenFqdn = (fqdn: FqdnSelector): Written =>
  'name' in fqdn ? { matchName: fqdn.name } : { matchPattern: fqdn.pattern }

const tls = ({ secret, trustedCa, ...rest }: TlsContext): Written => ({
  secret: secretOf(secret),
  ...(trustedCa !== undefined && { trustedCA: trustedCa }),
  ...rest,
})

const secretOf = ({ namespace, name }: TlsContext['secret']): Written => ({
  ...(namespace !== '' && { namespace }),
  name,
})

function writtenListener({ name, config, priority }: NonNullable<CiliumPortRule['listener']>): Written {
  const [kind, configName] = (config ?? '').split('/')
  return {
    envoyConfig: { kind, name: configName },
    name,
    ...(priority !== undefined && { priority }),
  }
}
