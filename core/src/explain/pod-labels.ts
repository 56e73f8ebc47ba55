import type { LabelMap } from '../identity/labels.js'
import { placeKeys } from '../identity/node-labels.js'

/** A pod's labels as a node sees them that it runs on, or doesn't; made once for each of the two. */
export class PodLabels {
  readonly #own = new WeakMap<LabelMap, LabelMap>()
  readonly #others = new WeakMap<LabelMap, LabelMap>()

  /** @param labels that never change: a shape's */
  seen(labels: LabelMap, isOwn: boolean): LabelMap {
    if (labels.has(placeKeys.ownPod) === isOwn) return labels
    const known = isOwn ? this.#own : this.#others
    const found = known.get(labels)
    if (found !== undefined) return found
    const seen = new Map(labels)
    if (isOwn) seen.set(placeKeys.ownPod, '')
    else seen.delete(placeKeys.ownPod)
    known.set(labels, seen)
    return seen
  }
}
