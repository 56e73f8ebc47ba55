/** `1 change`, `3 changes`, `2 sets of flows`: a number and its word agree. */
export const counted = (count: number, one: string, several = `${one}s`): string =>
  `${count} ${count === 1 ? one : several}`
