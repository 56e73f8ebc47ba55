const fields = (map: object): readonly (readonly [string, unknown])[] =>
  Object.entries(map).filter(([, value]) => value !== undefined)

/**
 * Whether two facts say the same, so that the later one needs no event: deep equality, the order of a map's keys and
 * fields that are `undefined` apart. Facts are canonical, so that equal meaning is equal form.
 */
export const sameFact = (a: unknown, b: unknown): boolean => {
  if (Object.is(a, b)) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false
    return a.every((item, index) => sameFact(item, b[index]))
  }
  const left = fields(a)
  const right = new Map(fields(b))
  return left.length === right.size && left.every(([key, value]) => right.has(key) && sameFact(value, right.get(key)))
}
