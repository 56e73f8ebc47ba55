import type { Digest } from './digest.js'
import { hashHex } from './sum.js'

type Part = keyof Digest['parts']

/** What is hashed, and how, has this number: digests of two versions can't be compared. */
export const version = 5

const verdicts: readonly Part[] = ['addresses', 'prefixes', 'endpoints', 'cells', 'policies', 'identities']
const fourth: readonly Part[] = [...verdicts, 'frontends', 'backends', 'egress']

/** The parts that a version has, in the order in which they are hashed. Each part is hashed as in every later version. */
const partsOf: ReadonlyMap<number, readonly Part[]> = new Map([
  [4, fourth],
  [version, [...fourth, 'tunnels']],
])

/** A digest as a build took it that may have known fewer tables. */
export interface VersionedDigest {
  readonly hex: string
  readonly version: number
  readonly parts: Readonly<Record<string, string>>
}

/** Of all parts that a version has. */
export function hexOf(of: number, parts: Digest['parts']): string {
  return hashHex(`weir digest ${of}`, ...partsOf.get(of)!.map(part => parts[part]))
}

/** Whether this build can come to what builds of a version came to. */
export const isComparable = (wanted: number): boolean => partsOf.has(wanted)

/** What builds of a version come to in the state of a digest; undefined where that takes those builds. */
export function digestAs(digest: Digest, wanted: number): VersionedDigest | undefined {
  const names = partsOf.get(wanted)
  if (names === undefined) return undefined
  const parts = Object.fromEntries(names.map(name => [name, digest.parts[name]]))
  return { hex: hexOf(wanted, digest.parts), version: wanted, parts }
}

/** The digest of a state, all parts in one hash, by each version that can be compared with. */
export const hexesOf = (digest: Digest): readonly string[] => [...partsOf.keys()].map(each => hexOf(each, digest.parts))

/** The parts of this version that an earlier one doesn't have. */
export function partsLackingIn(earlier: number): readonly string[] {
  const there = new Set(partsOf.get(earlier))
  return partsOf.get(version)!.filter(part => !there.has(part))
}
