import { parseAddress, prefixText, type Prefix } from '../address/address.js'
import { prefixIdentityLabels, type CidrIdentities } from '../identity/cidr-identities.js'
import { nodeLabels } from '../identity/node-labels.js'
import type { LabelMap } from '../identity/labels.js'
import { reservedLabel } from '../identity/reserved.js'
import type { Direction, Origin, ProxyDemand, Tier } from '../policy/rule.js'
import type { ClusterState } from '../state/state.js'
import { verdicts as verdictNumbers, type Verdict } from '../tables/tables.js'
import { isIsolation } from '../verdict/evaluate.js'
import { matchesPeer } from '../verdict/match-peer.js'
import { contains, packetKey } from '../verdict/intervals.js'
import { portKey, type Claimant, type CompiledRule, type Shape } from '../verdict/model.js'
import type { Verdicts } from '../verdict/projection.js'
import { Faces } from './faces.js'
import { PodLabels } from './pod-labels.js'
import { SideAnswers } from './side-answers.js'
import { type DirectedRules, SubjectRules } from './subject-rules.js'

/** A new connection's first packet. */
export interface FlowQuery {
  /** Canonical text address. */
  readonly from: string
  readonly to: string
  /** IANA number. */
  readonly protocol: number
  /** Destination port; for ICMP, `type << 8 | code`. */
  readonly port: number
}

/** Somebody to be judged as if he were there: a pod to come, one without an address yet, an address of a block. */
export interface Supposed {
  readonly kind: Party['kind']
  /** As it is to be shown; `namespace/name` of a pod that is there. */
  readonly name: string
  readonly labels: LabelMap
  /** Named ports by `portKey`. */
  readonly ports: ReadonlyMap<string, number>
  /** The longest prefix that is known around its address. */
  readonly within: Prefix
  /** The node that it is or that runs it; absent: not one that is known. */
  readonly node?: string
}

/** A flow of which an end may be somebody who isn't there. */
export interface SupposedFlow {
  readonly from: string | Supposed
  readonly to: string | Supposed
  readonly protocol: number
  readonly port: number
}

/** Who an address is. */
export interface Party {
  readonly address: string
  readonly kind: 'pod' | 'node' | 'world'
  /** `namespace/name` of a pod, name of a node, longest prefix that a policy names around any other address. */
  readonly name: string
  readonly identity: number
  readonly labels: readonly string[]
  /** True for a pod of this node. */
  readonly local: boolean
}

/** A rule that matches the flow. */
export interface MatchedRule {
  readonly action: 'allow' | 'deny' | 'pass'
  /** Rules of the admin tier decide before, those of the baseline tier after what namespaces say. */
  readonly tier: Tier
  readonly origin: Origin
  /** What a proxy would have to find in the traffic. */
  readonly l7?: ProxyDemand
}

/** Why one end's policies pass the flow or not. */
export type Reason =
  /** A rule decided: `decidedBy` says which, and of which tier. */
  | 'rule'
  /** Only allowances that need a proxy match, and none runs. */
  | 'proxy'
  /** No allowance matches, and policies isolate the pod. */
  | 'default-deny'
  /** No policy isolates the pod in this direction. */
  | 'not-isolated'
  /** This end is no pod, nor a node that a policy selects. */
  | 'not-a-pod'
  /** A pod always reaches itself. */
  | 'itself'

export interface SideExplanation {
  readonly direction: Direction
  readonly verdict: Verdict
  readonly reason: Reason
  /** Whether this node enforces it: the pod runs here, or it is this node. */
  readonly enforcedHere: boolean
  /** All that match, in deciding order; the first that is no pass decides. */
  readonly matched: readonly MatchedRule[]
  readonly decidedBy?: MatchedRule
  /** The policies that isolate the pod in this direction. */
  readonly isolatedBy: readonly Origin[]
}

/** What becomes of a flow in the whole cluster, and why. */
export interface Explanation {
  readonly seq: number
  readonly flow: FlowQuery
  readonly verdict: Verdict
  readonly from: Party
  readonly to: Party
  readonly egress: SideExplanation
  readonly ingress: SideExplanation
}

/** An address resolved. */
interface End {
  readonly party: Party
  readonly prefix: Prefix | undefined
  readonly shape: Pick<Shape, 'kind' | 'labels' | 'ports'>
  readonly claimant: Claimant | undefined
  /** Set when nobody says that he is there: his labels are what they are, whoever looks. */
  readonly supposed?: Supposed
  /** The node that it is, or that runs it. */
  readonly node: string | undefined
}

/** Judges flows rule by rule, for any pod of the cluster, local or not. */
export class Explainer {
  readonly #state: ClusterState
  readonly #verdicts: Verdicts
  readonly #cidrIdentities: CidrIdentities
  readonly #rules: SubjectRules
  readonly #places = new PodLabels()
  readonly #answers = new SideAnswers()
  readonly #faces: Faces

