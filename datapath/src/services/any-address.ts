import type { FrontendRow } from '@weir/core/tables/service-rows.js'
import { anyAddressKey } from './encode.js'
import { byteText } from './installed-frontends.js'

/** Node ports by the key that stands for them at every address of the node, each with the keys and rows it stands for. */
export class AnyAddress {
  readonly #rows = new Map<string, Map<string, FrontendRow>>()

  /** @param touched is told the key that may stand for another row now */
  join(row: FrontendRow, key: string, touched?: Set<string>): void {
    const bytes = anyAddressKey(row)
    if (bytes === undefined) return
    const wildcard = byteText(bytes)
    const all = this.#rows.get(wildcard) ?? new Map<string, FrontendRow>()
    all.set(key, row)
    this.#rows.set(wildcard, all)
    touched?.add(wildcard)
  }

  leave(row: FrontendRow, key: string, touched: Set<string>): void {
    const bytes = anyAddressKey(row)
    if (bytes === undefined) return
    const wildcard = byteText(bytes)
    const all = this.#rows.get(wildcard)
    all?.delete(key)
    if (all?.size === 0) this.#rows.delete(wildcard)
    touched.add(wildcard)
  }

  keys(): Iterable<string> {
    return this.#rows.keys()
  }

  /** All lead to the same backends, unless their addresses are contended for: then the choice must be the same anywhere. */
  rowOf(wildcard: string): FrontendRow | undefined {
    const all = this.#rows.get(wildcard)
    if (all === undefined) return undefined
    let first: string | undefined
    for (const key of all.keys()) if (first === undefined || key < first) first = key
    return all.get(first!)
  }
}
