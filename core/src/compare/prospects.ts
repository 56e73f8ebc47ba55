import { parseAddress, parsePrefix, prefixText, type Prefix } from '../address/address.js'
import type { PodFact } from '../event/event.js'
import { derivedKeys, namespaceNameKey } from '../identity/labels.js'
import { placeKeys } from '../identity/node-labels.js'
import { entryOf } from '../multimap.js'
import { selectorText } from '../policy/match.js'
import type { Family, PeerSelector } from '../policy/rule.js'
import type { LabelSelector } from '../policy/selector.js'
import { peerText } from '../policy/text.js'
import { KeyUse } from '../verdict/key-use.js'
import type { SelectorEntry } from '../verdict/model.js'
import { SelectorIndex } from '../verdict/selector-index.js'
import { BlockPeers } from './block-peers.js'
import type { End, Reading } from './ends.js'
import type { Cube } from './key-set.js'
import { answered, type LabelSets, LabelSpace, type Question, unheardOf } from './label-sets.js'
import { namespaceFaces } from './namespace-faces.js'
import type { NamedPrefixes } from './residents.js'
import type { Face } from './rule-book.js'

/** What rules ask of pods in one part: those that they judge, or those at the other end. */
export interface Role {
  readonly selectors: readonly LabelSelector[]
  /** Only pods that one of these means are of interest; they are among `selectors`. */
  readonly goals: readonly LabelSelector[] | 'any'
  readonly blocks: readonly PeerSelector[]
}

/** Pods or nodes that no state has, one end for those that the rules of a role don't tell apart. */
export interface Prospects {
  readonly ends: readonly End[]
  /** Sets of labels that were not looked into, because there are too many. */
  readonly left: readonly Cube[]
}

/** A namespace as each state knows it, or one that none knows. */
interface Place {
  readonly names: readonly string[]
  readonly faces: readonly ReadonlyMap<string, string>[]
  readonly cube: Cube
  readonly questions: readonly Question[]
}

const nobody: ReadonlySet<string> = new Set()
const noPorts: ReadonlyMap<string, number> = new Map()
const families: readonly Family[] = [4, 6]

/** Finds the pods that could come and that the rules of two states would tell from all that are there. */
export class ProspectFinder {
  readonly #readings: readonly Reading[]
  readonly #prefixes: NamedPrefixes
  readonly #namespaces: ReadonlyMap<string, readonly ReadonlyMap<string, string>[]>
  readonly #pods: readonly End[]
  readonly #limit: number
  readonly #every: boolean
  #inReach: Readonly<Record<Family, readonly Prefix[]>> | undefined

  /**
   * @param pods those that are there: a pod to come that is like one of them is left out
   * @param every leave none out
   */
  constructor(
    readings: readonly Reading[],
    prefixes: NamedPrefixes,
    pods: readonly End[],
    limit: number,
    every: boolean,
  ) {
    this.#readings = readings
    this.#prefixes = prefixes
    this.#pods = pods
    this.#limit = limit
    this.#every = every
    this.#namespaces = namespaceFaces(readings)
  }

