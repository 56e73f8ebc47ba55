import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { WeirError } from '@weir/core/errors.js'
import { Subject } from 'rxjs'
import type {
  Attachment,
  Backend,
  Counters,
  EventBatch,
  Features,
  PacketContext,
  PacketResult,
  ProgramName,
  Sweep,
} from '../backend.js'
import { codecs, type MapName } from '../codec/maps.js'
import { readCounters } from '../counters.js'
import { layout } from '../layout.generated.js'
import { MemoryMap } from './map.js'
import { configure, instantiate, textAt, viewAt, type WeirModule } from './module.js'

export interface MemoryBackendOptions {
  /** The module; bpf/out/weir.wasm of this repository when absent. */
  readonly wasm?: Uint8Array
  /** Nanoseconds that the programs read as the time; a clock that stands still at 0 when absent. */
  readonly now?: () => bigint
  readonly maxEntries?: Readonly<Partial<Record<MapName, number>>>
  /** Events a second; no limit when absent. */
  readonly eventsPerSecond?: number
  /** An event for each packet that passes. */
  readonly trace?: boolean
}

const programs: Readonly<Record<ProgramName, number>> = {
  weir_from_endpoint: 0,
  weir_to_endpoint: 1,
  weir_from_device: 3,
  weir_to_device: 4,
}
const sweepProgram = 2

/** Words of `struct weir_run` in bpf/memory/abi.c. */
const word = {
  length: 0,
  linear: 1,
  ifindex: 2,
  mark: 3,
  vlan: 4,
  result: 5,
  redirect: 6,
  redirectIfindex: 7,
  ingressIfindex: 9,
} as const
const contextSize = 11 * 4

const defaultWasm = new URL('../../../bpf/out/weir.wasm', import.meta.url)

function readWasm(): Uint8Array {
  try {
    return readFileSync(defaultWasm)
  } catch (cause) {
    const path = fileURLToPath(defaultWasm)
    const payload = { path, build: 'node bpf/build.mjs wasm' }
    throw new WeirError('WEIR_PROGRAM_MISSING', `${path} isn't there`, payload, { cause })
  }
}

/**
 * The packet programs as WebAssembly, with maps in memory: the same C as the kernel runs. Needs no privilege.
 * @throws WeirError WEIR_PROGRAM_MISSING
 */
export function createMemoryBackend(options: MemoryBackendOptions = {}): Backend {
  return new MemoryBackend(options)
}

const placeOf = ({ ifindex, role = 'endpoint' }: Attachment): string => `${role} ${ifindex}`

class MemoryBackend implements Backend {
  readonly kind = 'memory'
  readonly maps: Backend['maps']
  readonly events = new Subject<EventBatch>()
  readonly features: Features = {
    backend: 'memory',
    platform: 'WebAssembly',
    attach: 'memory',
    coarseClock: true,
    redirectPeer: true,
    sweep: 'program',
    maps: [],
  }
  readonly #module: WeirModule
  readonly #now: () => bigint
  readonly #ring: number
  readonly #attached = new Map<string, Attachment>()

  constructor(options: MemoryBackendOptions) {
    this.#module = instantiate(options.wasm ?? readWasm())
    this.#now = options.now ?? (() => 0n)
    configure(this.#module, 'weir_events_per_second', options.eventsPerSecond ?? 0xffffffff)
    configure(this.#module, 'weir_trace', options.trace === true ? 1 : 0)
    const maps = new Map<string, MemoryMap>()
    let ring = -1
    for (let map = 0; map < this.#module.weir_map_count(); map += 1) {
      const name = textAt(this.#module, this.#module.weir_map_name(map)) as MapName
      const most = options.maxEntries?.[name]
      if (most !== undefined) this.#module.weir_map_resize(map, most)
      if (name === 'weir_events') ring = map
      else maps.set(name, new MemoryMap(this.#module, map, name))
    }
    for (const name of Object.keys(layout.maps)) {
      if (name !== 'weir_events' && !maps.has(name)) throw new RangeError(`the module has no map ${name}`)
    }
    this.#ring = ring
    this.maps = Object.fromEntries(maps) as unknown as Backend['maps']
  }

  runProgram(program: ProgramName, packet: Uint8Array, context: PacketContext): PacketResult {
    const module = this.#module
    if (packet.length > module.weir_packet_most()) throw new RangeError(`packet of ${packet.length} bytes`)
    module.weir_set_clock(this.#now())
    viewAt(module, module.weir_packet(), packet.length).set(packet)
    const at = module.weir_context()
    viewAt(module, at, contextSize).fill(0)
    const input = new Uint32Array(module.memory.buffer, at, contextSize / 4)
    input[word.length] = packet.length
    input[word.ifindex] = context.ifindex
    input[word.mark] = context.mark ?? 0
    input[word.ingressIfindex] = context.ingressIfindex ?? 0
    const status = module.weir_run(programs[program])
    if (status !== 0) throw new RangeError(`weir_run: errno ${-status}`)
    const after = new Uint32Array(module.memory.buffer, at, contextSize / 4)
    const result: PacketResult = {
      action: after[word.result]! | 0,
      packet: viewAt(module, module.weir_packet(), after[word.length]!).slice(),
      mark: after[word.mark]!,
      ...(after[word.redirect] !== 0 && {
        redirect: { ifindex: after[word.redirectIfindex]!, toPeer: after[word.redirect] === 2 },
      }),
    }
    this.#drain()
    return result
  }

  attach(attachment: Attachment): void {
    this.#attached.set(placeOf(attachment), attachment)
  }

  detach(attachment: Attachment): void {
    this.#attached.delete(placeOf(attachment))
  }

  attachments(): readonly Attachment[] {
    return [...this.#attached.values()]
  }

  sweep(): Sweep {
    this.#module.weir_set_clock(this.#now())
    this.#module.weir_run(sweepProgram)
    return codecs.sweep.read(viewAt(this.#module, this.#module.weir_sweep_result(), codecs.sweep.size))
  }

  counters(): Counters {
    return readCounters(this.maps.weir_counters.entries(), this.maps.weir_tallies.entries())
  }

  close(): void {
    this.events.complete()
  }

  #drain(): void {
    const records: Uint8Array[] = []
    for (let at = this.#module.weir_ring_next(this.#ring); at !== 0; at = this.#module.weir_ring_next(this.#ring)) {
      records.push(viewAt(this.#module, at, this.#module.weir_ring_length()).slice())
    }
    if (records.length > 0) this.events.next({ records, lost: 0 })
  }
}
