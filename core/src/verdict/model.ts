import type { Prefix } from '../address/address.js'
import type { LabelMap } from '../identity/labels.js'
import type { Workload } from '../identity/workloads.js'
import type { AddressScope, Rule } from '../policy/rule.js'
import type { LabelSelector } from '../policy/selector.js'
import type { Slot } from '../tables/recorded-table.js'
import type { AddressRow } from '../tables/tables.js'
import type { AddressSet } from './address-sets.js'
import type { BlockList } from './block-list.js'
import type { BlockSet } from './block-set.js'
import type { Intervals } from './intervals.js'
import type { NumberSet } from './number-set.js'
import type { Block } from './partition.js'
import type { Saying } from './saying.js'

/**
 * What selectors can tell of a peer but its address: pods of one workload share a shape. Nodes and the world have
 * reserved labels and no ports.
 */
export interface Shape {
  readonly key: string
  readonly kind: 'pod' | 'node' | 'world'
  readonly labels: LabelMap
  /** Labels of the identity, with source; for display and digest. */
  readonly identityLabels: readonly string[]
  /** Named ports by `portKey`; a name that is given twice for one protocol means the lowest number. */
  readonly ports: ReadonlyMap<string, number>
  references: number
  /** Whoever of this shape is judged by rules of its own: pods of this node, and the node while a policy selects it. */
  readonly judged: Set<Claimant>
}

/** `protocol/name` of a named port, the protocol as its IANA number. */
export const portKey = (protocol: number, name: string): string => `${protocol}/${name}`

/** A selector in use. */
export interface SelectorEntry {
  /** The selector as text: equal selectors share an entry. */
  readonly selectorKey: string
  readonly selector: LabelSelector
  references: number
}

/** One thing that rules ask of peers; a peer class is the set of those that hold. */
interface AtomFields {
  readonly id: number
  /** What it means, the same in every history; of a list of blocks, no more than that it is one. */
  readonly text: string
  readonly classes: Set<PeerClass>
  /** Subjects whose rules ask for it. */
  readonly subjects: Set<Subject>
}

/** Matches by labels. */
export interface LabelAtom extends AtomFields, SelectorEntry {
  readonly kind: 'labels'
  readonly uses: Map<string, NamedUse>
}

/** Matches by address. */
export interface CidrAtom extends AtomFields {
  readonly kind: 'cidr'
  readonly scope: AddressScope
  /** The blocks that it matches: one for ever, or those of `list` by their texts, or the members of `set`. */
  readonly blocks: BlockSet
  /** Of all blocks, beside those that a block has for itself. */
  readonly holes: readonly Prefix[]
  /** Addresses that come and go; absent for blocks that policies write out. */
  readonly set?: AddressSet | undefined
  /** What it means where one rule names several blocks; such an atom is that rule's alone. */
  readonly list?: BlockList | undefined
  readonly uses: Map<string, NamedUse>
  references: number
}

/** Matches those of a base atom's peers that give a named port one certain number. */
export interface NamedAtom extends AtomFields {
  readonly kind: 'named'
  readonly use: NamedUse
  readonly number: number
}

export type BaseAtom = LabelAtom | CidrAtom
export type PeerAtom = BaseAtom | NamedAtom

/** An egress rule's named port that the peers of `base` resolve. */
export interface NamedUse {
  readonly base: BaseAtom
  readonly portKey: string
  readonly protocol: number
  readonly byNumber: Map<number, NamedAtom>
  readonly subjects: Set<Subject>
  references: number
}

/** A prefix that a policy names (or a /0): the addresses in it and in no longer named one are alike to every cidr. */
export interface NamedPrefix {
  readonly text: string
  readonly prefix: Prefix
  readonly atoms: Set<CidrAtom>
  readonly groups: Map<Shape, PeerGroup>
  references: number
}

/** An address known exactly and whom it belongs to. */
export interface KnownAddress {
  readonly address: string
  readonly prefix: Prefix
  within: NamedPrefix
  group: PeerGroup
  /** Who says that it is his, its owner first; nobody once it is gone. */
  readonly claimants: Claimant[]
  /** Its row in the table, once it has one. */
  row: Slot<string, AddressRow> | undefined
  /** What of its row may have changed. */
  dirt: 'none' | 'class' | 'all'
  /** Among those that the digest has to look at again. */
  isToHash: boolean
}

/** Who says that addresses are its own: a pod or a node, as the tables last saw it. */
export interface Claimant {
  /** A hostNetwork pod speaks for its node, and so do the node's own devices. */
  kind: 'devices' | 'node' | 'hostNetwork' | 'pod'
  /** `namespace/name` of a pod, name of a node, also for its devices. */
  readonly key: string
  shape: Shape
  identity: number
  addresses: readonly string[]
  /** Slot in the endpoints table; 0 for what is no local pod. */
  slot: number
  /** The pod that it is; absent for nodes. */
  readonly workload?: Workload
}

/** Peers with one shape within one named prefix: no rule can tell them apart. */
export interface PeerGroup {
  /** Its own while it lives. */
  readonly number: number
  readonly shape: Shape
  readonly within: NamedPrefix
  readonly addresses: Set<KnownAddress>
  /** True for the group that stands for all unknown addresses of the prefix. */
  readonly rest: boolean
}

/** The atoms that hold, by rising id. */
export interface PeerClassData {
  readonly atoms: readonly PeerAtom[]
  /** Equal for equal atoms. */
  readonly hash: number
}
/** Members are groups by number. */
export type PeerClass = Block<number, PeerClassData, NumberSet>

/** A rule taken apart for evaluation. */
export interface CompiledRule {
  readonly id: number
  /** What it means but for its peers: see `frameText`. */
  readonly frame: string
  /** Replaced by that of a later version that differs in peers at most. */
  saying: Saying
  /** The same, so that explanations name the event in force. */
  rule: Rule
  readonly numbered: Intervals
  readonly names: readonly { readonly name: string; readonly protocol: number }[]
  readonly subject: SubjectAtom
  /** Whether it selects a pod of this node: only then are `bases` and `uses` there. */
  bound: boolean
  /** By the peers' texts, lists of blocks by `listKey`; as of the last settling. */
  bases: 'any' | ReadonlyMap<string, BaseAtom>
  /** Egress names per base; empty on ingress, where the subject resolves. */
  uses: readonly NamedUse[]
}

/** What a rule asks of peers now and did not before, and the reverse. */
export interface PeersChange {
  readonly rule: CompiledRule
  readonly begun: readonly BaseAtom[]
  readonly ended: readonly BaseAtom[]
}

/** A subject selector in use, the judged shapes that it matches, and its rules. */
export interface SubjectAtom extends SelectorEntry {
  readonly shapes: Set<Shape>
  readonly rules: Set<CompiledRule>
}

export interface SubjectData {
  /** Equal for equal rules and resolutions. */
  readonly key: string
  /** In deciding order. */
  readonly rules: readonly CompiledRule[]
  /** The subject's own numbers for the names that its ingress rules use. */
  readonly resolution: ReadonlyMap<string, number>
}
/** Shapes that the same rules select and that resolve those rules' names alike. */
export type Subject = Block<Shape, SubjectData>
