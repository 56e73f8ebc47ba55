import type { BookRule } from '../compare/rule-book.js'
import type { Resident } from '../compare/residents.js'
import type { ServiceFact } from '../event/service.js'
import { nearestWord } from '../input/nearest.js'
import { entryOf } from '../multimap.js'
import { protocolNumbers } from '../policy/rule.js'
import { portKey } from '../verdict/model.js'
import { type LintCluster, podName } from './cluster.js'
import type { Finding } from './finding.js'
import { listed } from './wording.js'

type Part = Pick<Finding, 'kind' | 'severity' | 'message' | 'suggestion'>

/** Ports that no destination has, or that aren't those of pods. */
export function* portFindings(cluster: LintCluster): Iterable<Finding> {
  const services = new Map<string, ServiceFact[]>()
  for (const { fact } of cluster.reading.state.services.values())
    for (const { protocol, port } of fact.ports)
      entryOf(services, `${protocolNumbers[protocol]}/${port}`, () => []).push(fact)
  for (const each of cluster.reading.book.rules) {
    const { policy, path, seq } = each.rule.origin
    if (seq === 0 || each.rule.ports === 'any') continue
    for (const part of [...named(cluster, each), ...ofServices(cluster, each, services)])
      yield { ...part, policy, path, seq }
  }
}

/** Names that no pod has, or that mean different numbers. */
function* named(cluster: LintCluster, { rule, names: asked }: BookRule): Iterable<Part> {
  if (asked.length === 0) return
  const pods = destinations(cluster, rule)
  // A name that is asked in every protocol need exist in one only.
  const protocolsOf = new Map<string, number[]>()
  for (const { name, protocol } of asked)
    entryOf(protocolsOf, name, () => []).push(
      ...(protocol === 0 ? [protocolNumbers.TCP, protocolNumbers.UDP, protocolNumbers.SCTP] : [protocol]),
    )
  for (const [name, protocols] of protocolsOf) {
    const found = protocols.map(protocol => ({
      protocol,
      pods: pods.flatMap(pod => {
        const number = pod.ports.get(portKey(protocol, name))
        return number === undefined ? [] : [{ number, pod: podName(pod) }]
      }),
    }))
    for (const { pods: having } of found) {
      const numbers = [...new Set(having.map(({ number }) => number))].sort((a, b) => a - b)
      if (numbers.length < 2) continue
      const where = (number: number): string =>
        listed(having.filter(each => each.number === number).map(({ pod }) => pod))
      yield {
        kind: 'named-port-differs',
        severity: 'info',
        message: `port ${name} means ${numbers.map(number => `${number} on ${where(number)}`).join('; ')}`,
        suggestion: 'each pod’s own number counts; list the numbers if one is meant',
      }
    }
    if (pods.length === 0 || found.some(({ pods: having }) => having.length > 0)) continue
    const known = [...new Set(pods.flatMap(({ pod }) => pod.ports.map(port => port.name)))].filter(each => each !== '')
    const near = nearestWord(
      name,
      known.filter(each => each !== name),
    )
    yield {
      kind: 'named-port-unknown',
      severity: 'warning',
      message: known.includes(name)
        ? `port ${name} of the destinations is of another protocol`
        : `no destination has a port named ${name}`,
      ...(known.includes(name)
        ? { suggestion: 'ask for the protocol that the port has' }
        : known.length > 0
          ? { suggestion: `there is ${near ?? listed(known)}` }
          : { suggestion: 'name the port in the pods, or use its number' }),
    }
  }
}

/** A service's own port, where its pods listen on another: policy sees the pod. */
function* ofServices(
  cluster: LintCluster,
  { rule }: BookRule,
  services: ReadonlyMap<string, readonly ServiceFact[]>,
): Iterable<Part> {
  if (rule.ports === 'any') return
  for (const { protocol, first, last } of rule.ports.ranges) {
    if (first !== last) continue
    for (const fact of services.get(`${protocol}/${first}`) ?? []) {
      const wanted = Object.entries(fact.selector)
      const behind = destinations(cluster, rule).filter(
        ({ pod }) =>
          pod.namespace === fact.namespace &&
          wanted.length > 0 &&
          wanted.every(([key, value]) => pod.labels[key] === value),
      )
      const listens = behind.some(({ pod }) =>
        pod.ports.some(each => each.port === first && protocolNumbers[each.protocol] === protocol),
      )
      const port = fact.ports.find(each => each.port === first && protocolNumbers[each.protocol] === protocol)!
      const target = targetsOf(behind, port)
      if (behind.length === 0 || listens || target.length === 0 || target.includes(first)) continue
      yield {
        kind: 'service-port',
        severity: 'warning',
        message: `${first} is the port of service ${fact.namespace}/${fact.name}; policies see its pods' own port`,
        suggestion: `port ${listed(target.map(String))}`,
      }
    }
  }
}

/** The numbers that a service's port has at the pods behind it. */
function targetsOf(behind: readonly Resident[], { targetPort, protocol }: ServiceFact['ports'][number]): number[] {
  if (typeof targetPort === 'number') return [targetPort]
  const key = portKey(protocolNumbers[protocol], targetPort)
  return [...new Set(behind.flatMap(({ ports }) => ports.get(key) ?? []))].sort((a, b) => a - b)
}

/** The pods at which the ports of a rule are: its subjects for ingress, its peers for egress. */
function destinations(cluster: LintCluster, rule: BookRule['rule']): readonly Resident[] {
  if (rule.direction === 'ingress') return cluster.matching(rule.subject)
  if (rule.peers === 'any') return cluster.pods
  const selectors = rule.peers.flatMap(peer => (peer.kind === 'labels' ? [peer.selector] : []))
  const [only, ...more] = selectors
  if (only !== undefined && more.length === 0) return cluster.matching(only)
  return [...new Set(selectors.flatMap(selector => cluster.matching(selector)))]
}
