import { randomInt } from 'node:crypto'
import { WeirError } from '@weir/core/errors.js'
import { type BpfMap, type BpfObject, capabilities, EbpfError, loadObject, openPinnedMap, probe } from 'ebpf-napi'
import type { DsrDispatch, LbMode, ProgramName } from '../backend.js'
import type { MapName } from '../codec/maps.js'
import { layout } from '../layout.generated.js'
import type { PortRange } from './nat-ports.js'
import { keepPrograms, keptObject, programsKey } from './kept-programs.js'
import type { PinDirectory } from './pins.js'
import { carryPairs, seedPairs } from './carry-pairs.js'
import { withPairSets } from '../pairs/sizes.js'
import { entriesEach, withTags } from './quick-entries.js'
import { socketPrograms } from './sockets.js'

export interface LoadOptions {
  readonly maxEntries: Readonly<Partial<Record<MapName, number>>>
  readonly eventsPerSecond: number
  readonly trace: boolean
  /** Frames may come to XDP whose sums a device was to make that they never met. */
  readonly unfinishedFrames: boolean
  readonly natPorts: PortRange
  readonly lbMode: LbMode
  readonly dsrDispatch: DsrDispatch
  readonly tunnels: Tunnels | undefined
}

/** What packets between nodes travel within. */
export interface Tunnels {
  readonly kind: 'vxlan' | 'geneve'
  readonly udpPort: number
}

/** Bits as weir_direct_return has them. */
const directReturn: Readonly<Record<LbMode, number>> = { snat: 0, hybrid: 1, dsr: 3 }

/** An object in the kernel with its maps pinned, and what is in use. */
export interface Loaded {
  readonly object: BpfObject
  readonly coarseClock: boolean
  readonly sweepProgram: boolean
  /** The kernel has the programs at sockets, and can say why a call is refused. */
  readonly sockets: boolean
  readonly setRetval: boolean
  /** What happened to maps of an earlier run, in words. */
  readonly notes: readonly string[]
}

/** @throws WeirError WEIR_CAPABILITY_MISSING, WEIR_KERNEL_UNSUPPORTED */
export function requirePrivilege(): void {
  const has = capabilities()
  if (has.CAP_SYS_ADMIN && has.CAP_NET_ADMIN) return
  const missing = (['CAP_BPF', 'CAP_NET_ADMIN', 'CAP_PERFMON'] as const).filter(name => !has[name])
  if (missing.length > 0) {
    throw new WeirError('WEIR_CAPABILITY_MISSING', `eBPF needs ${missing.join(', ')}`, { missing })
  }
}

/** Of no use where there are no tunnels. */
const overlayPrograms: readonly ProgramName[] = ['weir_from_overlay', 'weir_to_overlay']

const kernelText = () => probe.kernelVersion().join('.')

export function load(source: string | Uint8Array, pins: PinDirectory, options: LoadOptions): Loaded {
  requirePrivilege()
  const [major, minor] = probe.kernelVersion()
  if (major < 5 || (major === 5 && minor < 12)) {
    const feature = 'pointer arguments of global functions'
    const payload = { feature, kernel: kernelText(), detail: 'Linux 5.12 or newer is needed' }
    throw new WeirError('WEIR_KERNEL_UNSUPPORTED', `Linux ${payload.kernel} is too old: ${payload.detail}`, payload)
  }
  const coarseClock = probe.helper('sched_cls', 'ktime_get_coarse_ns')
  const sweepProgram = probe.programType('syscall') && probe.helper('syscall', 'for_each_map_elem')
  const sockets = probe.programType('cgroup_sock_addr') && probe.helper('cgroup_sock_addr', 'sk_storage_get')
  const setRetval = sockets && probe.helper('cgroup_sock_addr', 'set_retval')
  const without = [
    ...(sweepProgram ? [] : ['weir_sweep']),
    ...(sockets ? [] : socketPrograms),
    ...(options.tunnels === undefined ? overlayPrograms : []),
  ]
  const maxEntries = withPairSets(withTags(options.maxEntries))
  const taken = choosePins(pins, maxEntries)
  const each = (map: MapName): number =>
    entriesEach(maxEntries[map] ?? layout.maps[map].maxEntries, probe.possibleCpus())
  const variables = {
    weir_events_per_second: options.eventsPerSecond,
    weir_trace: options.trace ? 1 : 0,
    weir_coarse_clock: coarseClock ? 1 : 0,
    weir_redirect_peer: 1,
    weir_nat_first_port: options.natPorts.first,
    weir_nat_last_port: options.natPorts.last,
    weir_direct_return: directReturn[options.lbMode],
    weir_ipip: options.dsrDispatch === 'ipip' ? 1 : 0,
    // As long as a pair isn't renewed for anyway.
    weir_quick_ticks: probe.ticksPerSecond(),
    weir_nat4_sets: maxEntries.weir_nat4 ?? layout.maps.weir_nat4.maxEntries,
    weir_nat6_sets: maxEntries.weir_nat6 ?? layout.maps.weir_nat6.maxEntries,
    weir_quick4_each: each('weir_quick4'),
    weir_quick6_each: each('weir_quick6'),
    weir_tunnel_port: options.tunnels?.udpPort ?? 0,
    weir_tunnel_source: major > 5 || minor >= 19 ? 1 : 0,
    weir_geneve: options.tunnels?.kind === 'geneve' ? 1 : 0,
    weir_xdp_unfinished: options.unfinishedFrames ? 1 : 0,
    weir_set_retval: setRetval ? 1 : 0,
  }
  const maps = new Map<string, string>(taken.map(({ name, path }) => [name, path]))
  const key = programsKey(source, { variables, without, maxEntries })
  try {
    const kept = taken.every(({ reused }) => reused) ? keptObject(pins.programs, key, maps) : undefined
    const object =
      kept ??
      loadObject(source, {
        maxEntries,
        pins: Object.fromEntries(maps),
        // So that nobody outside can tell which port a flow gets.
        variables: { ...variables, weir_nat_seed: randomInt(2 ** 32) },
        without,
      })
    if (kept === undefined) keepPrograms(pins.programs, key, object)
    seedPairs(object)
    const found = { coarseClock, sweepProgram, sockets, setRetval }
    return { object, ...found, notes: taken.flatMap(pin => migrate(pins, pin, object)) }
  } catch (cause) {
    throw cause instanceof EbpfError ? unsupported(cause) : cause
  }
}

