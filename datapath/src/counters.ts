import type { Counters, ReasonCount } from './backend.js'
import { codecs, tallyNumbers } from './codec/maps.js'

/** Adds up the values of all CPUs: each `stride` bytes apart in `value`. */
function perCpu<Value>(
  value: Uint8Array,
  codec: { readonly size: number; read(bytes: Uint8Array, at: number): Value },
) {
  const stride = Math.ceil(codec.size / 8) * 8
  return Array.from({ length: Math.max(1, Math.floor(value.length / stride)) }, (_, cpu) =>
    codec.read(value, cpu * stride),
  )
}

const sum = (values: readonly bigint[]): bigint => values.reduce((total, value) => total + value, 0n)

/** Counters from the entries of `weir_counters` and `weir_tallies`. */
export function readCounters(
  counters: Iterable<readonly [Uint8Array, Uint8Array]>,
  tallies: Iterable<readonly [Uint8Array, Uint8Array]>,
): Counters {
  const reasons: ReasonCount[] = []
  for (const [key, value] of counters) {
    const cpus = perCpu(value, codecs.counter)
    const side = (direction: 0 | 1) => ({
      packets: sum(cpus.map(cpu => cpu.packets[direction]!)),
      bytes: sum(cpus.map(cpu => cpu.bytes[direction]!)),
    })
    const count: ReasonCount = { reason: codecs.index.read(key), egress: side(0), ingress: side(1) }
    if (count.egress.packets + count.ingress.packets > 0n) reasons.push(count)
  }
  const names = new Map(Object.entries(tallyNumbers).map(([name, index]) => [index, name]))
  const tally: Record<string, bigint> = {}
  for (const [key, value] of tallies) {
    const name = names.get(codecs.index.read(key))
    if (name === undefined) continue
    tally[name.replace('WEIR_TALLY_', '').toLowerCase()] = sum(perCpu(value, codecs.tally))
  }
  return { reasons, tallies: tally }
}