  find(role: Role): Prospects {
    const selectors = [...new Map(role.selectors.map(each => [selectorText(each), each])).values()]
    const ids = new Map(selectors.map((selector, id) => [selectorText(selector), id]))
    const goals = role.goals === 'any' ? undefined : new Set(role.goals.map(goal => ids.get(selectorText(goal))!))
    const blocks = new BlockPeers(role.blocks.map(block => [peerText(block), block]))
    const addresses = { 4: this.#addresses(4, role.blocks, blocks), 6: this.#addresses(6, role.blocks, blocks) }
    const space = new LabelSpace(bothStates(goals, selectors.length), this.#limit)
    const known = this.#every ? new Map<string, ReadonlySet<string>>() : this.#answersOfPods(selectors, blocks)
    const ends: End[] = []
    for (const place of this.#places(selectors)) {
      for (const sets of space.sets(place.questions, place.cube)) {
        const holds = holdsByState(sets, selectors.length, place.faces[0] !== place.faces[1])
        for (const family of families)
          for (const [address, signature] of addresses[family]) {
            const like = known.get(`${holds} ${signature}`) ?? nobody
            // One pod alone says nothing of what it and another of its kind may send each other.
            if (like.size < 2) ends.push(this.#end(place, sets, family, address, [...like][0]))
          }
      }
    }
    return { ends, left: space.left }
  }

  #end(place: Place, { labels, cubes }: LabelSets, family: Family, address: Prefix, like: string | undefined): End {
    const name = prospectName(cubes)
    const faceIn = (at: number, more: readonly (readonly [string, string])[]): Face => ({
      kind: 'pod',
      labels: new Map([...place.faces[at]!, ...labels, ...more]),
      ports: noPorts,
      address,
    })
    return {
      kind: 'hypothetical',
      name,
      workload: name,
      family,
      faces: this.#readings.map((_, at) => faceIn(at, [])),
      ownFaces: this.#readings.map((_, at) => faceIn(at, [[placeKeys.ownPod, '']])),
      hosts: this.#readings.map(() => ''),
      present: this.#readings.map(() => false),
      prospect: {
        cubes,
        namespaces: [...this.#namespaces.keys()],
        ...(address.length > 0 && { within: prefixText(address) }),
        ...(like !== undefined && { like }),
      },
    }
  }

  /** Prefixes that a pod to come could have an address in, one of those that the blocks don't tell apart. */
  #addresses(
    family: Family,
    named: readonly PeerSelector[],
    blocks: BlockPeers,
  ): readonly (readonly [Prefix, string])[] {
    const bySignature = new Map<string, Prefix>()
    if (named.length > 0) this.#inReach ??= inReach(this.#readings, this.#prefixes)
    for (const prefix of this.#inReach === undefined || named.length === 0
      ? [this.#prefixes.unknown(family)]
      : this.#inReach[family])
      entryOf(bySignature, blocks.around('pod', prefix).join('; '), () => prefix)
    return [...bySignature].map(([signature, prefix]) => [prefix, signature])
  }

  #answersOfPods(selectors: readonly LabelSelector[], blocks: BlockPeers): ReadonlyMap<string, ReadonlySet<string>> {
    const index = new SelectorIndex<SelectorEntry & { readonly id: number }>(new KeyUse())
    for (const [id, selector] of selectors.entries()) index.acquire(selector, fields => ({ ...fields, id }))
    const byLabels = new Map<ReadonlyMap<string, string>, string>()
    const answers = (labels: ReadonlyMap<string, string>): string =>
      entryOf(byLabels, labels, () =>
        index
          .matching(labels)
          .map(({ id }) => id)
          .sort((a, b) => a - b)
          .join(),
      )
    const known = new Map<string, Set<string>>()
    for (const { name, faces } of this.#pods) {
      const holds = faces.map(({ labels }) => answers(labels)).join('/')
      const signature = blocks.around('pod', faces.at(-1)!.address).join('; ')
      entryOf(known, `${holds} ${signature}`, () => new Set()).add(name)
    }
    return known
  }

  *#places(selectors: readonly LabelSelector[]): Iterable<Place> {
    const all = selectors.map((rest, id): Question => ({ id, rest }))
    const byName = new Map<string, Question[]>()
    const anywhere: Question[] = []
    for (const question of all) {
      const place = question.rest.find(({ key, operator }) => key === derivedKeys.namespace && operator === 'In')
      if (place === undefined) anywhere.push(question)
      else for (const name of place.values) entryOf(byName, name, () => []).push(question)
    }
    const alike = new Map<string, { -readonly [Key in keyof Place]: Place[Key] }>()
    for (const [name, faces] of this.#namespaces) {
      const candidates = [...(byName.get(name) ?? []), ...anywhere]
      const [first, ...others] = faces.map(labels => answered(candidates, isOfPlace, labels))
      const isSteady = faces[0] === faces[1]
      const later = isSteady ? [] : others.flat().map(({ id, rest }) => ({ id: id + selectors.length, rest }))
      const questions = [...first!, ...later]
      const key = `${isSteady ? '=' : name} ${questions.map(({ id }) => id).join()}`
      const known = alike.get(key)
      const names = [...(known?.names ?? []), name]
      const cube: Cube = new Map([[derivedKeys.namespace, { listed: [...names].sort(), others: false, absent: false }]])
      alike.set(key, { names, faces: known?.faces ?? faces, cube, questions })
    }
    yield* alike.values()
    const mentioned = new Set(
      selectors.flatMap(selector =>
        selector.filter(({ key }) => namesNamespace(key)).flatMap(({ values }) => [...values]),
      ),
    )
    for (const name of this.#namespaces.keys()) mentioned.delete(name)
    for (const name of [...mentioned, undefined]) {
      const labels = this.#unknownFace(name ?? unheardOf)
      const candidates = name === undefined ? anywhere : [...(byName.get(name) ?? []), ...anywhere]
      const questions = answered(candidates, key => labels.has(key), labels)
      const listed = name === undefined ? [...this.#namespaces.keys(), ...mentioned].sort() : [name]
      const set = { listed, others: name === undefined, absent: name === undefined }
      const cube: Cube = new Map([[derivedKeys.namespace, set]])
      yield { names: [], faces: this.#readings.map(() => labels), cube, questions }
    }
  }

  #unknownFace(name: string): ReadonlyMap<string, string> {
    return new Map([
      [derivedKeys.namespace, name],
      [derivedKeys.namespaceLabels + namespaceNameKey, name],
      [derivedKeys.cluster, this.#readings.at(-1)!.state.agent?.fact.cluster ?? 'default'],
    ])
  }
}

const namesNamespace = (key: string): boolean =>
  key === derivedKeys.namespace || key === derivedKeys.namespaceLabels + namespaceNameKey

const isOfPlace = (key: string): boolean =>
  key === derivedKeys.namespace || key === derivedKeys.cluster || key.startsWith(derivedKeys.namespaceLabels)

/** In a namespace that the states label differently a question is asked for each of them. */
const bothStates = (goals: ReadonlySet<number> | undefined, count: number): ReadonlySet<number> | undefined =>
  goals === undefined ? undefined : new Set([...goals].flatMap(id => [id, id + count]))

function holdsByState({ holds }: LabelSets, count: number, differ: boolean): string {
  const before = holds.filter(id => id < count)
  const after = differ ? holds.filter(id => id >= count).map(id => id - count) : before
  return `${before.join()}/${after.join()}`
}

/** One for all ends that have the same cubes. */
export const prospectName = (cubes: readonly Cube[]): string => JSON.stringify(cubes.map(cube => [...cube]))

/**
 * Where pods get their addresses: in the nodes' own blocks, or where no node tells of any, around pods that are there;
 * without those, anywhere that no rule names.
 */
function inReach(readings: readonly Reading[], prefixes: NamedPrefixes): Readonly<Record<Family, readonly Prefix[]>> {
  const blocks = readings.flatMap(({ state }) => [...state.nodes.values()].flatMap(({ fact }) => fact.podCidrs))
  const told = [...new Set(blocks)].flatMap(text => parsePrefix(text) ?? [])
  const of = (family: Family): readonly Prefix[] => {
    const own = told.filter(each => each.family === family)
    const around =
      own.length > 0
        ? own.flatMap(block => [
            ...(prefixes.leavesRest(block) ? [prefixes.around(block)] : []),
            ...prefixes.inside(block).filter(prefix => prefixes.leavesRest(prefix)),
          ])
        : readings.flatMap(({ residents }) =>
            [...residents.values()].flatMap(({ pod }) => placesOf(pod, family, prefixes)),
          )
    const free = [...new Set(around)].filter(({ length }) => length < (family === 4 ? 32 : 128))
    return free.length > 0 ? free : [prefixes.unknown(family)]
  }
  return { 4: of(4), 6: of(6) }
}

const placesOf = ({ addresses }: PodFact, family: Family, prefixes: NamedPrefixes): readonly Prefix[] =>
  addresses
    .flatMap(text => parseAddress(text) ?? [])
    .filter(address => address.family === family)
    .map(address => prefixes.around(address))
