import type { CiliumDirectionRule, CiliumPolicyFact, CiliumPortRule, CiliumRule } from '@weir/core/event/cilium.js'
import { ciliumPeersMatch } from './cilium-peers.js'
import { nodeLabels } from './cluster.js'
import { podLabels } from './labels.js'
import { listMatches, rangeMatches } from './ports.js'
import { selects } from './selector.js'
import type { Cause, Side, Voices } from './side.js'

/* cilium.io/v2 CiliumNetworkPolicy and CiliumClusterwideNetworkPolicy: a deny beats every allow; a rule isolates by
   having a section, whatever stands in it. */

export function ciliumVoices(side: Side): Voices {
  const selecting = (side.cluster.ciliumPolicies ?? []).flatMap(policy =>
    policy.rules.filter(rule => selectsSubject(side, policy, rule)).map(rule => ({ policy, rule })),
  )
  const named = ({ policy }: Selecting, path: string): Cause => ({
    policy: ciliumPolicyName(policy),
    path,
  })
  const matching = (meets: (selecting: Selecting) => readonly CiliumDirectionRule[]) =>
    selecting.flatMap(it => meets(it).map(({ path }) => named(it, path)))
  return {
    isolating: selecting
      .filter(({ rule }) => isolates(rule, side))
      .map(it => named(it, `${it.rule.path}.${side.direction}`)),
    denying: matching(({ policy, rule }) =>
      (rule[`${side.direction}Deny`] ?? []).filter(entry => passage(side, policy, entry) !== 'none'),
    ),
    allowing: matching(({ policy, rule }) =>
      (rule[side.direction] ?? []).filter(entry => passage(side, policy, entry) === 'plain'),
    ),
    proxying: matching(({ policy, rule }) =>
      (rule[side.direction] ?? []).filter(entry => passage(side, policy, entry) === 'by proxy'),
    ),
  }
}

interface Selecting {
  readonly policy: CiliumPolicyFact
  readonly rule: CiliumRule
}

export function ciliumPolicyName({ kind, namespace, name }: CiliumPolicyFact): string {
  return namespace === '' ? `${kind} ${name}` : `${kind} ${namespace}/${name}`
}

/**
 * endpointSelector selects pods: of the policy's own namespace, whatever it says; clusterwide, of every namespace.
 * nodeSelector selects nodes, and only clusterwide.
 */
function selectsSubject(
  { cluster, subject }: Side,
  policy: CiliumPolicyFact,
  { subject: wanted }: CiliumRule,
): boolean {
  if (wanted.kind === 'nodes')
    return (
      policy.namespace === '' && subject.kind === 'node' && selects(wanted.selector, nodeLabels(cluster, subject.node))
    )
  if (subject.kind !== 'pod' || subject.pod.init) return false
  const inPlace = policy.namespace === '' || policy.namespace === subject.pod.namespace
  return inPlace && selects(wanted.selector, podLabels(cluster, subject.pod))
}

/** enableDefaultDeny decides where it speaks; else a section that is there does, allowing or denying. */
function isolates(rule: CiliumRule, { direction }: Side): boolean {
  const sections = [...(rule[direction] ?? []), ...(rule[`${direction}Deny`] ?? [])]
  return rule.enableDefaultDeny[direction] ?? sections.length > 0
}

/** How far an entry takes a flow: not at all, through, or as far as a proxy. */
type Passage = 'none' | 'plain' | 'by proxy'

function passage(side: Side, policy: CiliumPolicyFact, entry: CiliumDirectionRule): Passage {
  if (!someoneMatches(side, policy, entry)) return 'none'
  const through = packetPassage(side, entry)
  const mustAuthenticate = entry.authentication !== undefined && entry.authentication !== 'disabled'
  return through === 'plain' && mustAuthenticate ? 'by proxy' : through
}

/** Without peers everybody is meant, as long as the entry says something of ports; `{}` means nobody. */
function someoneMatches(side: Side, policy: CiliumPolicyFact, { peers, ports, icmps }: CiliumDirectionRule): boolean {
  if (peers !== undefined) return ciliumPeersMatch(side, peers, policy.namespace)
  return (ports ?? []).length > 0 || (icmps ?? []).length > 0
}

/**
 * Without ports and ICMP types every packet passes. An entry of ports that names no layer 7 rules for a packet makes
 * those of its neighbours moot: what they would check passes anyway.
 */
function packetPassage({ flow, destination }: Side, { ports = [], icmps = [] }: CiliumDirectionRule): Passage {
  if (icmps.length > 0) return icmps.some(range => rangeMatches(range, flow)) ? 'plain' : 'none'
  if (ports.length === 0) return 'plain'
  const matching = ports.filter(port => listMatches(port, flow, destination))
  if (matching.length === 0) return 'none'
  return matching.some(port => !needsProxy(port)) ? 'plain' : 'by proxy'
}

/** Whatever can only be checked in the stream itself: until something does, none of it passes. */
function needsProxy({ l7, serverNames, listener, tls }: CiliumPortRule): boolean {
  return l7 !== undefined || serverNames.length > 0 || listener !== undefined || tls === true
}
