import { parseAddress, parsePrefix, prefixText } from '../address/address.js'
import type { Labels } from '../event/event.js'
import { entryOf } from '../multimap.js'
import { sourceText, type AddressSource } from '../policy/address-source.js'
import { nameMatcher } from '../policy/fqdn.js'
import { matchesSelector } from '../policy/match.js'

/** What brings addresses: a DNS name, a CIDR group, a service. */
export interface Topic {
  readonly kind: 'name' | 'group' | 'endpoints'
  /** The name; `namespace/name` of a service. */
  readonly name: string
  /** Of a group. */
  readonly labels?: Labels
}

interface TopicEntry {
  topic: Topic
  /** Blocks in canonical text by who brings them. */
  readonly blocks: Map<string, readonly string[]>
  readonly sets: Set<AddressSet>
}

/** Whether a topic belongs to a source. */
type Question = (topic: Topic) => boolean

/** A set of addresses in use by rules. */
export interface AddressSet {
  readonly source: AddressSource
  readonly text: string
  /** Blocks in canonical text and how often they were brought. */
  readonly members: Map<string, number>
  /** Blocks that came or went since the tables last followed. */
  readonly dirty: Set<string>
  references: number
}

/**
 * Addresses that come and go, event by event: DNS answers, CIDR groups, endpoints of services. A change reaches the sets
 * that its topic belongs to and nothing else.
 */
export class AddressSets {
  /** Sets whose members may have changed since the tables last followed. */
  readonly dirty = new Set<AddressSet>()
  /** Rises whenever somebody brings something else than before. */
  changes = 0
  readonly #topics = new Map<string, TopicEntry>()
  readonly #places = new Map<string, string>()
  readonly #sets = new Map<string, AddressSet>()
  /** Sets that ask topics whether they belong: by pattern or labels. */
  readonly #asking = new Map<AddressSet, Question>()

  /**
   * Says what somebody brings now, in place of what he brought before.
   * @param bringer unique among all topics
   * @param addresses addresses or blocks; what is neither is left out
   */
  put(bringer: string, topic: Topic | undefined, addresses: readonly string[]): void {
    const placeBefore = this.#places.get(bringer)
    if (topic !== undefined || placeBefore !== undefined) this.changes += 1
    if (topic !== undefined) {
      const place = placeOf(topic)
      const entry = entryOf(this.#topics, place, () => this.#open(topic))
      this.#relabel(entry, topic)
      const before = entry.blocks.get(bringer) ?? []
      const after = [...new Set(addresses.map(blockText).filter(text => text !== undefined))]
      entry.blocks.set(bringer, after)
      this.#places.set(bringer, place)
      for (const set of entry.sets) {
        this.#count(set, after, 1)
        this.#count(set, before, -1)
      }
      if (placeBefore === place) return
    } else this.#places.delete(bringer)
    if (placeBefore === undefined) return
    const entry = this.#topics.get(placeBefore)!
    for (const set of entry.sets) this.#count(set, entry.blocks.get(bringer)!, -1)
    entry.blocks.delete(bringer)
    if (entry.blocks.size === 0) this.#topics.delete(placeBefore)
  }

  /** The set of a source, one reference richer. */
  acquire(source: AddressSource): AddressSet {
    const text = sourceText(source)
    const set = entryOf(this.#sets, text, () => this.#fill(source, text))
    set.references += 1
    return set
  }

  release(set: AddressSet): void {
    set.references -= 1
    if (set.references > 0) return
    this.#sets.delete(set.text)
    this.dirty.delete(set)
    if (this.#asking.delete(set)) for (const { sets } of this.#topics.values()) sets.delete(set)
    else this.#topics.get(placeOf(topicOf(set.source)!))?.sets.delete(set)
  }

  /** The blocks that a source has now, whether or not a rule that is judged by uses it. */
  membersOf(source: AddressSource): readonly string[] {
    const known = this.#sets.get(sourceText(source))
    if (known !== undefined) return [...known.members.keys()].sort()
    const members = new Set<string>()
    for (const { blocks } of this.#topicsOf(source, questionOf(source)))
      for (const some of blocks.values()) for (const text of some) members.add(text)
    return [...members].sort()
  }

  #fill(source: AddressSource, text: string): AddressSet {
    const set: AddressSet = { source, text, members: new Map(), dirty: new Set(), references: 0 }
    const question = questionOf(source)
    if (question !== undefined) this.#asking.set(set, question)
    for (const entry of this.#topicsOf(source, question)) this.#join(entry, set)
    return set
  }

  #topicsOf(source: AddressSource, question: Question | undefined): readonly TopicEntry[] {
    if (question !== undefined) return [...this.#topics.values()].filter(({ topic }) => question(topic))
    const entry = this.#topics.get(placeOf(topicOf(source)!))
    return entry === undefined ? [] : [entry]
  }

  #open(topic: Topic): TopicEntry {
    const entry: TopicEntry = { topic, blocks: new Map(), sets: new Set() }
    for (const [set, question] of this.#asking) if (question(topic)) entry.sets.add(set)
    for (const source of directSources(topic)) {
      const set = this.#sets.get(sourceText(source))
      if (set !== undefined) entry.sets.add(set)
    }
    return entry
  }

  #relabel(entry: TopicEntry, topic: Topic): void {
    if (entry.topic.labels === topic.labels) return
    entry.topic = topic
    for (const [set, question] of this.#asking) {
      const was = entry.sets.has(set)
      const is = question(topic)
      if (is && !was) this.#join(entry, set)
      if (was && !is) {
        entry.sets.delete(set)
        for (const blocks of entry.blocks.values()) this.#count(set, blocks, -1)
      }
    }
  }

  #join(entry: TopicEntry, set: AddressSet): void {
    entry.sets.add(set)
    for (const blocks of entry.blocks.values()) this.#count(set, blocks, 1)
  }

  #count(set: AddressSet, blocks: readonly string[], change: 1 | -1): void {
    for (const block of blocks) {
      const count = (set.members.get(block) ?? 0) + change
      if (count === 0) set.members.delete(block)
      else set.members.set(block, count)
      set.dirty.add(block)
    }
    if (blocks.length > 0) this.dirty.add(set)
  }
}

const placeOf = ({ kind, name }: Topic): string => `${kind} ${name}`

/** The only topic of a source that names it. */
function topicOf(source: AddressSource): Topic | undefined {
  switch (source.kind) {
    case 'name':
    case 'group':
      return { kind: source.kind, name: source.name }
    case 'endpoints':
      return { kind: 'endpoints', name: `${source.namespace}/${source.service}` }
    default:
      return undefined
  }
}

function directSources({ kind, name }: Topic): readonly AddressSource[] {
  if (kind !== 'endpoints') return [{ kind, name }]
  const slash = name.indexOf('/')
  return [{ kind, namespace: name.slice(0, slash), service: name.slice(slash + 1) }]
}

/** What a source asks of topics; undefined for one that names its only topic. */
function questionOf(source: AddressSource): Question | undefined {
  if (source.kind === 'pattern') {
    const matches = nameMatcher(source.pattern)
    return ({ kind, name }) => kind === 'name' && matches(name)
  }
  if (source.kind !== 'groups') return undefined
  const { selector } = source
  return ({ kind, labels = {} }) => kind === 'group' && matchesSelector(selector, new Map(Object.entries(labels)))
}

function blockText(text: string): string | undefined {
  const prefix = parsePrefix(text) ?? parseAddress(text)
  return prefix === undefined ? undefined : prefixText(prefix)
}
