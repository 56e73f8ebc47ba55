/** Empties a set or map. What is empty already is left alone: `clear` would have it make a new table all the same. */
export function empty(collection: { readonly size: number; clear(): void }): void {
  if (collection.size > 0) collection.clear()
}
