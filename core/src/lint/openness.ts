import { keyRanges, portsText } from '../compare/port-text.js'
import type { CiliumDirectionRule } from '../event/cilium.js'
import type { NetworkPolicyRule } from '../event/event.js'
import { derivedKeys } from '../identity/labels.js'
import type { Direction, PeerSelector, PortRange } from '../policy/rule.js'
import { portSetIntervals } from '../verdict/intervals.js'
import type { PolicyFinding } from './finding.js'
import type { WrittenPolicy, WrittenRule } from './written.js'

const sideOf = (direction: Direction): string => (direction === 'ingress' ? 'source' : 'destination')

/** Allowances of everybody: by a list that is empty or not there, by a selector that asks for nothing, by a /0. */
export function* opennessFindings(policy: WrittenPolicy): Iterable<PolicyFinding> {
  if (policy.dialect === 'kubernetes') yield* kubernetesOpenness(policy)
  if (policy.dialect === 'cilium') yield* ciliumOpenness(policy)
  for (const part of policy.parts)
    for (const rule of part.rules) if (rule.action === 'allow') yield* widePeers(policy, rule)
}

function* kubernetesOpenness({ fact }: WrittenPolicy & { dialect: 'kubernetes' }): Iterable<PolicyFinding> {
  const emptied = new Set((fact.spelling ?? []).flatMap(({ kind, path }) => (kind === 'empty-list' ? [path] : [])))
  for (const direction of ['ingress', 'egress'] as const) {
    if (!fact.policyTypes.includes(direction)) continue
    const rules = fact[direction]
    for (const [index, rule] of rules.entries()) {
      const path = `spec.${direction}[${index}]`
      const field = direction === 'ingress' ? 'from' : 'to'
      if (emptied.has(`${path}.ports`))
        yield {
          kind: 'allow-all',
          severity: 'warning',
          path: `${path}.ports`,
          message: '`ports` is an empty list, which is every port of every protocol',
          suggestion: 'list the ports, or leave `ports` out to say that all are meant',
        }
      if (rule.peers.length > 0) continue
      const isEmptied = emptied.has(`${path}.${field}`)
      // `- {}` by itself is how a policy says that everything may pass; beside others it makes them say nothing.
      const spoils = rule.ports.length === 0 && rules.length > 1
      yield {
        kind: 'allow-all',
        severity: isEmptied || spoils ? 'warning' : 'info',
        path: isEmptied ? `${path}.${field}` : path,
        message:
          [
            `it allows every ${sideOf(direction)} on ${portWords(rule)}:`,
            `\`${field}\` is ${isEmptied ? 'an empty list' : 'absent or empty'}`,
          ].join(' ') + (spoils ? ', and the rules beside it add nothing' : ''),
        suggestion: `name who is meant under \`${field}\`${isEmptied ? '; who means nobody leaves the rule out' : ''}`,
      }
    }
  }
}

function portWords({ ports }: NetworkPolicyRule): string {
  if (ports.length === 0) return 'every port'
  const protocols = { TCP: 6, UDP: 17, SCTP: 132 } as const
  const numbered = ports.flatMap(({ protocol, port, endPort }): PortRange[] =>
    typeof port === 'string'
      ? []
      : [{ protocol: protocols[protocol], first: port ?? 0, last: endPort ?? port ?? 65535 }],
  )
  return wordsOf(
    numbered,
    ports.flatMap(({ port }) => (typeof port === 'string' ? [port] : [])),
  )
}

const wordsOf = (ranges: readonly PortRange[], names: readonly string[]): string =>
  [
    ...(ranges.length === 0 ? [] : [portsText(keyRanges(portSetIntervals({ ranges, named: [] })))]),
    ...new Set(names),
  ].join(', ')

/** Without a list of peers a Cilium rule means everybody on its ports. */
function* ciliumOpenness({ fact }: WrittenPolicy & { dialect: 'cilium' }): Iterable<PolicyFinding> {
  for (const { ingress = [], egress = [] } of fact.rules)
    for (const [direction, entries] of [['ingress', ingress] as const, ['egress', egress] as const])
      for (const entry of entries) {
        if (entry.peers !== undefined || (entry.ports === undefined && entry.icmps === undefined)) continue
        const field = direction === 'ingress' ? 'fromEntities' : 'toEntities'
        yield {
          kind: 'allow-all',
          severity: 'info',
          path: entry.path,
          message: `it allows every ${sideOf(direction)} on ${ciliumPortWords(entry)}: no peers are named`,
          suggestion: `${field}: [all] says so aloud`,
        }
      }
}

const ciliumPortWords = ({ ports = [], icmps = [] }: CiliumDirectionRule): string =>
  wordsOf(
    [...ports.flatMap(({ ranges }) => ranges), ...icmps],
    ports.flatMap(({ named }) => named.map(({ name }) => name)),
  )

/** What to write where not every address is meant. */
const narrower = {
  kubernetes: 'leave out blocks that are not meant, by `except`',
  cilium: 'world-ipv4 and world-ipv6 are entities for it',
  cluster: 'a Deny or Pass of whom is not meant goes before it',
} as const

function* widePeers(policy: WrittenPolicy, { peers, direction }: WrittenRule): Iterable<PolicyFinding> {
  if (peers === 'unsaid') return
  const whose = policy.dialect === 'cilium' ? 'of a clusterwide policy' : 'of namespaces'
  for (const { path, kind, selectors } of peers) {
    if (kind === 'pods' && selectors.some(isEveryPod))
      yield {
        kind: 'every-pod',
        severity: 'info',
        path,
        message: `an empty selector ${whose} means every pod of the cluster`,
        suggestion: 'name namespaces if only some are meant',
      }
    if (kind !== 'block') continue
    for (const block of selectors) {
      if (block.kind !== 'cidr' || !block.cidr.endsWith('/0') || block.except.length > 0) continue
      const pods = block.scope === 'any' || block.scope === 'outside-and-pods'
      yield {
        kind: 'every-address',
        severity: 'info',
        path,
        message: pods
          ? `${block.cidr} means every ${sideOf(direction)} of its family, pods of the cluster included`
          : `${block.cidr} means every ${sideOf(direction)} of its family outside of the cluster, and no pod`,
        suggestion: narrower[policy.dialect],
      }
    }
  }
}

const isEveryPod = (peer: PeerSelector): boolean =>
  peer.kind === 'labels' &&
  peer.selector.length === 1 &&
  peer.selector[0]!.key === derivedKeys.namespace &&
  peer.selector[0]!.operator === 'Exists'
