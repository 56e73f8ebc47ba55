import type { CiliumDirectionRule, CiliumPolicyFact } from '@weir/core/event/cilium.js'
import type { ClusterPolicyFact } from '@weir/core/event/cluster-policy.js'
import { expect } from 'chai'
import fc from 'fast-check'
import { clusterOf, type OracleCluster, partyAt } from '../cluster.js'
import { type Decision, decide } from '../decide.js'
import type { OracleFlow } from '../side.js'
import { interestingFlows } from './flows.js'
import { reordered } from './history.js'
import { mixedHistories } from './mixed.js'

/** A decided flow with what it was decided in. */
interface Seen {
  readonly cluster: OracleCluster
  readonly flow: OracleFlow
  readonly decision: Decision
}

const sides = ({ decision }: Seen) => [decision.egress, decision.ingress].filter(side => side.enforcedHere)
const decidedBy = (seen: Seen, word: RegExp) =>
  sides(seen).some(side => side.decidedBy.some(it => word.test(it.policy)))

/** Does the verdict turn when the cluster is another? Only what a dialect's feature does by itself is tested by it. */
const turns = ({ cluster, flow, decision }: Seen, change: (cluster: OracleCluster) => OracleCluster): boolean =>
  decide(change(cluster), flow).verdictHere !== decision.verdictHere

const withCilium =
  (change: (policy: CiliumPolicyFact) => CiliumPolicyFact) =>
  (cluster: OracleCluster): OracleCluster => ({
    ...cluster,
    ciliumPolicies: (cluster.ciliumPolicies ?? []).map(change),
  })

/** Every direction rule changed. */
const withEntries = (change: (entry: CiliumDirectionRule) => CiliumDirectionRule) =>
  withCilium(policy => ({
    ...policy,
    rules: policy.rules.map(rule => ({
      ...rule,
      ...(rule.ingress && { ingress: rule.ingress.map(change) }),
      ...(rule.ingressDeny && { ingressDeny: rule.ingressDeny.map(change) }),
      ...(rule.egress && { egress: rule.egress.map(change) }),
      ...(rule.egressDeny && { egressDeny: rule.egressDeny.map(change) }),
    })),
  }))

/** Rules whose peers are of a kind (and meet more) mean nobody. */
const withoutPeers = (kind: string, more: (peers: string) => boolean = () => true) =>
  withEntries(entry =>
    entry.peers?.kind === kind && more(JSON.stringify(entry.peers))
      ? { ...entry, peers: { kind: 'entities', entities: [] } }
      : entry,
  )

const withClusterPolicies =
  (change: (policies: readonly ClusterPolicyFact[]) => readonly ClusterPolicyFact[]) =>
  (cluster: OracleCluster): OracleCluster => ({ ...cluster, clusterPolicies: change(cluster.clusterPolicies ?? []) })

const withoutAction = (tier: ClusterPolicyFact['tier'], action: string) =>
  withClusterPolicies(policies =>
    policies.map(policy =>
      policy.tier === tier
        ? {
            ...policy,
            ingress: policy.ingress.filter(rule => rule.action !== action),
            egress: policy.egress.filter(rule => rule.action !== action),
          }
        : policy,
    ),
  )

const withoutClusterPeers = (kind: string) =>
  withClusterPolicies(policies =>
    policies.map(policy => ({
      ...policy,
      ingress: policy.ingress.map(rule => ({ ...rule, peers: rule.peers.filter(peer => peer.kind !== kind) })),
      egress: policy.egress.map(rule => ({ ...rule, peers: rule.peers.filter(peer => peer.kind !== kind) })),
    })),
  )

const judgesNode = ({ cluster, flow }: Seen) =>
  [flow.from, flow.to].some(address => {
    const party = partyAt(cluster, address)
    return party.kind === 'node' && party.node === cluster.agent?.node
  })

