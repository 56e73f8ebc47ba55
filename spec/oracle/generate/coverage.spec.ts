import type { NetworkPolicyFact } from '@weir/core/event/event.js'
import { expect } from 'chai'
import fc from 'fast-check'
import { clusterOf, type OracleCluster } from '../cluster.js'
import { type Decision, decide } from '../decide.js'
import type { OracleFlow } from '../side.js'
import { interestingFlows } from './flows.js'
import { histories, reordered } from './history.js'

/** A decided flow with what it was decided in. */
interface Seen {
  readonly cluster: OracleCluster
  readonly flow: OracleFlow
  readonly decision: Decision
}

const rulesNamed = ({ cluster, decision }: Seen) =>
  [...decision.ingress.allowedBy, ...decision.egress.allowedBy].flatMap(({ policy, path }) => {
    const found = cluster.policies.find(({ namespace, name }) => policy === `NetworkPolicy ${namespace}/${name}`)
    const [, direction, index] = /spec\.(ingress|egress)\[(\d+)\]/.exec(path) ?? []
    const rule = found?.[direction as 'ingress' | 'egress'][Number(index)]
    return rule ? [rule] : []
  })

const changes = (seen: Seen, change: (policy: NetworkPolicyFact) => NetworkPolicyFact): boolean => {
  const { cluster, flow, decision } = seen
  return decide({ ...cluster, policies: cluster.policies.map(change) }, flow).allowedHere !== decision.allowedHere
}

const withRules = (
  policy: NetworkPolicyFact,
  change: (rule: NetworkPolicyFact['ingress'][number]) => NetworkPolicyFact['ingress'][number],
): NetworkPolicyFact => ({ ...policy, ingress: policy.ingress.map(change), egress: policy.egress.map(change) })

const withoutHoles = (policy: NetworkPolicyFact) =>
  withRules(policy, rule => ({
    ...rule,
    peers: rule.peers.map(peer => (peer.kind === 'ipBlock' ? { ...peer, except: [] } : peer)),
  }))

const withoutNames = (policy: NetworkPolicyFact) =>
  withRules(policy, rule => ({
    ...rule,
    ports: rule.ports.map(port => (typeof port.port === 'string' ? { ...port, port: 7 } : port)),
  }))

const withoutRanges = (policy: NetworkPolicyFact) =>
  withRules(policy, rule => ({ ...rule, ports: rule.ports.map(({ endPort: _, ...port }) => port) }))

const sides = ({ decision }: Seen) => [decision.ingress, decision.egress]

