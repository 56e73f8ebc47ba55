import type { ClusterState, NodeFact } from '@weir/core'
import type { ObjectKey } from '@weir/core/event/event.js'
import { WeirError } from '@weir/core/errors.js'
import type { Claims, ServerPart } from '../agent/claims.js'
import type { SourceSink } from '../agent/source.js'
import { diffFacts } from '../manifests/diff.js'
import { isRefusal } from '../manifests/file.js'
import { inForceOfKind } from '../manifests/in-force.js'
import { keyText, type ManifestObject, type ManifestSet, problemText, type Refusal } from '../manifests/set.js'
import type { Entry } from './entry.js'
import { originOf } from './entry.js'
import type { Change } from './reflector.js'

/** What the agent was told of its own node, which counts more than what the API server says. */
export type OwnNode = Pick<NodeFact, 'name'> & Partial<Pick<NodeFact, 'addresses' | 'podCidrs'>>

export interface ObjectIntakeOptions {
  readonly sink: SourceSink
  readonly nowMs: () => number
  readonly ownNode: OwnNode
  /** Where a folder is followed beside it. */
  readonly claims?: Claims | undefined
  /** Told once of each object that is refused, with its path and field. */
  readonly report: (message: string) => void
}

/** Most refusals that are reported one by one; all are in the log. */
const toldMost = 1000

/** Says what the API server has as far as it differs from the log. */
export class ObjectIntake {
  readonly #options: ObjectIntakeOptions
  readonly #told = new Set<string>()

  constructor(options: ObjectIntakeOptions) {
    this.#options = options
  }

  /** Resolves when the changes are in the log. Of each object the last one counts. */
  async take(changes: readonly Change<Entry>[]): Promise<void> {
    const last = new Map(changes.map(change => [keyText(change.entry.object), change]))
    const objects: ManifestObject[] = []
    const refusals: Refusal[] = []
    for (const { entry, isGone } of last.values()) {
      if (isGone) continue
      if (isRefusal(entry.said)) refusals.push(entry.said)
      else objects.push(this.#withOwnNode(entry.said))
    }
    for (const refusal of refusals) this.#report(refusal)
    const keys = new Map([...last].map(([text, { entry }]) => [text, entry.object]))
    const part = { keys, objects, refusals }
    await this.#submit(
      () => this.#options.claims?.serverSays(part) ?? part,
      object => originOf(last.get(keyText(object))?.entry.resourceVersion ?? ''),
    )
  }

  /** Of this kind there is nothing but what has these names, `namespace/name`. */
  async listed(kind: string, names: ReadonlySet<string>, resourceVersion: string): Promise<void> {
    const { claims } = this.#options
    const isMissing = ({ namespace, name }: ObjectKey): boolean => !names.has(`${namespace}/${name}`)
    await this.#submit(
      state => {
        const gone = new Map<string, ObjectKey>()
        for (const { key } of inForceOfKind(state, kind)) if (isMissing(key)) gone.set(keyText(key), key)
        for (const { object } of state.refusals.values())
          if (object.kind === kind && isMissing(object)) gone.set(keyText(object), object)
        return { keys: claims?.serverListed(kind, isMissing, gone) ?? gone, objects: [], refusals: [] }
      },
      object => claims?.letGoBy(object) ?? originOf(resourceVersion),
    )
  }

  async #submit(partOf: (state: ClusterState) => ServerPart, goneBy: (object: ObjectKey) => string): Promise<void> {
    const { sink, nowMs, claims } = this.#options
    // Before it is known what files define, the server's version would take its place. One that ends says nothing more.
    if (claims !== undefined && !(await claims.folderKnown)) return
    try {
      await sink.submit(state => {
        const changed = { ...partOf(state), skipped: [] }
        const set: ManifestSet = { ...changed, root: '', incomplete: false, changed }
        return diffFacts(state, set, { timeMs: nowMs(), afterLast: true, goneBy })
      })
    } catch (error) {
      // What isn't enforced yet is in the log, and tried again by the agent.
      if (error instanceof WeirError && error.code === 'WEIR_INTAKE_STOPPED') throw error
    }
  }

  #withOwnNode(object: ManifestObject): ManifestObject {
    const { name, addresses, podCidrs } = this.#options.ownNode
    if (object.object.kind !== 'Node' || object.object.name !== name || addresses === undefined) return object
    const bodies = object.bodies.map(body =>
      body.kind === 'node.upserted' ? { ...body, node: { ...body.node, addresses, podCidrs: podCidrs ?? [] } } : body,
    )
    return { ...object, bodies }
  }

  #report({ problems }: Refusal): void {
    const text = problems.map(problemText).join('; ')
    if (this.#told.size >= toldMost || this.#told.has(text)) return
    this.#told.add(text)
    this.#options.report(`refused: ${text}`)
  }
}
