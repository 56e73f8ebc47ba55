import type { Bench, Figure } from './bench.js'
import { Closing } from './closing.js'
import { clusterSize, sizeOptions } from './cluster-options.js'
import { LoadedNode } from './loaded-node.js'

const policyMaps = ['weir_cells', 'weir_rows', 'weir_pfx4', 'weir_pfx6'] as const
const addressMaps = ['weir_addr4', 'weir_addr6'] as const
/** As large as they are from the start, whatever is in them. */
const fixed: readonly string[] = ['weir_rows']

export const bench: Bench = {
  name: 'kernel-memory',
  summary: 'bytes of each map of a node of the synthetic cluster as the kernel accounts them, beside entries × size',
  options: sizeOptions,
  async run(options, say) {
    const closing = new Closing()
    try {
      const size = clusterSize(options)
      say('loading the cluster')
      const node = await LoadedNode.create(size, undefined, closing)
      const accounted = node.memoryBytes()
      const figures: Record<string, Figure> = {}
      const mib = (bytes: number): Figure => ({ value: bytes / 2 ** 20, unit: 'MiB' })
      const sum = (names: readonly string[]): number =>
        names.reduce((total, name) => total + (accounted.get(name) ?? 0), 0)
      figures['policy maps: cells, rows and prefixes'] = mib(sum(policyMaps))
      figures['addresses, which any design has'] = mib(sum(addressMaps))
      for (const name of [...policyMaps, ...addressMaps]) {
        const map = node.backend.maps[name]
        const entries = fixed.includes(name) ? map.maxEntries : [...map.entries()].length
        figures[`${name}, accounted`] = mib(accounted.get(name) ?? Number.NaN)
        figures[`${name}, entries × size`] = mib(entries * (map.keySize + map.valueSize))
        figures[`${name}, entries`] = { value: entries, unit: 'entries' }
      }
      const rest = [...accounted.keys()].filter(
        name => !policyMaps.some(own => own === name) && !addressMaps.some(own => own === name),
      )
      for (const name of rest) figures[`${name}, accounted`] = mib(accounted.get(name) ?? Number.NaN)
      return { workload: { ...size }, figures, ratios: {} }
    } finally {
      await closing.close()
    }
  },
}
