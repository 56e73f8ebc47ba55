import type { BookRule } from '../compare/rule-book.js'
import { workloadName } from '../compare/residents.js'
import { entryOf } from '../multimap.js'
import { protocolNumbers } from '../policy/rule.js'
import { isIsolation } from '../verdict/evaluate.js'
import { contains, packetKey } from '../verdict/intervals.js'
import { portKey } from '../verdict/model.js'
import type { LintCluster } from './cluster.js'
import type { Finding, PolicyFinding } from './finding.js'
import { listed } from './wording.js'
import type { WrittenPart, WrittenPolicy } from './written.js'

const dnsPort = 53

/** Pods that may talk to somebody and can ask nobody for names. */
export function* withoutNames(cluster: LintCluster): Iterable<Finding> {
  const byPolicy = new Map<string, { readonly rule: BookRule['rule']; readonly workloads: Set<string> }>()
  const resolving = dnsNames(cluster)
  for (const pod of cluster.pods) {
    const rules = cluster.reading.book.selecting(pod.labels, 'egress')
    const isolating = rules.map(({ rule }) => rule).filter(isIsolation)
    const allowances = rules.filter(({ rule }) => rule.action === 'allow')
    // Who may talk to nobody needs no names.
    if (isolating.length === 0 || allowances.length === 0 || allowances.some(asks(resolving))) continue
    const speaking = new Set(allowances.map(({ rule }) => rule.origin.policy))
    const rule = isolating.find(({ origin }) => speaking.has(origin.policy)) ?? isolating[0]!
    entryOf(byPolicy, rule.origin.policy, () => ({ rule, workloads: new Set<string>() })).workloads.add(
      workloadName(pod.pod),
    )
  }
  for (const { rule, workloads } of byPolicy.values())
    yield {
      kind: 'no-dns',
      severity: 'info',
      policy: rule.origin.policy,
      path: rule.origin.path,
      seq: rule.origin.seq,
      message: `${listed([...workloads].sort())} can ask nobody for names: no rule allows port ${dnsPort}`,
      suggestion: `allow UDP and TCP ${dnsPort} to the DNS pods, unless it needs no names`,
    }
}

/** Names that some pod gives to port 53, as `portKey`. */
function dnsNames(cluster: LintCluster): ReadonlySet<string> {
  const found = new Set<string>()
  for (const { ports } of cluster.pods) for (const [key, number] of ports) if (number === dnsPort) found.add(key)
  return found
}

const dnsProtocols = [protocolNumbers.UDP, protocolNumbers.TCP]

const asks =
  (resolving: ReadonlySet<string>) =>
  ({ rule, numbered, names }: BookRule): boolean =>
    (rule.peers === 'any' || rule.peers.length > 0) &&
    (isDnsRule(rule) ||
      dnsProtocols.some(protocol => contains(numbered, packetKey(protocol, dnsPort))) ||
      names.some(({ name, protocol }) =>
        (protocol === 0 ? dnsProtocols : [protocol]).some(each => resolving.has(portKey(each, name))),
      ))

const isDnsRule = ({ l7 }: BookRule['rule']): boolean => l7?.rules?.kind === 'dns'

/** Peers by DNS name, of pods whose questions nobody looks at. */
export function* unseenNames(cluster: LintCluster, policy: WrittenPolicy): Iterable<PolicyFinding> {
  if (policy.dialect !== 'cilium') return
  for (const part of policy.parts)
    for (const { path, peers } of part.rules) {
      if (peers === 'unsaid' || !peers.some(({ kind }) => kind === 'names') || isWatched(cluster, policy, part))
        continue
      yield {
        kind: 'names-unseen',
        severity: 'warning',
        path: `${path}.toFQDNs`,
        message: 'the names stay without addresses: no rule of these pods has rules.dns, so nobody sees the answers',
        suggestion: `allow port ${dnsPort} to the DNS pods with rules: dns: [matchPattern: "*"]`,
      }
    }
}

/** Whether DNS rules look at what every selected pod asks; without a pod, whether the policy itself has such a rule. */
function isWatched(cluster: LintCluster, { title }: WrittenPolicy, { selector }: WrittenPart): boolean {
  const { book } = cluster.reading
  const pods = cluster.matching(selector)
  if (pods.length === 0) return book.rules.some(({ rule }) => rule.origin.policy === title && isDnsRule(rule))
  return pods.every(({ labels }) => book.selecting(labels, 'egress').some(({ rule }) => isDnsRule(rule)))
}
