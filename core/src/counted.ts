/** `1 change`, `3 changes`, `2 sets of flows`: a number and its word agree. */
export const counted = (count: number, one: string, several = `${one}s`): string =>
  `${count} ${count === 1 ? one : several}`

/** `1 namespace, 3 policies`: sizes by the names of what there are several of. */
export const countedAll = (sizes: Readonly<Record<string, number>>): string =>
  Object.entries(sizes)
    .map(([several, count]) => counted(count, oneOf(several), several))
    .join(', ')

/** The word for one of several. */
const oneOf = (several: string): string =>
  several.endsWith('ies')
    ? `${several.slice(0, -3)}y`
    : /(?:ss|x)es$/.test(several)
      ? several.slice(0, -2)
      : several.replace(/s$/, '')
