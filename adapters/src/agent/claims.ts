import type { EventDraft, ObjectKey } from '@weir/core/event/event.js'
import { objectOf } from '@weir/core/event/object-of.js'
import { claimsOf } from '../manifests/assemble.js'
import { type DiffOptions, diffFacts } from '../manifests/diff.js'
import { factOf, inForceOf } from '../manifests/in-force.js'
import type { KnownFacts } from '../manifests/known.js'
import { isRefusal } from '../manifests/file.js'
import { keyText, type ManifestObject, type ManifestPart, type ManifestSet, type Refusal } from '../manifests/set.js'

type Said = ManifestObject | Refusal

/** An object that another source defines, too. */
export interface WaitingObject {
  readonly object: ObjectKey
  /** Whose definition counts: `manifests:/path/web.yaml:3`. */
  readonly by: string
}

interface Claim {
  readonly object: ObjectKey
  /** `manifests:/path/web.yaml:3` */
  readonly by: string
}

/** What the API server says of some keys: what it has of them, and that it has nothing else of them. */
export type ServerPart = Omit<ManifestPart, 'skipped'>

/**
 * Who says what, where a folder and an API server are followed by one agent. An object that a file defines belongs to the
 * folder, be the definition understood or not; what the server has by the same key waits, and is in force again in the
 * event batch in which the file lets go of it. Nothing is taken back for one of the two while the other may still say it:
 * what was in force before this process began stays until the folder is readable and the server has said all of the kind.
 *
 * It takes part in the functions that say facts, so that it sees everything in the order of the log.
 */
export class Claims {
  readonly #followsKind: (kind: string) => boolean
  readonly #claimed = new Map<string, Claim>()
  /** All that the server has, claimed or not, as it was read last. */
  readonly #server = new Map<string, Said>()
  /** Kinds of which the server has said all. */
  readonly #listed = new Set<string>()
  /** Put in force by the folder, in this process: nobody else may have meant them to be. */
  readonly #introduced = new Set<string>()
  /** No longer said by the folder, and still in force, as the server may say them. */
  readonly #letGo = new Set<string>()
  #isFolderWhole = false
  #root = ''
  #settle: (isKnown: boolean) => void = () => {}
  /** Whether the folder was read once and its facts are said; false when it ends before that. */
  readonly folderKnown = new Promise<boolean>(resolve => {
    this.#settle = resolve
  })

  /** @param followsKind Whether objects of a kind may come from the server */
  constructor(followsKind: (kind: string) => boolean) {
    this.#followsKind = followsKind
  }

  /** What the folder was found to say first is said; or, by false, it will not be. */
  settleFolder(isKnown: boolean): void {
    this.#settle(isKnown)
  }

