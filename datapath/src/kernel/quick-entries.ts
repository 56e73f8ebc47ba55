/**
 * How many of a table's entries are each CPU's own: a power of two, as programs count them; 0 when there are too few for
 * the two that a flow chooses from.
 */
export function entriesEach(entries: number, cpus: number): number {
  const share = Math.floor(entries / cpus)
  return share < 2 ? 0 : 2 ** Math.floor(Math.log2(share))
}
