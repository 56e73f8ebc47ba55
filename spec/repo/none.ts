import { AssertionError } from 'chai'

/** Fails with the whole list when anything was found. */
export function none(found: readonly string[], what = 'found'): void {
  if (found.length > 0) throw new AssertionError(`${what}:\n  ${[...new Set(found)].join('\n  ')}`)
}
