import { isIP } from 'node:net'
import { type Engine, objectKey, type PodFact, type Supposed, WeirError, type WeirEvent } from '@weir/core'
import { dropFrom, entryOf } from '@weir/core/multimap.js'
import type { FollowedFlow } from '@weir/core/history/judgement.js'
import { AskedWord } from './asked-word.js'
import { invalidWord } from './invalid-word.js'
import { type Meant, type Member, type MemberFinder, podsNamed, wordsFor } from './members.js'
import { parseTarget, type Target } from './target.js'
import { partsOf, portsAt, type PortQuestion } from './which-ports.js'
import { pairsMax, withPort } from './why.js'

/** `FROM TO[:PORT[/PROTO]]`, as `weir why` takes them. */
export interface FlowWords {
  readonly from: string
  readonly to: string
  /** `to` is a service, or the address of one: what becomes of connections to it is asked about. */
  readonly isService?: true
}

/** One flow of those that a question means. */
export interface MeantFlow {
  readonly from: string
  readonly to: string
  readonly family: 4 | 6
  readonly port: PortQuestion
  readonly flow: FollowedFlow
}

/** Whom a question means at one event. */
export interface Meaning {
  /** By what stays the same of a flow whoever has which address. */
  readonly flows: ReadonlyMap<string, MeantFlow>
  /** Why there is none, or not another. */
  readonly lacking?: WeirError
}

interface Question {
  readonly from: AskedWord
  readonly to: AskedWord
  readonly target: Target
}

interface Entry {
  readonly word: AskedWord
  /** By number. */
  readonly questions: number[]
  /** Pods that it may mean by their name or their workload's, `namespace/name`; those that others have, too, at most. */
  readonly holders: Set<string>
  /** Whom it means since it was last found; undefined once it may mean others. */
  meant: Found | undefined
}

/** Questions about flows, and after which events they mean others. Many may share words. */
export class AskedFlows {
  readonly #questions: readonly Question[]
  readonly #words = new Map<string, Entry>()
  readonly #restless = new Set<Entry>()
  /** Words that can only be names, in lower case, and the words that mean a pod. */
  readonly #byName = new Map<string, Set<Entry>>()
  readonly #byPod = new Map<string, Set<Entry>>()
  /** Words that may mean a pod, by the pod. */
  readonly #held = new Map<string, Set<Entry>>()
  #isIndexed = false

