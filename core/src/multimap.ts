/** The value of a key; `make` gives it when it has none yet. */
export function entryOf<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  let value = map.get(key)
  if (value === undefined) {
    value = make()
    map.set(key, value)
  }
  return value
}

/** Takes an item out of a key's set, and the key out of the map with its last item. */
export function dropFrom<Key, Item>(map: Map<Key, Set<Item>>, key: Key, item: Item): void {
  const items = map.get(key)
  if (items?.delete(item) === true && items.size === 0) map.delete(key)
}