  constructor(state: ClusterState, verdicts: Verdicts, cidrIdentities: CidrIdentities) {
    this.#state = state
    this.#verdicts = verdicts
    this.#cidrIdentities = cidrIdentities
    this.#rules = new SubjectRules(verdicts.rules)
    this.#faces = new Faces(verdicts.keys)
  }

  /**
   * All that any rule can tell of the pod that has an address, as text: while it stays the same, and rules do, so does what
   * becomes of its flows. Undefined where no pod has it. The inputs must be settled.
   */
  standingOf(address: string): string | undefined {
    const { party, shape, claimant, node } = this.#resolve(address)
    if (claimant === undefined || shape.kind !== 'pod') return undefined
    const face = [...this.#faceOf({ shape }, shape.labels)].flat().join('\u0000')
    const ports = [...shape.ports].map(([name, port]) => `${name}=${port}`).join()
    // Labels that nobody asked for before may count from now on: what was left out of an earlier face isn't in it.
    return [this.#verdicts.keys.version, party.name, party.local, node ?? '', ports, face].join('\u0000')
  }

  /** Whether an end is an address that nobody in the cluster has. The inputs must be settled. */
  asksOfOutside({ from, to }: SupposedFlow): boolean {
    return this.#isOutside(from) || this.#isOutside(to)
  }

  #isOutside(end: string | Supposed): boolean {
    return typeof end === 'string' && this.#verdicts.ownership.ownerOf(end) === undefined
  }

  /** The inputs must be settled, and the tables where `asksOfOutside` says so. */
  explain(asked: SupposedFlow, seq: number): Explanation {
    const from = typeof asked.from === 'string' ? this.#resolve(asked.from) : supposedEnd(asked.from)
    const to = typeof asked.to === 'string' ? this.#resolve(asked.to) : supposedEnd(asked.to)
    const { protocol, port } = asked
    const flow = { from: from.party.address, to: to.party.address, protocol, port }
    const egress = this.#judge('egress', from, to, flow)
    const ingress = this.#judge('ingress', to, from, flow)
    const verdict = egress.verdict === verdictNumbers.allow ? ingress.verdict : egress.verdict
    return { seq, flow, verdict, from: from.party, to: to.party, egress, ingress }
  }

  #resolve(address: string): End {
    const prefix = parseAddress(address)
    const claimant = this.#verdicts.ownership.ownerOf(address)
    if (claimant !== undefined) {
      const { identity, shape, slot } = claimant
      const kind = claimant.kind === 'pod' ? 'pod' : 'node'
      const said = claimant.workload?.pod?.node ?? claimant.key
      // A pod whose interface is here runs here, whatever its object still says.
      const node = slot > 0 ? (this.#state.agent?.fact.node ?? said) : said
      const name = kind === 'pod' ? claimant.key : node
      const party: Party = { address, kind, name, identity, labels: shape.identityLabels, local: slot > 0 }
      return { party, prefix, shape, claimant, node }
    }
    const around = this.#verdicts.peers.groups.space.around(prefix ?? parseAddress('0.0.0.0')!)
    const party: Party = {
      address,
      kind: 'world',
      name: around.text,
      identity: this.#cidrIdentities.numberOf(around.text),
      labels: prefixIdentityLabels(around.text),
      local: false,
    }
    return { party, prefix, shape: this.#verdicts.peers.groups.restOf(around).shape, claimant, node: undefined }
  }

  #judge(direction: Direction, subject: End, peer: End, flow: FlowQuery): SideExplanation {
    const enforcedHere = this.#isJudgedHere(subject)
    const free = { direction, verdict: verdictNumbers.allow, enforcedHere, matched: [], isolatedBy: [] } as const
    if (subject.party.kind === 'world') return { ...free, reason: 'not-a-pod' }
    if (isSame(subject, peer)) return { ...free, reason: 'itself' }
    const isShared = isLasting(subject) && isLasting(peer)
    const selecting = this.#rules.of(
      isShared ? this.#faceOf(subject, this.#labelsOf(subject)) : this.#labelsOf(subject),
    )
    if (subject.party.kind === 'node' && !selecting.isSelected) return { ...free, reason: 'not-a-pod' }
    const rules = selecting[direction]
    const labels = this.#seenFrom(subject, peer)
    if (!isShared) return this.#decide(direction, rules, labels, subject, peer, flow)
    const seen = this.#faceOf(peer, labels)
    const question = {
      ...{ rules, seen, peerAddress: peer.party.address, packet: packetKey(flow.protocol, flow.port), enforcedHere },
      ports: (direction === 'egress' ? peer : subject).shape.ports,
    }
    return this.#answers.of(question, this.#verdicts.peers.atoms.sets.changes, () =>
      this.#decide(direction, rules, seen, subject, peer, flow),
    )
  }

  #faceOf({ shape }: Pick<End, 'shape'>, labels: LabelMap): LabelMap {
    return this.#faces.of(shape.kind, labels)
  }

  #decide(
    direction: Direction,
    { rules, isolatedBy, hasDeny }: DirectedRules,
    seen: LabelMap,
    subject: End,
    peer: End,
    flow: FlowQuery,
  ): SideExplanation {
    const { allow, deny } = verdictNumbers
    const matched = rules.filter(rule => this.#matches(rule, seen, subject, peer, flow))
    const decided = deciding(matched)
    const rest = { direction, enforcedHere: this.#isJudgedHere(subject), matched: matched.map(shown), isolatedBy }
    if (decided === undefined) return { ...rest, verdict: allow, reason: 'not-isolated' }
    if (isIsolation(decided.rule)) return { ...rest, verdict: deny, reason: 'default-deny', decidedBy: shown(decided) }
    if (decided.rule.l7 !== undefined) {
      return { ...rest, verdict: verdictNumbers.proxy, reason: 'proxy', decidedBy: shown(decided) }
    }
    const verdict = decided.rule.action === 'allow' ? allow : verdictNumbers.denylisted
    // An allowance decides nothing where all passes anyway.
    if (verdict === allow && isolatedBy.length === 0 && decided.rule.tier === 'namespaced' && !hasDeny) {
      return { ...rest, verdict, reason: 'not-isolated', decidedBy: shown(decided) }
    }
    return { ...rest, verdict, reason: 'rule', decidedBy: shown(decided) }
  }

  #matches(compiled: CompiledRule, labels: LabelMap, subject: End, peer: End, { protocol, port }: FlowQuery): boolean {
    const { rule } = compiled
    const seen = { kind: peer.shape.kind, labels }
    const peers = this.#verdicts.withMembers(rule).peers
    if (peers !== 'any' && !peers.some(selector => matchesPeer(selector, seen, peer.prefix))) return false
    if (contains(compiled.numbered, packetKey(protocol, port))) return true
    // Names are the destination's: the peer's on egress, the subject's own on ingress.
    const { ports } = rule.direction === 'egress' ? peer.shape : subject.shape
    return compiled.names.some(
      named => named.protocol === protocol && ports.get(portKey(protocol, named.name)) === port,
    )
  }

  /** The subject as rules select it: every node is its own host. */
  #labelsOf({ shape, node, supposed }: End): LabelMap {
    return shape.kind === 'node' && supposed !== undefined
      ? supposed.labels
      : shape.kind === 'node'
        ? nodeLabels(this.#state, node ?? '', node !== undefined && node !== '')
        : shape.labels
  }

  /** To a pod of another node, that node is the host and ours is a remote one; and its pods are that node's own. */
  #seenFrom(subject: End, peer: End): LabelMap {
    const { kind, labels } = peer.shape
    if (kind === 'world' || (kind === 'node' && peer.supposed !== undefined)) return labels
    if (this.#isJudgedHere(subject) && peer.supposed === undefined) return labels
    const isOwn = peer.node === subject.node && peer.node !== undefined && peer.node !== ''
    if (kind === 'node') return nodeLabels(this.#state, peer.node ?? '', isOwn)
    return this.#places.seen(labels, isOwn)
  }

  #isJudgedHere({ party, shape }: End): boolean {
    return party.local || shape.labels.has(reservedLabel('host'))
  }
}

