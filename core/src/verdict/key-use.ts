import type { LabelSelector } from '../policy/selector.js'

/**
 * The label keys that selectors in force name. A key that the identity filter leaves out still counts for matching
 * while a selector asks for it.
 */
export class KeyUse {
  /** Keys that came into use or went out of it since this was last emptied. */
  readonly changed = new Set<string>()
  readonly #counts = new Map<string, number>()
  #version = 0

  /** Rises with every key that comes into use or goes out of it. */
  get version(): number {
    return this.#version
  }

  has(key: string): boolean {
    return this.#counts.has(key)
  }

  acquire(selector: LabelSelector): void {
    for (const { key } of selector) {
      const count = this.#counts.get(key) ?? 0
      if (count === 0) this.#change(key)
      this.#counts.set(key, count + 1)
    }
  }

  release(selector: LabelSelector): void {
    for (const { key } of selector) {
      const count = this.#counts.get(key)! - 1
      if (count > 0) {
        this.#counts.set(key, count)
        continue
      }
      this.#counts.delete(key)
      this.#change(key)
    }
  }

  #change(key: string): void {
    this.changed.add(key)
    this.#version += 1
  }
}
