import { isDeepStrictEqual } from 'node:util'
import type { EventBody, NetworkPolicyFact, WeirEvent } from '@weir/core'
import { type ApiObject, placeOf } from './api-model.js'
import type { Folder } from './folder.js'
import type { Broken } from './watch.js'

/** How a program changes a file. */
export type FileChange =
  /** Over what is there, piece by piece; `isTorn`: it dies before the last one. */
  | {
      readonly how: 'in place'
      readonly document: Document
      readonly pausesMs: readonly number[]
      readonly isTorn: boolean
    }
  /** Written elsewhere, and moved to its place. `isSilent`: by another machine, so that the kernel tells nobody. */
  | { readonly how: 'moved'; readonly document: Document; readonly isSilent: boolean }
  /** Removed, and written anew a moment later. */
  | { readonly how: 'removed first'; readonly document: Document; readonly pauseMs: number }
  | { readonly how: 'removed'; readonly name: string; readonly isSilent: boolean }

/** What a file says: an object, and the facts that follow from it. */
export interface Document {
  /** Of the file; of one object, whichever version of it. */
  readonly name: string
  /** What the file holds. */
  readonly manifest: object
  /** Absent where the fact isn't compared. */
  readonly policy?: NetworkPolicyFact
}

/** A file, as those know who write it. */
export interface State {
  /** As whoever wrote last left it; undefined: nobody knows, or it isn't there. */
  document: Document | undefined
  isThere: boolean
  /** Whoever wrote last died over it. */
  isTorn: boolean
  /** Somebody is at it, or is about to bring it back. */
  isBusy: boolean
  /** The agent may have seen it without what it holds. */
  mayBeGone: boolean
  readonly versions: NetworkPolicyFact[]
}

/** Programs that write manifests, and what an agent may make of what it sees of that. */
export class Authors {
  readonly #folder: Folder
  readonly #after: (delayMs: number, run: () => void) => void
  readonly #broken: Broken
  readonly #states = new Map<string, State>()
  /** Names of files, by the place of what they say. */
  readonly #places = new Map<string, string>()

  constructor(folder: Folder, after: (delayMs: number, run: () => void) => void, broken: Broken) {
    this.#folder = folder
    this.#after = after
    this.#broken = broken
  }

  change(change: FileChange): void {
    const name = change.how === 'removed' ? change.name : change.document.name
    if (change.how !== 'removed') this.#places.set(placeOf(change.document.manifest as ApiObject), name)
    const state = this.#stateOf(name)
    // Two that write one file at once are nobody's to understand.
    if (state.isBusy) return
    switch (change.how) {
      case 'in place':
        this.#write(state, change.document, change.pausesMs, change.isTorn)
        break
      case 'moved':
        this.#folder.moveHere(name, bytesOf(change.document), !change.isSilent)
        this.#isComplete(state, change.document)
        break
      case 'removed first':
        state.isBusy = true
        // A process that has begun to look finds nothing there, and can't know that it comes back.
        if (this.#folder.isSeenBlindly) state.mayBeGone = true
        this.#folder.remove(name, true)
        this.#after(change.pauseMs, () => this.#write(state, change.document, [1], false))
        break
      case 'removed':
        this.#folder.remove(name, !change.isSilent)
        Object.assign(state, { document: undefined, isThere: false, isTorn: false, mayBeGone: true })
    }
  }

  get files(): readonly State[] {
    return [...this.#states.values()]
  }

  /** Of the objects that any file ever said. */
  get places(): Iterable<string> {
    return this.#places.keys()
  }

  /** The file that says an object, or did. */
  fileOf(place: string): State | undefined {
    return this.#states.get(this.#places.get(place) ?? '')
  }

  /** A process has begun to look, or has lost events: of a file that is being written it may see anything. */
  onBlind(): void {
    for (const state of this.#states.values()) if (state.isBusy) state.mayBeGone = true
  }

  /** What came into the log must be of files that somebody has completed. */
  onDurable(events: readonly WeirEvent[]): void {
    for (const event of events) {
      if (event.kind === 'networkpolicy.upserted') {
        const name = fileOf(event.policy)
        if (!this.#stateOf(name).versions.some(version => isDeepStrictEqual(version, event.policy)))
          this.#broken('no half of a file is taken', `event ${event.seq} says of ${name} what no version of it does`)
      }
      if (event.kind === 'networkpolicy.deleted' && !this.#stateOf(fileOf(event)).mayBeGone)
        this.#broken('what is replaced stays', `event ${event.seq} deletes what ${fileOf(event)} has said all the time`)
    }
  }

  /** How the log differs from the files, when all has been quiet for long. */
  missing(durable: readonly EventBody[]): string | undefined {
    const logged = new Map<string, NetworkPolicyFact | undefined>()
    for (const event of durable) {
      if (event.kind === 'networkpolicy.upserted') logged.set(fileOf(event.policy), event.policy)
      if (event.kind === 'networkpolicy.deleted') logged.set(fileOf(event), undefined)
    }
    // While a file can't be read that may say what it can't be known to say, nothing is deleted.
    const isClear = [...this.#states.values()].every(({ isTorn }) => !isTorn)
    for (const [name, { document, isThere }] of this.#states) {
      if (document?.policy !== undefined && !isDeepStrictEqual(logged.get(name), document.policy))
        return `what ${name} says`
      if (isClear && !isThere && logged.get(name) !== undefined) return `that ${name} has gone`
    }
    return undefined
  }

  #write(state: State, document: Document, pausesMs: readonly number[], isTorn: boolean): void {
    const bytes = bytesOf(document)
    const pieces = pausesMs.length
    state.isBusy = true
    state.document = undefined
    state.isTorn = isTorn
    if (document.policy !== undefined && !isTorn) state.versions.push(document.policy)
    // Whoever dies may have cut it to nothing, which says nothing; and who isn't told of writers takes it for whole.
    if (isTorn || this.#folder.isSeenBlindly) state.mayBeGone = true
    this.#folder.truncate(document.name)
    state.isThere = true
    const piece = (at: number): void => {
      const isLast = at === pieces - 1
      const [from, to] = [at, at + 1].map(each => Math.floor((bytes.length * each) / pieces))
      if (!isLast || !isTorn) this.#folder.append(document.name, bytes.subarray(from, to))
      if (!isLast) this.#after(pausesMs[at + 1]!, () => piece(at + 1))
      else {
        this.#folder.close(document.name)
        state.isBusy = false
        if (!isTorn) this.#isComplete(state, document)
      }
    }
    this.#after(pausesMs[0]!, () => piece(0))
  }

  #isComplete(state: State, document: Document): void {
    state.document = document
    state.isThere = true
    state.isTorn = false
    if (document.policy !== undefined) state.versions.push(document.policy)
  }

  #stateOf(name: string): State {
    const known = this.#states.get(name)
    if (known !== undefined) return known
    const state = { document: undefined, isThere: false, isTorn: false, isBusy: false, mayBeGone: false, versions: [] }
    this.#states.set(name, state)
    return state
  }
}

const bytesOf = ({ manifest }: Document): Uint8Array => Buffer.from(JSON.stringify(manifest))

/** Where an object is. */
export const fileOf = ({ namespace, name }: { readonly namespace: string; readonly name: string }): string =>
  `${namespace}-${name}.json`