/** What the properties must meet to mean anything. Those that begin with "hinges on" change the verdict by themselves. */
const kinds: Readonly<Record<string, (seen: Seen) => boolean>> = {
  'denied on ingress': ({ decision }) => !decision.ingress.allowed,
  'denied on egress': ({ decision }) => !decision.egress.allowed,
  'denied elsewhere only': ({ decision }) => !decision.allowed && decision.allowedHere,
  'allowed by two policies': ({ decision }) => new Set(decision.ingress.allowedBy.map(it => it.policy)).size > 1,
  'of a pod to itself': seen => sides(seen).some(side => side.exempt === 'itself' && side.enforcedHere),
  'of the node to its own pod': seen => sides(seen).some(side => side.builtIn.length > 0 && side.enforcedHere),
  'of the node to a pod not known yet': ({ cluster, flow, decision }) =>
    cluster.pods.some(pod => pod.init && pod.addresses.includes(flow.to)) &&
    decision.ingress.builtIn.length > 0 &&
    decision.ingress.enforcedHere,
  'stopped at a pod not known yet': seen =>
    sides(seen).some(
      side => side.enforcedHere && !side.allowed && side.isolatedBy.some(({ path }) => path === 'reserved:init'),
    ),
  'of a pod not known yet, by its address': ({ cluster, flow, decision }) =>
    cluster.pods.some(pod => pod.init && pod.addresses.includes(flow.from)) && decision.ingress.allowedBy.length > 0,
  'of an address that only a device tells of, to a pod of the node': ({ cluster, flow, decision }) =>
    cluster.agent !== undefined &&
    (cluster.observed ?? []).includes(flow.from) &&
    !cluster.nodes.some(node => node.addresses.includes(flow.from)) &&
    decision.ingress.builtIn.length > 0 &&
    decision.ingress.enforcedHere,
  'IPv6, allowed by a rule': seen => seen.flow.from.includes(':') && rulesNamed(seen).length > 0,
  'ICMP, allowed by a rule': seen => [1, 58].includes(seen.flow.protocol) && rulesNamed(seen).length > 0,
  'ICMP, denied': ({ flow, decision }) => [1, 58].includes(flow.protocol) && !decision.allowed,
  'SCTP, allowed by a port': seen => seen.flow.protocol === 132 && rulesNamed(seen).some(rule => rule.ports.length > 0),
  'allowed by both selectors': seen =>
    rulesNamed(seen).some(rule =>
      rule.peers.some(peer => peer.kind === 'pods' && peer.namespaceSelector && peer.podSelector),
    ),
  'hinges on a hole of an ipBlock': seen => changes(seen, withoutHoles),
  'hinges on a named port': seen => changes(seen, withoutNames),
  'hinges on an endPort': seen => changes(seen, withoutRanges),
  'hinges on an ipBlock over a pod': seen =>
    seen.cluster.pods.some(pod => pod.addresses.includes(seen.flow.from)) &&
    changes(seen, policy =>
      withRules(policy, rule => ({
        ...rule,
        peers: rule.peers.map(peer => (peer.kind === 'ipBlock' ? { ...peer, cidr: '240.0.0.0/32' } : peer)),
      })),
    ),
}

describe('oracle: random histories', function () {
  this.timeout(20_000)

  const seen: Seen[] = fc.sample(histories(40), { numRuns: 800, seed: 20 }).flatMap((batches, salt) => {
    const cluster = clusterOf(batches.flat())
    return [...interestingFlows(cluster, 60, salt)].map(flow => ({ cluster, flow, decision: decide(cluster, flow) }))
  })

  for (const [kind, meets] of Object.entries(kinds))
    it(`hold flows that are: ${kind}`, () => expect(seen.filter(meets).length).above(10))

  it('isolate a good part of the pods asked about', () => {
    const isolated = seen.filter(it => sides(it).some(side => side.enforcedHere && side.isolatedBy.length > 0))
    expect(isolated.length / seen.length).above(0.2)
  })

  it('end alike when reordered', () => {
    fc.assert(
      fc.property(histories(20), fc.array(fc.nat(9), { minLength: 1 }), (batches, choices) => {
        const bodies = batches.flat()
        const other = reordered(bodies, choices)
        expect(other).has.length(bodies.length)
        const sorted = (cluster: OracleCluster) => ({
          ...cluster,
          pods: cluster.pods.map(pod => JSON.stringify(pod)).sort(),
          policies: cluster.policies.map(policy => JSON.stringify(policy)).sort(),
          nodes: cluster.nodes.map(node => JSON.stringify(node)).sort(),
          namespaces: cluster.namespaces.map(namespace => JSON.stringify(namespace)).sort(),
          attached: [...(cluster.attached ?? [])].sort(),
        })
        expect(sorted(clusterOf(other))).deep.equals(sorted(clusterOf(bodies)))
      }),
      { numRuns: 100 },
    )
  })

  it('ask each flow of a small cluster once', () => {
    const [batches = []] = fc.sample(histories(6), { numRuns: 1, seed: 3 })
    const flows = [...interestingFlows(clusterOf(batches.flat()), 1_000_000, 5)].map(flow => JSON.stringify(flow))
    expect(flows.length).above(10)
    expect(new Set(flows).size).equals(flows.length)
  })
})
