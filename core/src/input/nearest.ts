/** Longer words are no misspelling of anything. */
const longestWord = 64

/** Edits (insert, delete, replace, swap of neighbours) between two words, letter case ignored. */
const editDistance = (a: string, b: string): number => {
  const left = a.toLowerCase()
  const right = b.toLowerCase()
  let beforeLast: number[] = []
  let last = Array.from({ length: right.length + 1 }, (_, column) => column)
  for (let row = 1; row <= left.length; row++) {
    const current = [row]
    for (let column = 1; column <= right.length; column++) {
      const same = left[row - 1] === right[column - 1]
      let cost = Math.min(last[column]! + 1, current[column - 1]! + 1, last[column - 1]! + (same ? 0 : 1))
      if (row > 1 && column > 1 && left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1])
        cost = Math.min(cost, beforeLast[column - 2]! + 1)
      current.push(cost)
    }
    beforeLast = last
    last = current
  }
  return last[right.length]!
}

/** The one of `legal` that `word` most likely stands for; undefined when none is near enough to be worth naming. */
export const nearestWord = (word: string, legal: readonly string[]): string | undefined => {
  if (word.length > longestWord) return undefined
  let best: string | undefined
  let bestDistance = Math.max(1, Math.min(3, Math.floor(word.length / 3))) + 1
  for (const candidate of legal) {
    const distance = editDistance(word, candidate)
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best ?? abbreviated(word, legal)
}

/** Cut shorter than this, a word may begin anything. */
const shortestAbbreviation = 4

/** The one word that this one is the beginning of. */
const abbreviated = (word: string, legal: readonly string[]): string | undefined => {
  if (word.length < shortestAbbreviation) return undefined
  const start = word.toLowerCase()
  const whole = legal.filter(candidate => candidate.toLowerCase().startsWith(start))
  return whole.length === 1 ? whole[0] : undefined
}