function unsupported(cause: EbpfError): Error {
  const { program = '', log = '', message } = cause
  const payload = { feature: program || cause.call, kernel: kernelText(), detail: log.slice(-4000) || message }
  return new WeirError('WEIR_KERNEL_UNSUPPORTED', `the kernel refused the programs: ${message}`, payload, { cause })
}

interface MapPin {
  readonly name: MapName
  readonly path: string
  /** A pin of an earlier run whose geometry is another, kept until its entries have gone over. */
  readonly old?: { readonly path: string; readonly difference: string }
  readonly reused: boolean
}

/** A map keeps its pin; one whose geometry this build wants otherwise gets the next version's. */
function choosePins(pins: PinDirectory, maxEntries: LoadOptions['maxEntries']): readonly MapPin[] {
  return (Object.keys(layout.maps) as MapName[]).map(name => {
    const last = pins.mapPins(name).at(-1)
    if (last === undefined) return { name, path: pins.mapPin(name, 1), reused: false }
    const map = openPinnedMap(last.path)
    const difference = differenceOf(map, name, maxEntries[name])
    map.close()
    if (difference === undefined) return { name, path: last.path, reused: true }
    return { name, path: pins.mapPin(name, last.version + 1), old: { path: last.path, difference }, reused: false }
  })
}

function differenceOf({ info }: BpfMap, name: MapName, maxEntries: number | undefined): string | undefined {
  const wanted = { ...layout.maps[name], maxEntries: maxEntries ?? layout.maps[name].maxEntries }
  for (const field of ['type', 'keySize', 'valueSize', 'maxEntries'] as const) {
    if (info[field] !== wanted[field]) return `${field} ${info[field]} became ${wanted[field]}`
  }
  return undefined
}

/** Tables are written anew from the log; these hold what only the kernel knows. */
const carriedOver: readonly MapName[] = ['weir_ct4', 'weir_ct6', 'weir_endpoints']

function migrate(pins: PinDirectory, pin: MapPin, object: BpfObject): readonly string[] {
  if (pin.reused) return [`${pin.name}: taken over`]
  if (pin.old === undefined) return []
  const source = openPinnedMap(pin.old.path)
  const target = object.maps.get(pin.name)!
  const same =
    source.info.keySize === target.info.keySize &&
    source.info.valueSize === target.info.valueSize &&
    source.info.type === target.info.type
  const carried =
    pin.name === 'weir_nat4' || pin.name === 'weir_nat6' ? carryPairs(pin.name, source, object) : undefined
  const copy = carried !== undefined || (same && carriedOver.includes(pin.name))
  let copied = carried ?? 0
  if (copy && carried === undefined) {
    const { keys, values, count } = source.lookupBatch()
    copied = Math.min(count, target.info.maxEntries)
    target.updateBatch(
      keys.subarray(0, copied * target.info.keySize),
      values.subarray(0, copied * target.info.valueBytes),
      copied,
    )
  }
  source.close()
  for (const { path } of pins.mapPins(pin.name)) if (path !== pin.path) pins.remove(path)
  const fate = copy ? `${copied} entries carried over` : 'made anew'
  return [`${pin.name}: ${pin.old.difference}, ${fate}`]
}