  /** @throws WeirError WEIR_REQUEST_INVALID for words that can't be read, whatever the state */
  constructor(asked: readonly FlowWords[]) {
    this.#questions = asked.map(({ from, to }, at) => {
      const target = parseTarget(to)
      // Whether the port can be read, too, whoever will have it.
      portsAt(target, { name: '', ports: [], isSupposed: true }, 4)
      return { from: this.#wordOf(from, at), to: this.#wordOf(target.place, at), target }
    })
  }

  /** Those that may mean others after an event that the engine has folded, by their number. */
  touchedBy(event: WeirEvent, engine: Engine): ReadonlySet<number> {
    const touched = new Set<number>()
    this.#index(event)
    for (const entry of this.#askedAbout(event, engine)) {
      const { word, questions } = entry
      if (word.mayMeanOthers(event, engine)) {
        entry.meant = undefined
        for (const at of questions) touched.add(at)
      }
    }
    return touched
  }

  /** Which pods there are by the words that can mean them: a word that nobody has isn't looked for among all pods. */
  #index(event: WeirEvent): void {
    if (event.kind === 'pod.upserted') this.#hold(event.pod)
    if (event.kind !== 'pod.deleted') return
    const key = objectKey(event.namespace, event.name)
    for (const entry of this.#held.get(key) ?? []) entry.holders.delete(key)
    this.#held.delete(key)
  }

  #hold(pod: PodFact): void {
    const key = objectKey(pod.namespace, pod.name)
    for (const word of wordsFor(pod))
      for (const entry of this.#byName.get(word) ?? []) {
        entry.holders.add(key)
        entryOf(this.#held, key, () => new Set<Entry>()).add(entry)
      }
  }

  *#askedAbout(event: WeirEvent, { state }: Engine): Iterable<Entry> {
    yield* this.#restless
    if (event.kind !== 'pod.upserted' && event.kind !== 'pod.deleted') return
    const { namespace, name } = event.kind === 'pod.upserted' ? event.pod : event
    const key = objectKey(namespace, name)
    yield* this.#byPod.get(key) ?? []
    const pod = state.pods.get(key)?.fact
    if (pod !== undefined) for (const word of wordsFor(pod)) yield* this.#byName.get(word) ?? []
  }

  /** Whom a question means in the engine's present state. */
  meaningOf(at: number, engine: Engine, finder: MemberFinder): Meaning {
    const { from, to, target } = this.#questions[at]!
    const [sources, destinations] = [this.#meant(from, engine, finder), this.#meant(to, engine, finder)]
    if (sources instanceof WeirError) return { flows: new Map(), lacking: sources }
    if (destinations instanceof WeirError) return { flows: new Map(), lacking: destinations }
    const flows = new Map<string, MeantFlow>()
    for (const [source, destination] of pairsOf(sources, destinations))
      for (const between of flowsBetween(source, destination, target, engine)) {
        // Whoever has an address by now, it is the address that is asked about.
        const meant = {
          ...between,
          ...(isIP(from.text) !== 0 && { from: from.text }),
          ...(isIP(to.text) !== 0 && { to: to.text }),
        }
        flows.set(`${meant.from}\u0000${meant.to}\u0000${meant.family} ${portKeyOf(meant.port)}`, meant)
      }
    if (flows.size > 0) return { flows }
    const lacking = invalidWord(
      'to',
      `${sources.name} and ${to.text} have no such port, or no family, in common`,
      to.text,
      'a port that it has',
    )
    return { flows, lacking }
  }

  /** Many questions share a word: it is found once, and anew only where it may mean others. */
  #meant(word: AskedWord, engine: Engine, finder: MemberFinder): Found {
    const entry = this.#words.get(word.text)!
    if (entry.meant !== undefined) return entry.meant
    if (!this.#isIndexed) for (const { fact } of engine.state.pods.values()) this.#hold(fact)
    this.#isIndexed = true
    const meant = found(engine, finder, entry)
    entry.meant = meant
    this.#settle(entry, engine, meant)
    return meant
  }

  #settle(entry: Entry, engine: Engine, meant: Found): void {
    const { word } = entry
    for (const pod of word.pods) dropFrom(this.#byPod, pod, entry)
    word.settle(engine, meant instanceof WeirError ? undefined : meant, entry.holders.size > 0)
    for (const pod of word.pods) entryOf(this.#byPod, pod, () => new Set<Entry>()).add(entry)
    if (word.isRestless) this.#restless.add(entry)
    else this.#restless.delete(entry)
  }

  #wordOf(text: string, at: number): AskedWord {
    const known = entryOf(
      this.#words,
      text,
      (): Entry => ({ word: new AskedWord(text), questions: [], holders: new Set(), meant: undefined }),
    )
    known.questions.push(at)
    this.#restless.add(known)
    if (known.word.isName) entryOf(this.#byName, text.toLowerCase(), () => new Set<Entry>()).add(known)
    return known.word
  }
}

const portKeyOf = ({ protocol, first, last }: PortQuestion): string => `${protocol} ${first}-${last}`

type Found = Meant | WeirError

/** Names that come close aren't looked for: nobody reads them of a state in passing. */
function found(engine: Engine, finder: MemberFinder, { word: { text, isName }, holders }: Entry): Found {
  if (isName && (holders.size === 0 || podsNamed(engine.state, text).length === 0)) {
    const message = `no pod, workload or entity ${text}`
    return new WeirError('WEIR_NOT_FOUND', message, { kind: 'pod', name: text, near: [] })
  }
  try {
    return finder.find(text)
  } catch (error) {
    if (error instanceof WeirError && (error.code === 'WEIR_NOT_FOUND' || error.code === 'WEIR_REQUEST_INVALID'))
      return error
    throw error
  }
}

/** As `weir why` pairs them: who is on both sides reaches others, unless there are none. */
function pairsOf(sources: Meant, destinations: Meant): readonly (readonly [Member, Member])[] {
  const { length } = sources.members
  if (length * destinations.members.length > pairsMax) {
    const message = `${length} sources and ${destinations.members.length} destinations are too many to follow`
    throw invalidWord('', message, `${sources.name} ${destinations.name}`, 'fewer: a workload, a pod')
  }
  const all = sources.members.flatMap(from => destinations.members.map(to => [from, to] as const))
  const others = all.filter(([from, to]) => from.name !== to.name || (from.isSupposed && to.isSupposed))
  return others.length > 0 ? others : all
}

function* flowsBetween(from: Member, to: Member, target: Target, engine: Engine): Generator<MeantFlow> {
  for (const family of [4, 6] as const) {
    const [source, destination] = [from.ends[family], to.ends[family]]
    if (source === undefined || destination === undefined) continue
    for (const port of portsAt(target, to, family))
      yield { from: from.name, to: to.name, family, port, flow: flowOf(source, destination, port, to, engine) }
  }
}

function flowOf(
  from: string | Supposed,
  destination: string | Supposed,
  port: PortQuestion,
  member: Member,
  engine: Engine,
): FollowedFlow {
  const { protocol, first, last } = port
  // One word for both ends means two pods of its kind, not one that calls itself.
  const isTwice = member.isSupposed && typeof destination !== 'string' && from === destination
  const to = withPort(isTwice ? { ...destination } : destination, member, port)
  const flow = { from, to, protocol, port: first }
  return first === last ? flow : { ...flow, lastPort: last, parts: () => partsOf(port, engine, member) }
}
