/** A map from small whole numbers, for those that are asked for so often that hashing shows. */
export class ByNumber<Value> {
  readonly #values: (Value | undefined)[] = []

  get(number: number): Value | undefined {
    return this.#values[number]
  }

  set(number: number, value: Value): void {
    this.#values[number] = value
  }

  delete(number: number): void {
    this.#values[number] = undefined
  }
}
