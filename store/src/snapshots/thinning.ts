/** What is known of a snapshot that may go. */
export interface Thinned {
  readonly seq: number
  readonly bytes: number
}

/** How many snapshots of a name are kept. */
export interface SnapshotLimits {
  /** At most this many, default 128. */
  readonly count: number
  /** Of all together, default 512 MiB; the newest three stay even so. */
  readonly bytes: number
}

export const snapshotLimits: SnapshotLimits = { count: 128, bytes: 512 << 20 }

/** More than one, as the newest may turn out to be damaged. */
const newest = 3

/**
 * Which of the snapshots are to go so that the others keep within the limits: each time the one that leaves the smallest
 * gap. What any past state folds after its snapshot stays within a few shares of the log.
 *
 * @param kept oldest first
 * @param first the event after which the log begins
 */
export function superfluous<Each extends Thinned>(
  kept: readonly Each[],
  first: number,
  { count, bytes }: SnapshotLimits,
): readonly Each[] {
  const left = [...kept]
  const gone: Each[] = []
  let total = left.reduce((sum, each) => sum + each.bytes, 0)
  while (left.length > Math.min(newest, count) && (left.length > count || total > bytes)) {
    let best = 0
    for (let at = 1; at < Math.max(1, left.length - newest); at++)
      if (gapWithout(left, at, first) < gapWithout(left, best, first)) best = at
    const [dropped] = left.splice(best, 1)
    total -= dropped!.bytes
    gone.push(dropped!)
  }
  return gone
}

const gapWithout = (left: readonly Thinned[], at: number, first: number): number =>
  (left[at + 1]?.seq ?? Number.POSITIVE_INFINITY) - (left[at - 1]?.seq ?? first)
