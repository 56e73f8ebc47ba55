import type { LabelMap } from '../identity/labels.js'
import { placeKeys } from '../identity/node-labels.js'
import { entryOf } from '../multimap.js'
import { matchesSelector } from '../policy/match.js'
import type { Family } from '../policy/rule.js'
import type { LabelSelector } from '../policy/selector.js'
import { peerText } from '../policy/text.js'
import { type ActiveRules, namedPeers, subjectsOf } from './active-rules.js'
import { BlockPeers } from './block-peers.js'
import type { End } from './ends.js'
import { worldLabels } from './residents.js'
import type { Face } from './rule-book.js'

/** Who could be an end of a flow that changes. */
export class Concern {
  readonly #selectors: readonly LabelSelector[]
  readonly #asksOwn: boolean
  readonly #hasBlocks: boolean
  readonly #isAnybody: boolean
  readonly #blocks: BlockPeers
  readonly #known = new Map<ReadonlyMap<string, string>, boolean>()

  constructor({ rules }: ActiveRules) {
    const all = [...rules.egress, ...rules.ingress]
    this.#isAnybody = all.length > rulesMax || all.some(({ peers }) => peers === 'any')
    const { labels, blocks } = namedPeers(all)
    this.#selectors = [...subjectsOf(all), ...labels]
    this.#asksOwn = this.#selectors.some(selector => selector.some(({ key }) => key === placeKeys.ownPod))
    this.#hasBlocks = blocks.length > 0
    this.#blocks = new BlockPeers(blocks.map(block => [peerText(block), block]))
  }

  /** Whether a pod with such labels could be, here or on a node that judges it as its own. */
  mayBePod(labels: LabelMap): boolean {
    return (
      this.#isAnybody || this.#hasBlocks || this.#meansBy(labels) || (this.#asksOwn && this.#meansBy(ownPodOf(labels)))
    )
  }

  /** Whether somebody outside of the cluster could be. */
  mayBeWorld(): boolean {
    return this.#isAnybody || this.#hasBlocks || [4, 6].some(family => this.#meansBy(worldLabels(family as Family)))
  }

  isConcerned({ faces, ownFaces = [] }: End): boolean {
    return this.#isAnybody || [...faces, ...ownFaces].some(face => this.#speaksOf(face))
  }

  #speaksOf(face: Face): boolean {
    return this.#meansBy(face.labels) || this.#blocks.around(face.kind, face.address).length > 0
  }

  #meansBy(labels: LabelMap): boolean {
    return entryOf(this.#known, labels, () => this.#selectors.some(selector => matchesSelector(selector, labels)))
  }
}

const ownPodOf = (labels: LabelMap): LabelMap => new Map([...labels, [placeKeys.ownPod, '']])

/** With more rules than these it takes longer to ask than to look at everybody. */
const rulesMax = 64
