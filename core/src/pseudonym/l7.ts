import type { CiliumPortRule, HttpRule, KafkaRule, L7Rules, SecretReference, TlsContext } from '../event/cilium.js'
import type { Pseudonyms } from './pseudonyms.js'

/** What a proxy would have to find, under other words. */
export function otherL7(l7: L7Rules, to: Pseudonyms): L7Rules {
  switch (l7.kind) {
    case 'http':
      return { kind: 'http', http: l7.http.map(rule => otherHttp(rule, to)) }
    case 'kafka':
      return { kind: 'kafka', kafka: l7.kafka.map(rule => otherKafka(rule, to)) }
    case 'dns':
      return { kind: 'dns', dns: l7.dns.flatMap(fqdn => to.fqdn(fqdn)) }
    case 'generic':
      return {
        kind: 'generic',
        protocol: to.words.word(l7.protocol),
        rules: l7.rules.map(rule =>
          Object.fromEntries(Object.entries(rule).map(([key, value]) => [to.words.word(key), to.literal(value)])),
        ),
      }
  }
}

function otherHttp({ path, method, host, headers, headerMatches }: HttpRule, to: Pseudonyms): HttpRule {
  return {
    ...(path !== undefined && { path: to.literal(path) }),
    ...(method !== undefined && { method: to.literal(method) }),
    ...(host !== undefined && { host: to.literal(host) }),
    headers: headers.map(header =>
      header
        .split(/: ?/, 2)
        .map(part => to.words.word(part))
        .join(': '),
    ),
    headerMatches: headerMatches.map(({ name, value, mismatch, secret }) => ({
      name: to.words.word(name),
      ...(value !== undefined && { value: to.words.word(value) }),
      mismatch,
      ...(secret !== undefined && { secret: otherSecret(secret, to) }),
    })),
  }
}

function otherKafka({ role, apiKey, apiVersion, clientId, topic }: KafkaRule, to: Pseudonyms): KafkaRule {
  return {
    ...(role !== undefined && { role }),
    ...(apiKey !== undefined && { apiKey: to.words.word(apiKey) }),
    ...(apiVersion !== undefined && { apiVersion }),
    ...(clientId !== undefined && { clientId: to.words.word(clientId) }),
    ...(topic !== undefined && { topic: to.words.word(topic) }),
  }
}

/** Carried for the proxy alone. */
export function otherProxyParts(
  { serverNames, listener, tls, terminatingTls, originatingTls }: CiliumPortRule,
  to: Pseudonyms,
): Omit<CiliumPortRule, 'ranges' | 'named' | 'l7'> {
  return {
    serverNames: serverNames.map(name => to.words.domain(name)),
    ...(listener !== undefined && { listener: otherListener(listener, to) }),
    ...(tls !== undefined && { tls }),
    ...(terminatingTls !== undefined && { terminatingTls: otherTls(terminatingTls, to) }),
    ...(originatingTls !== undefined && { originatingTls: otherTls(originatingTls, to) }),
  }
}

function otherListener(
  { name, config, priority }: NonNullable<CiliumPortRule['listener']>,
  to: Pseudonyms,
): NonNullable<CiliumPortRule['listener']> {
  const slash = config?.indexOf('/') ?? -1
  return {
    name: to.words.word(name),
    ...(config !== undefined && { config: config.slice(0, slash + 1) + to.words.word(config.slice(slash + 1)) }),
    ...(priority !== undefined && { priority }),
  }
}

function otherTls({ secret, trustedCa, certificate, privateKey }: TlsContext, to: Pseudonyms): TlsContext {
  return {
    secret: otherSecret(secret, to),
    ...(trustedCa !== undefined && { trustedCa: to.words.word(trustedCa) }),
    ...(certificate !== undefined && { certificate: to.words.word(certificate) }),
    ...(privateKey !== undefined && { privateKey: to.words.word(privateKey) }),
  }
}

const otherSecret = ({ namespace, name }: SecretReference, to: Pseudonyms): SecretReference => ({
  namespace: to.words.namespace(namespace),
  name: to.words.word(name),
})