/** What the properties must meet to mean anything. Most change the verdict by themselves. */
const kinds: Readonly<Record<string, (seen: Seen) => boolean>> = {
  'denied by a rule': ({ decision }) => decision.verdictHere === 'denylisted',
  'denied for want of a proxy': ({ decision }) => decision.verdictHere === 'proxy',
  'denied by isolation': ({ decision }) => decision.verdictHere === 'deny',
  'decided by a CiliumNetworkPolicy': seen => decidedBy(seen, /^CiliumNetworkPolicy /),
  'decided by a clusterwide one': seen => decidedBy(seen, /^CiliumClusterwide/),
  'decided by a NetworkPolicy': seen => decidedBy(seen, /^NetworkPolicy /),
  'decided by a ClusterNetworkPolicy': seen => decidedBy(seen, /^ClusterNetworkPolicy /),
  'decided by an AdminNetworkPolicy': seen => decidedBy(seen, /^AdminNetworkPolicy /),
  'decided by a BaselineAdminNetworkPolicy': seen => decidedBy(seen, /^BaselineAdminNetworkPolicy /),
  'hinging on a deny section': seen =>
    turns(
      seen,
      withCilium(policy => ({
        ...policy,
        rules: policy.rules.map(({ ingressDeny: _, egressDeny: __, ...rule }) => rule),
      })),
    ),
  'hinging on entities': seen => turns(seen, withoutPeers('entities')),
  'hinging on kube-apiserver': seen => turns(seen, cluster => ({ ...cluster, slices: [] })),
  'hinging on CIDRs': seen => turns(seen, withoutPeers('cidrs')),
  'hinging on CIDR groups': seen => turns(seen, cluster => ({ ...cluster, cidrGroups: [] })),
  'hinging on holes of CIDRs': seen =>
    turns(
      seen,
      withEntries(entry =>
        entry.peers?.kind === 'cidrs'
          ? { ...entry, peers: { kind: 'cidrs', cidrs: entry.peers.cidrs.map(cidr => ({ ...cidr, except: [] })) } }
          : entry,
      ),
    ),
  'hinging on a CIDR group by its labels': seen =>
    turns(
      seen,
      withoutPeers('cidrs', peers => peers.includes('"groups"')),
    ),
  'hinging on a reserved label': seen =>
    turns(
      seen,
      withoutPeers('endpoints', peers => peers.includes('reserved:')),
    ),
  'hinging on the absence of a reserved label': seen =>
    turns(
      seen,
      withoutPeers('endpoints', peers => /"reserved:[^"]*","operator":"DoesNotExist"/.test(peers)),
    ),
  'hinging on services by their labels': seen =>
    turns(
      seen,
      withoutPeers('services', peers => peers.includes('"selector"')),
    ),
  'of a protocol without ports, denied or allowed by a rule for it': seen =>
    [2, 112].includes(seen.flow.protocol) &&
    turns(
      seen,
      withEntries(({ ports, ...entry }) => ({
        ...entry,
        ...(ports && {
          ports: ports.map(it => ({
            ...it,
            ranges: it.ranges.filter(({ protocol }) => protocol !== seen.flow.protocol),
          })),
        }),
      })),
    ),
  'denied for want of a listener or TLS': seen =>
    turns(
      seen,
      withEntries(({ ports, ...entry }) => ({
        ...entry,
        ...(ports && { ports: ports.map(({ listener: _, tls: __, terminatingTls: ___, ...it }) => it) }),
      })),
    ),
  'hinging on nodes': seen => turns(seen, withoutPeers('nodes')),
  'hinging on services': seen => turns(seen, withoutPeers('services')),
  'hinging on DNS names': seen => turns(seen, withoutPeers('fqdns')),
  'hinging on the time that DNS answers hold': seen => turns(seen, cluster => ({ ...cluster, timeMs: 0 })),
  'hinging on a label of namespaces': seen =>
    turns(
      seen,
      withoutPeers('endpoints', peers => peers.includes('namespace.labels')),
    ),
  'hinging on another namespace': seen =>
    turns(
      seen,
      withoutPeers('endpoints', peers => peers.includes('io.kubernetes.pod.namespace')),
    ),
  'hinging on named ports': seen =>
    turns(
      seen,
      withEntries(({ ports, ...entry }) => ({
        ...entry,
        ...(ports && { ports: ports.map(it => ({ ...it, named: [] })) }),
      })),
    ),
  'hinging on ICMP types': seen =>
    turns(
      seen,
      withEntries(({ icmps, ...entry }) => ({ ...entry, ...(icmps && { ports: [] }) })),
    ),
  'hinging on enableDefaultDeny': seen =>
    turns(
      seen,
      withCilium(policy => ({ ...policy, rules: policy.rules.map(rule => ({ ...rule, enableDefaultDeny: {} })) })),
    ),
  'hinging on an empty rule': seen =>
    turns(
      seen,
      withCilium(policy => ({
        ...policy,
        rules: policy.rules.map(({ ingress = [], egress = [], ...rule }) => ({
          ...rule,
          ingress: ingress.filter(({ peers, ports, icmps }) => peers ?? ports ?? icmps),
          egress: egress.filter(({ peers, ports, icmps }) => peers ?? ports ?? icmps),
        })),
      })),
    ),
  'of the node itself, denied': seen => judgesNode(seen) && !seen.decision.allowedHere,
  'of the node itself, allowed by a rule': seen =>
    judgesNode(seen) && seen.decision.allowedHere && decidedBy(seen, /^CiliumClusterwide/),
  'open for safety': seen => sides(seen).some(side => side.decidedBy.some(it => it.path === 'fail-safe ports')),
  'denied to the node and its own pod': seen =>
    sides(seen).some(side => side.builtIn.some(it => it.path.startsWith('node')) && !side.allowed),
  'hinging on an Admin accept': seen => turns(seen, withoutAction('admin', 'accept')),
  'hinging on an Admin deny': seen => turns(seen, withoutAction('admin', 'deny')),
  'hinging on an Admin pass': seen => turns(seen, withoutAction('admin', 'pass')),
  'hinging on a Baseline deny': seen => turns(seen, withoutAction('baseline', 'deny')),
  'hinging on a Baseline accept': seen => turns(seen, withoutAction('baseline', 'accept')),
  'hinging on a Baseline pass': seen => turns(seen, withoutAction('baseline', 'pass')),
  'hinging on networks of a cluster policy': seen => turns(seen, withoutClusterPeers('networks')),
  'hinging on nodes of a cluster policy': seen => turns(seen, withoutClusterPeers('nodes')),
  'hinging on domain names of a cluster policy': seen => turns(seen, withoutClusterPeers('domainNames')),
  'hinging on the order of clashing priorities': seen =>
    turns(
      seen,
      withClusterPolicies(policies => policies.map(it => ({ ...it, name: it.name === 'p' ? 'z' : it.name }))),
    ),
}

