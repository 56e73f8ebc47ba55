/**
 * The table of Eisenbud et al. (NSDI 2016, section 3.4), as the paper's pseudo-code has it: permutations written out in
 * full, backends in turn. `offset` and `skip` of each backend are given. A backend's weight is how many turns it has
 * where one of weight 1 has one: its k-th turn comes at
 * (k - ½) / weight.
 */
export function paperTable(
  size: number,
  backends: readonly { readonly offset: number; readonly skip: number; readonly weight: number }[],
): readonly number[] {
  const permutation = backends.map(({ offset, skip }) => {
    const slots: number[] = []
    for (let j = 0; j < size; j++) slots.push((offset + j * skip) % size)
    return slots
  })
  const next = backends.map(() => 0)
  const entry: number[] = Array.from({ length: size }, () => -1)
  let n = 0
  for (const i of turns(backends.map(({ weight }) => weight))) {
    let c = permutation[i]![next[i]!]!
    while (entry[c]! >= 0) {
      next[i] = next[i]! + 1
      c = permutation[i]![next[i]!]!
    }
    entry[c] = i
    next[i] = next[i]! + 1
    n = n + 1
    if (n === size) return entry
  }
  return entry
}

/** Whose turn it is, for ever: one after the other where all weigh the same. */
function* turns(weights: readonly number[]): Generator<number> {
  if (weights.every(weight => weight === weights[0])) {
    for (;;) for (let i = 0; i < weights.length; i++) yield i
  }
  const had = weights.map(() => 0)
  for (;;) {
    let first = 0
    for (let i = 1; i < weights.length; i++) {
      if ((had[i]! + 0.5) / weights[i]! < (had[first]! + 0.5) / weights[first]!) first = i
    }
    had[first] = had[first]! + 1
    yield first
  }
}
