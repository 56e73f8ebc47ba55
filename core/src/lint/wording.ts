/** A few of many, for a sentence. */
export function listed(items: readonly string[]): string {
  const shown = items.slice(0, 4).join(', ')
  return items.length > 4 ? `${shown} and ${items.length - 4} more` : shown
}

/** Verbs agree with what is listed before them. */
export const agreeing = (items: readonly unknown[], one: string, several: string): string =>
  items.length === 1 ? one : several
