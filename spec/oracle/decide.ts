import type { Direction } from '@weir/core/policy/rule.js'
import { builtInAllowances } from './built-in.js'
import { ciliumVoices } from './cilium.js'
import { isLocal, nameOf, type OracleCluster, type Party, partyAt } from './cluster.js'
import { tierWord } from './cluster-policy.js'
import { networkPolicyVoices } from './network-policy.js'
import type { Cause, OracleFlow, Side, Subject } from './side.js'

/*
 * The specification of what policies mean: naive, slow, and written without a look at how verdicts are compiled.
 *
 * Where the dialects' own texts are silent, these are the readings taken:
 * - All dialects meet in one order: Admin tier; NetworkPolicy, CiliumNetworkPolicy and the clusterwide one together
 *   (denials, then allowances, then isolation); Baseline tier; then everything passes.
 * - A rule of a Cilium policy that says neither peers nor ports selects no traffic, to allow or to deny; it isolates.
 * - An allowance that needs a proxy (layer 7 rules, server names, a listener, TLS, authentication) yields to a plain one
 *   for the same packet, built-in ones among them, and is no pass by itself: nothing gets through until a proxy looks.
 * - Endpoint selectors match pods, never nodes or the outside, even where all they ask is that a label be absent; but
 *   one that asks for a reserved label matches who has it, and no pod.
 * - CIDRs of Cilium policies, DNS names and endpoints of services without a selector match outside the cluster only;
 *   ipBlock of NetworkPolicy and `networks` of cluster policies match whoever has the address.
 * - The host is the node that the subject runs on, so it differs from subject to subject; the API server is wherever the
 *   service `default/kubernetes` has its endpoints.
 * - A node is a subject of clusterwide policies with a nodeSelector only. They judge whatever has one of the node's
 *   addresses as its source or destination, whoever is at the other end, but not what the node sends to itself.
 * - A node that policies isolate still reaches its own pods, and a few TCP ports of it stay open; an explicit denial wins.
 * - A pod of which nobody has told (`reserved:init`) is in no namespace and has no labels: policies of pods neither select it
 *   nor mean it, but those that name `init`, everything, the cluster or its address do. It is isolated both ways, and its
 *   own node reaches it.
 * - Cluster policies of one priority: by name, then kind, all rules of one before the next one's.
 */

/**
 * What one side says. `denylisted`: a rule denies it. `deny`: nothing allows it and a policy isolates the subject.
 * `proxy`: only rules allow it that need a proxy, which doesn't run, so it is denied.
 */
export type SideVerdict = 'allow' | 'deny' | 'denylisted' | 'proxy'

/** What one end's policies say. */
export interface SideDecision {
  readonly verdict: SideVerdict
  /** Only `allow` is. */
  readonly allowed: boolean
  /** Why policies aren't asked at all; absent when they are. */
  readonly exempt?: 'nobody' | 'itself'
  /** The rules of which any may be named as the reason; none when nothing isolates and no rule speaks. */
  readonly decidedBy: readonly Cause[]
  /** The policies that isolate the subject in this direction. */
  readonly isolatedBy: readonly Cause[]
  /** Rules of the namespaced tier that match. */
  readonly deniedBy: readonly Cause[]
  readonly allowedBy: readonly Cause[]
  readonly proxiedBy: readonly Cause[]
  readonly builtIn: readonly Cause[]
  /** Whether this node is the one that enforces this side. */
  readonly enforcedHere: boolean
}

export interface Decision {
  /** The cluster's verdict: both sides agree, wherever each is enforced. */
  readonly allowed: boolean
  /** The verdict of this node alone, which enforces only its own sides. */
  readonly allowedHere: boolean
  /** The first side's word that this node enforces and that is no `allow`, egress before ingress. */
  readonly verdictHere: SideVerdict
  readonly egress: SideDecision
  readonly ingress: SideDecision
}

