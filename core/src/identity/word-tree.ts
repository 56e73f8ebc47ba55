/** Values by lists of words, a step for each word: to look one up, no text need be made of them all. */
export class WordTree<Value> {
  value: Value | undefined = undefined
  readonly #before: WordTree<Value> | undefined
  readonly word: string
  /** The one place that leads on, while there is one: most have no other, and a map takes three times their room. */
  #only: WordTree<Value> | undefined = undefined
  #several: Map<string, WordTree<Value>> | undefined = undefined

  constructor(before?: WordTree<Value>, word = '') {
    this.#before = before
    this.word = word
  }

  /** How many places lead on from here. */
  get size(): number {
    return this.#several?.size ?? (this.#only === undefined ? 0 : 1)
  }

  /** Where one word more leads, known or not. */
  step(word: string): WordTree<Value> {
    const known = this.#only?.word === word ? this.#only : this.#several?.get(word)
    if (known !== undefined) return known
    const next = new WordTree(this, word)
    if (this.size === 0) this.#only = next
    else {
      this.#several ??= new Map([[this.#only!.word, this.#only!]])
      this.#several.set(word, next)
      this.#only = undefined
    }
    return next
  }

  /** Forgets the value here, and the places that lead to no other. */
  forget(): void {
    this.value = undefined
    this.#leaveIfBare()
  }

  #leaveIfBare(): void {
    if (this.size === 0 && this.value === undefined && this.#before !== undefined) this.#before.#drop(this)
  }

  #drop(next: WordTree<Value>): void {
    if (this.#only === next) this.#only = undefined
    else {
      this.#several?.delete(next.word)
      if (this.#several?.size === 0) this.#several = undefined
    }
    this.#leaveIfBare()
  }
}
