import type { Digest } from './digest.js'

/**
 * Names of the tables that two digests have otherwise, in the digest's order; none when they agree.
 *
 * Digests of two versions hash other things, so that all their tables count as different.
 */
export function differingParts(a: Digest, b: Digest): readonly (keyof Digest['parts'])[] {
  const names = Object.keys(a.parts) as (keyof Digest['parts'])[]
  return a.version === b.version ? names.filter(name => a.parts[name] !== b.parts[name]) : names
}