describe('oracle: random histories of all dialects', () => {
  const seen: Seen[] = fc.sample(mixedHistories(40), { numRuns: 1200, seed: 22 }).flatMap((batches, salt) => {
    const cluster = clusterOf(batches.flat())
    return [...interestingFlows(cluster, 80, salt)].map(flow => ({ cluster, flow, decision: decide(cluster, flow) }))
  })

  for (const [kind, meets] of Object.entries(kinds))
    it(`hold flows that are ${kind}`, function () {
      this.timeout(30_000)
      let found = 0
      for (const it of seen) if (meets(it) && ++found > 5) return
      throw new Error(`only ${found} of ${seen.length}`)
    })

  it('end alike when reordered', () => {
    fc.assert(
      fc.property(mixedHistories(20), fc.array(fc.nat(9), { minLength: 1 }), (batches, choices) => {
        const bodies = batches.flat()
        const sorted = (cluster: OracleCluster) =>
          Object.fromEntries(
            Object.entries(cluster).map(([name, value]) => [
              name,
              Array.isArray(value) ? value.map(it => JSON.stringify(it)).sort() : value,
            ]),
          )
        expect(sorted(clusterOf(reordered(bodies, choices)))).deep.equals(sorted(clusterOf(bodies)))
      }),
      { numRuns: 100 },
    )
  })
})
