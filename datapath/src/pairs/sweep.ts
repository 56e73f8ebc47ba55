import type { Sweep, SweepCount } from '../backend.js'
import { codecs } from '../codec/maps.js'

/** Sets that one run of the program looks at: WEIR_SWEPT_SETS. */
const setsPerRun = 256
/** A frame is longer than what is asked. */
const frameBytes = 64

/**
 * Ends pairs that have expired, some sets at a time.
 * @param run Runs weir_sweep_pairs on a frame; the frame as it is then.
 */
export function sweepPairs(
  maps: Readonly<Record<'weir_nat4' | 'weir_nat6', { readonly maxEntries: number }>>,
  run: (asked: Uint8Array) => Uint8Array,
): Pick<Sweep, 'nat4' | 'nat6'> {
  const sweep = (family: 4 | 6): SweepCount => {
    let [seen, removed] = [0, 0]
    for (let first = 0; first < maps[`weir_nat${family}`].maxEntries; first += setsPerRun) {
      const asked = new Uint8Array(frameBytes)
      codecs.pairSweep.write(asked, 0, { family, first, count: { seen: 0, removed: 0 } })
      const { count } = codecs.pairSweep.read(run(asked))
      seen += count.seen
      removed += count.removed
    }
    return { seen, removed }
  }
  return { nat4: sweep(4), nat6: sweep(6) }
}