function supposedEnd(supposed: Supposed): End {
  const { kind, name, labels, ports, within, node } = supposed
  const address = within.length === 0 ? '' : prefixText(within)
  const shown = [...labels].map(([key, value]) => `${key.startsWith('reserved:') ? '' : 'k8s:'}${key}=${value}`)
  const party: Party = { address, kind, name, identity: 0, labels: shown.sort(), local: false }
  return { party, prefix: within, shape: { kind, labels, ports }, claimant: undefined, node, supposed }
}

/** Whether its labels are an object that is there as long as they are: a node's are put together for each question. */
const isLasting = ({ shape, supposed }: End): boolean => shape.kind !== 'node' && supposed === undefined

/** A pod, or a node, at both ends. */
const isSame = (subject: End, peer: End): boolean =>
  isSamePod(subject, peer) || (subject.claimant !== undefined && isSameClaimant(subject, peer))

const isSamePod = (subject: End, peer: End): boolean =>
  subject.party.kind === 'pod' &&
  peer.party.kind === 'pod' &&
  subject.supposed !== undefined &&
  subject.supposed === peer.supposed

const isSameClaimant = (subject: End, peer: End): boolean =>
  subject.claimant === peer.claimant ||
  (subject.shape.kind === 'node' &&
    peer.shape.kind === 'node' &&
    subject.node !== undefined &&
    subject.node !== '' &&
    subject.node === peer.node)

/** The first match decides; a pass skips the rest of its tier. */
function deciding(matched: readonly CompiledRule[]): CompiledRule | undefined {
  let passed: string | undefined
  for (const compiled of matched) {
    if (compiled.rule.tier === passed) continue
    if (compiled.rule.action !== 'pass') return compiled
    passed = compiled.rule.tier
  }
  return undefined
}

const shown = ({ rule: { action, tier, origin, l7 } }: CompiledRule): MatchedRule => ({
  action,
  tier,
  origin,
  ...(l7 === undefined ? {} : { l7 }),
})
