import type { LabelMap } from '../identity/labels.js'
import type { KeyUse } from '../verdict/key-use.js'
import type { Shape } from '../verdict/model.js'

/** Beyond so many the first are looked for no more; they cost as much as new ones then. */
const keptFaces = 65_536

/**
 * Labels as far as selectors in force ask for them. Whom no rule tells apart by labels has one face, an object of its own:
 * what was found for one of them holds for all.
 */
export class Faces {
  readonly #keys: KeyUse
  readonly #byText = new Map<string, LabelMap>()
  #known = new WeakMap<LabelMap, LabelMap>()
  #version = -1

  constructor(keys: KeyUse) {
    this.#keys = keys
  }

  /** @param labels that never change */
  of(kind: Shape['kind'], labels: LabelMap): LabelMap {
    if (this.#version !== this.#keys.version) {
      this.#version = this.#keys.version
      this.#known = new WeakMap()
    }
    const known = this.#known.get(labels)
    if (known !== undefined) return known
    const face = this.#find(kind, labels)
    this.#known.set(labels, face)
    return face
  }

  #find(kind: Shape['kind'], labels: LabelMap): LabelMap {
    const asked = [...labels].filter(([key]) => this.#keys.has(key)).sort(([a], [b]) => (a < b ? -1 : 1))
    const text = `${kind}\u0000${asked.flat().join('\u0000')}`
    let face = this.#byText.get(text)
    if (face === undefined) {
      if (this.#byText.size >= keptFaces) this.#byText.clear()
      face = new Map(asked)
      this.#byText.set(text, face)
    }
    return face
  }
}
