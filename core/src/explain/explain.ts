import { parseAddress, type Prefix } from '../address/address.js'
import { prefixIdentityLabels, type CidrIdentities } from '../identity/cidr-identities.js'
import type { Direction, Origin } from '../policy/rule.js'
import { verdicts as verdictNumbers, type Verdict } from '../tables/tables.js'
import { compareRules } from '../verdict/evaluate.js'
import { matchesPeer } from '../verdict/match-peer.js'
import { contains, packetKey } from '../verdict/intervals.js'
import { portKey, type Claimant, type CompiledRule, type Shape } from '../verdict/model.js'
import type { Verdicts } from '../verdict/projection.js'

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
  readonly origin: Origin
}

/** Why one end's policies pass the flow or not. */
export type Reason =
  /** A rule decided. */
  | 'rule'
  /** No allowance matches, and policies isolate the pod. */
  | 'default-deny'
  /** No policy isolates the pod in this direction. */
  | 'not-isolated'
  /** This end is no pod: no policy selects it. */
  | 'not-a-pod'
  /** A pod always reaches itself. */
  | 'itself'

export interface SideExplanation {
  readonly direction: Direction
  readonly verdict: Verdict
  readonly reason: Reason
  /** Whether this node enforces it: the pod runs here. */
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
  readonly shape: Shape
  readonly claimant: Claimant | undefined
  /** The node that it is, or that runs it. */
  readonly node: string | undefined
}

/** Judges flows rule by rule, for any pod of the cluster, local or not. */
export class Explainer {
  readonly #verdicts: Verdicts
  readonly #cidrIdentities: CidrIdentities

  constructor(verdicts: Verdicts, cidrIdentities: CidrIdentities) {
    this.#verdicts = verdicts
    this.#cidrIdentities = cidrIdentities
  }

  /** The tables must be settled. */
  explain(flow: FlowQuery, seq: number): Explanation {
    const from = this.#resolve(flow.from)
    const to = this.#resolve(flow.to)
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
      const node = claimant.kind === 'node' ? claimant.key : this.#verdicts.claimants.workloadOf(claimant)!.pod!.node
      const name = kind === 'pod' ? claimant.key : node
      const party: Party = { address, kind, name, identity, labels: shape.identityLabels, local: slot > 0 }
      return { party, prefix, shape, claimant, node }
    }
    const around = this.#verdicts.peers.space.around(prefix ?? parseAddress('0.0.0.0')!)
    const party: Party = {
      address,
      kind: 'world',
      name: around.text,
      identity: this.#cidrIdentities.numberOf(around.text),
      labels: prefixIdentityLabels(around.text),
      local: false,
    }
    return { party, prefix, shape: this.#verdicts.peers.restOf(around).shape, claimant, node: undefined }
  }

  #judge(direction: Direction, subject: End, peer: End, flow: FlowQuery): SideExplanation {
    const { allow, deny } = verdictNumbers
    const enforcedHere = subject.party.local
    const free = { direction, verdict: allow, enforcedHere, matched: [], isolatedBy: [] } as const
    if (subject.party.kind !== 'pod') return { ...free, reason: 'not-a-pod' }
    if (subject.claimant === peer.claimant) return { ...free, reason: 'itself' }
    const rules = this.#verdicts.rules
      .rulesFor(subject.shape)
      .filter(({ rule }) => rule.direction === direction)
      .sort((a, b) => compareRules(a.rule, b.rule) || (a.text < b.text ? -1 : 1))
    const isolatedBy = rules.filter(isIsolation).map(({ rule }) => rule.origin)
    const matched = rules.filter(rule => this.#matches(rule, subject, peer, flow))
    const decided = deciding(matched)
    const rest = { direction, enforcedHere, matched: matched.map(shown), isolatedBy }
    if (decided === undefined) return { ...rest, verdict: allow, reason: 'not-isolated' }
    const verdict = decided.rule.action === 'allow' ? allow : deny
    if (isIsolation(decided)) return { ...rest, verdict, reason: 'default-deny', decidedBy: shown(decided) }
    // An allowance decides nothing where all passes anyway.
    if (verdict === allow && isolatedBy.length === 0 && decided.rule.tier === 'namespaced' && !anyDeny(rules)) {
      return { ...rest, verdict, reason: 'not-isolated', decidedBy: shown(decided) }
    }
    return { ...rest, verdict, reason: 'rule', decidedBy: shown(decided) }
  }

  #matches(compiled: CompiledRule, subject: End, peer: End, { protocol, port }: FlowQuery): boolean {
    const { rule } = compiled
    const { peers } = rule
    const seen = this.#seenFrom(subject, peer)
    if (peers !== 'any' && !peers.some(selector => matchesPeer(selector, seen, peer.prefix))) return false
    if (contains(compiled.numbered, packetKey(protocol, port))) return true
    // Names are the destination's: the peer's on egress, the subject's own on ingress.
    const { ports } = rule.direction === 'egress' ? peer.shape : subject.shape
    return compiled.names.some(
      named => named.protocol === protocol && ports.get(portKey(protocol, named.name)) === port,
    )
  }

  /** To a pod of another node, that node is the host and ours is a remote one. */
  #seenFrom(subject: End, peer: End): Shape {
    if (peer.party.kind !== 'node' || subject.node === undefined || subject.party.local) return peer.shape
    return peer.node === subject.node && peer.node !== ''
      ? this.#verdicts.claimants.hostShape
      : this.#verdicts.claimants.remoteNodeShape
  }
}

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

const isIsolation = ({ rule }: CompiledRule): boolean => rule.tier === 'namespaced' && rule.order === 3
const anyDeny = (rules: readonly CompiledRule[]): boolean => rules.some(({ rule }) => rule.action === 'deny')
const shown = ({ rule: { action, origin } }: CompiledRule): MatchedRule => ({ action, origin })