  /** Objects of the server that wait, by name. */
  get waiting(): readonly WaitingObject[] {
    return [...this.#claimed]
      .filter(([text]) => this.#server.has(text))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, { object, by }]) => ({ object, by }))
  }

  /** Whether the server, and not the folder, says an object now. */
  isServers(key: ObjectKey): boolean {
    const text = keyText(key)
    return this.#server.has(text) && !this.#claimed.has(text)
  }

  /** `diffFacts` of the folder's set, beside what the server says. */
  folderDrafts(
    known: KnownFacts,
    set: ManifestSet,
    options: Pick<DiffOptions, 'timeMs' | 'afterLast'>,
  ): readonly EventDraft[] {
    const part = options.afterLast === true ? set.changed : undefined
    const claims = claimsIn(part ?? set)
    const before = part === undefined ? this.#claimed.keys() : part.keys.keys()
    const released = [...before].filter(text => this.#claimed.has(text) && !claims.has(text))
    const back = released.flatMap(text => this.#server.get(text) ?? [])
    const returning = new Set(back.map(({ object }) => keyText(object)))
    const owns = (key: ObjectKey): boolean =>
      claims.has(keyText(key)) || returning.has(keyText(key)) || this.#mayFolderEnd(key)
    const drafts = diffFacts(known, withServers(set, part, back), { ...options, owns })
    for (const draft of drafts) this.#introduce(known, draft)
    for (const text of released) {
      const claim = this.#claimed.get(text)
      this.#claimed.delete(text)
      if (claim !== undefined && !this.#server.has(text) && !this.#mayFolderEnd(claim.object)) this.#letGo.add(text)
    }
    for (const [text, claim] of claims) {
      this.#claimed.set(text, claim)
      this.#letGo.delete(text)
    }
    this.#isFolderWhole = !set.incomplete
    this.#root = set.root
    return drafts
  }

  /** Takes in what the server says of some objects. Gives what of it counts. */
  serverSays({ keys, objects, refusals }: ServerPart): ServerPart {
    for (const text of keys.keys()) this.#server.delete(text)
    for (const said of [...objects, ...refusals]) this.#server.set(keyText(said.object), said)
    const isFree = ({ object }: Said): boolean => !this.#claimed.has(keyText(object))
    return {
      keys: new Map([...keys].filter(([text]) => !this.#claimed.has(text))),
      objects: objects.filter(isFree),
      refusals: refusals.filter(isFree),
    }
  }

  /**
   * Takes in that the server has said all of a kind.
   *
   * @param gone What is in force, or refused, and not among it
   * @returns what of that is to be taken back
   */
  serverListed(
    kind: string,
    isGone: (key: ObjectKey) => boolean,
    gone: ReadonlyMap<string, ObjectKey>,
  ): ReadonlyMap<string, ObjectKey> {
    const isNobodys = (text: string): boolean =>
      !this.#claimed.has(text) && (this.#isFolderWhole || this.#server.has(text))
    const ended = new Map([...gone].filter(([text]) => isNobodys(text)))
    for (const [text, { object }] of this.#server) if (object.kind === kind && isGone(object)) this.#server.delete(text)
    this.#listed.add(kind)
    return ended
  }

  /** Who let go of an object that the server doesn't have, where that was the folder. */
  letGoBy(key: ObjectKey): string | undefined {
    return this.#letGo.delete(keyText(key)) ? `manifests:${this.#root}` : undefined
  }

  #mayFolderEnd(key: ObjectKey): boolean {
    const text = keyText(key)
    if (this.#server.has(text)) return false
    return !this.#followsKind(key.kind) || this.#listed.has(key.kind) || this.#introduced.has(text)
  }

  #introduce(known: KnownFacts, draft: EventDraft): void {
    const key = draft.kind.endsWith('.upserted') ? objectOf(draft) : undefined
    if (key === undefined) return
    const [standing] = inForceOf(known, [key])
    if (standing === undefined) this.#introduced.add(keyText(key))
  }
}

/** The keys that files define, those of the pods and slices that follow from them included. */
function claimsIn({ objects, refusals }: Pick<ManifestSet, 'objects' | 'refusals'>): ReadonlyMap<string, Claim> {
  const claims = new Map<string, Claim>()
  for (const said of [...objects, ...refusals]) {
    const by = `manifests:${said.file}:${said.line}`
    const facts = 'bodies' in said ? said.bodies.map(body => factOf(body).key) : []
    for (const object of [...claimsOf(said), ...facts]) claims.set(keyText(object), { object, by })
  }
  return claims
}

/** The set, with what the server says in place of what the folder has let go of. */
function withServers(set: ManifestSet, part: ManifestPart | undefined, back: readonly Said[]): ManifestSet {
  if (back.length === 0) return set
  const added = <Some extends Pick<ManifestSet, 'objects' | 'refusals'>>(to: Some): Some => ({
    ...to,
    objects: [...to.objects, ...back.filter(said => 'bodies' in said)],
    refusals: [...to.refusals, ...back.filter(isRefusal)],
  })
  if (part === undefined) return added(set)
  const { root, incomplete } = set
  return { root, incomplete, objects: [], refusals: [], skipped: [], changed: added(part) }
}
