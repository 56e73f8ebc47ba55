import type { PeerAtom, PeerClassData } from './model.js'

/** An atom that came to a set, or left it. */
export interface AtomChange {
  readonly atom: PeerAtom
  readonly holds: boolean
}

/** A set of atoms as a class has it. @param atoms each once, in any order */
export function atomSet(atoms: readonly PeerAtom[]): PeerClassData {
  const sorted = [...atoms].sort((a, b) => a.id - b.id)
  return { atoms: sorted, hash: sorted.reduce((hash, { id }) => (hash + scatter(id)) | 0, 0) }
}

/** A set after changes; an atom that is there already, or is gone already, changes nothing. */
export function changedSet({ atoms, hash }: PeerClassData, changes: Iterable<AtomChange>): PeerClassData {
  const after = [...atoms]
  let sum = hash
  for (const { atom, holds } of changes) {
    const at = placeOf(after, atom.id)
    if ((after[at] === atom) === holds) continue
    if (holds) after.splice(at, 0, atom)
    else after.splice(at, 1)
    sum = (sum + (holds ? scatter(atom.id) : -scatter(atom.id))) | 0
  }
  return { atoms: after, hash: sum }
}

export function sameAtoms(a: PeerClassData, b: PeerClassData): boolean {
  if (a.hash !== b.hash || a.atoms.length !== b.atoms.length) return false
  for (let at = 0; at < a.atoms.length; at += 1) if (a.atoms[at] !== b.atoms[at]) return false
  return true
}

/** The atoms that one of two sets has and the other lacks. */
export function differingAtoms(before: PeerClassData, after: PeerClassData): AtomChange[] {
  const changes: AtomChange[] = []
  const [old, now] = [before.atoms, after.atoms]
  for (let i = 0, j = 0; i < old.length || j < now.length; ) {
    const [a, b] = [old[i], now[j]]
    if (a === b) {
      i += 1
      j += 1
    } else if (b === undefined || (a !== undefined && a.id < b.id)) {
      changes.push({ atom: a!, holds: false })
      i += 1
    } else {
      changes.push({ atom: b, holds: true })
      j += 1
    }
  }
  return changes
}

/** Where an atom of this id stands, or would stand. */
function placeOf(atoms: readonly PeerAtom[], id: number): number {
  let low = 0
  let high = atoms.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (atoms[middle]!.id < id) low = middle + 1
    else high = middle
  }
  return low
}

/** Spreads ids over 32 bits, so that sums of few of them seldom meet. */
function scatter(id: number): number {
  const mixed = Math.imul(id ^ (id >>> 16), 0x7feb352d)
  return Math.imul(mixed ^ (mixed >>> 15), 0x846ca68b)
}