/** Reads the meaning of all policies off the cluster, line by line. Slow, and meant to be. */
export function decide(cluster: OracleCluster, flow: OracleFlow): Decision {
  const source = partyAt(cluster, flow.from)
  const destination = partyAt(cluster, flow.to)
  const egress = decideEnd(cluster, flow, 'egress', source, destination)
  const ingress = decideEnd(cluster, flow, 'ingress', source, destination)
  const refusal = [egress, ingress].find(side => side.enforcedHere && !side.allowed)
  return {
    allowed: egress.allowed && ingress.allowed,
    allowedHere: refusal === undefined,
    verdictHere: refusal?.verdict ?? 'allow',
    egress,
    ingress,
  }
}

/** Egress is the source's policies looking at the destination; ingress the destination's looking at the source. */
function decideEnd(
  cluster: OracleCluster,
  flow: OracleFlow,
  direction: Direction,
  source: Party,
  destination: Party,
): SideDecision {
  const [end, peer, peerAddress] =
    direction === 'egress' ? [source, destination, flow.to] : [destination, source, flow.from]
  const subject = subjectOf(end)
  if (subject === undefined) return exempt('nobody', false)
  const enforcedHere = isHere(cluster, subject)
  if (isSame(source, destination)) return exempt('itself', enforcedHere)
  return decideSide({ cluster, flow, direction, subject, peer, peerAddress, destination }, enforcedHere)
}

/** Policies select pods and nodes; nobody judges for the outside, or for a node that has no name yet. */
function subjectOf(end: Party): Subject | undefined {
  return end.kind === 'outside' || (end.kind === 'node' && end.node === '') ? undefined : end
}

/** Each node enforces the policies of its pods and its own. */
function isHere(cluster: OracleCluster, subject: Subject): boolean {
  return subject.kind === 'pod' ? isLocal(cluster, subject.pod) : subject.node === cluster.agent?.node
}

/** A pod can always reach itself, and so can a node. */
function isSame(source: Party, destination: Party): boolean {
  if (source.kind === 'pod' && destination.kind === 'pod') return nameOf(source.pod) === nameOf(destination.pod)
  return source.kind === 'node' && destination.kind === 'node' && source.node === destination.node
}

function exempt(reason: NonNullable<SideDecision['exempt']>, enforcedHere: boolean): SideDecision {
  const nothing = { decidedBy: [], isolatedBy: [], deniedBy: [], allowedBy: [], proxiedBy: [], builtIn: [] }
  return { verdict: 'allow', allowed: true, exempt: reason, ...nothing, enforcedHere }
}

/** Nobody can tell which policies a pod will have of which nobody has told: it is isolated until then. */
function notKnownYet({ subject }: Side): readonly Cause[] {
  return subject.kind === 'pod' && subject.pod.init
    ? [{ policy: 'built-in: pods not known yet', path: 'reserved:init' }]
    : []
}

/** The tiers, one after the other, until one decides. */
function decideSide(side: Side, enforcedHere: boolean): SideDecision {
  const voices = [networkPolicyVoices(side), ciliumVoices(side)]
  const said = {
    isolatedBy: [...voices.flatMap(({ isolating }) => isolating), ...notKnownYet(side)],
    deniedBy: voices.flatMap(({ denying }) => denying),
    allowedBy: voices.flatMap(({ allowing }) => allowing),
    proxiedBy: voices.flatMap(({ proxying }) => proxying),
    builtIn: builtInAllowances(side),
  }
  const decided = (verdict: SideVerdict, decidedBy: readonly Cause[]): SideDecision => ({
    verdict,
    allowed: verdict === 'allow',
    decidedBy,
    ...said,
    enforcedHere,
  })

  const admin = tierWord(side, 'admin')
  if (admin?.action === 'accept') return decided('allow', [admin.cause])
  if (admin?.action === 'deny') return decided('denylisted', [admin.cause])

  if (said.deniedBy.length > 0) return decided('denylisted', said.deniedBy)
  if (said.allowedBy.length > 0) return decided('allow', said.allowedBy)
  if (said.builtIn.length > 0) return decided('allow', said.builtIn)
  if (said.proxiedBy.length > 0) return decided('proxy', said.proxiedBy)
  if (said.isolatedBy.length > 0) return decided('deny', said.isolatedBy)

  const baseline = tierWord(side, 'baseline')
  if (baseline?.action === 'deny') return decided('denylisted', [baseline.cause])
  return decided('allow', baseline?.action === 'accept' ? [baseline.cause] : [])
}
