import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { WeirError } from '@weir/core/errors.js'
import { Subject } from 'rxjs'
import { socketHooks } from '../backend.js'
import type {
  Attachment,
  Backend,
  Counters,
  EventBatch,
  Features,
  PacketContext,
  PacketResult,
  ProgramName,
  SlotMemory,
  SocketProgramName,
  Sweep,
  XdpState,
} from '../backend.js'
import { memoryModule } from '../files.js'
import { codecs, isTableMap, type MapName } from '../codec/maps.js'
import { readCounters } from '../counters.js'
import { layout } from '../layout.generated.js'
import { sweepPairs } from '../pairs/sweep.js'
import { type Call, type CallResult, runCall } from './call.js'
import { MemoryMap } from './map.js'
import { memorySlots } from './slots.js'
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
  weir_xdp: 15,
  weir_from_overlay: 16,
  weir_to_overlay: 17,
}
const sweepProgram = 2
const sweepPairsProgram = 18

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
const contextSize = 25 * 4

function readWasm(): Uint8Array {
  try {
    return readFileSync(memoryModule)
  } catch (cause) {
    const path = fileURLToPath(memoryModule)
    const payload = { path, build: 'node bpf/build.mjs wasm' }
    throw new WeirError('WEIR_PROGRAM_MISSING', `${path} isn't there`, payload, { cause })
  }
}

/** A memory backend, and what only it can do. */
export interface MemoryBackendHandle extends Backend {
  readonly kind: 'memory'
  /** A call of a process, as if it came to the program; whether the programs are attached or not. */
  runSocket(program: SocketProgramName, call: Call): CallResult
}

/**
 * The packet programs as WebAssembly, with maps in memory: the same C as the kernel runs. Needs no privilege.
 * @throws WeirError WEIR_PROGRAM_MISSING
 */
export function createMemoryBackend(options: MemoryBackendOptions = {}): MemoryBackendHandle {
  return new MemoryBackend(options)
}

const placeOf = ({ ifindex, role = 'endpoint' }: Attachment): string => `${role} ${ifindex}`

class MemoryBackend implements MemoryBackendHandle {
  readonly kind = 'memory'
  readonly maps: Backend['maps']
  readonly slots: SlotMemory
  readonly events = new Subject<EventBatch>()
  readonly features: Features = {
    backend: 'memory',
    platform: 'WebAssembly',
    attach: 'memory',
    coarseClock: true,
    redirectPeer: true,
    sweep: 'program',
    sockets: 'memory',
    refusal: 'ECONNREFUSED',
    maps: [],
  }
  readonly #module: WeirModule
  readonly #now: () => bigint
  readonly #ring: number
  readonly #attached = new Map<string, Attachment>()
  #sockets = 0

  constructor(options: MemoryBackendOptions) {
    this.#module = instantiate(options.wasm ?? readWasm())
    this.#now = options.now ?? (() => 0n)
    configure(this.#module, 'weir_events_per_second', options.eventsPerSecond ?? 0xffffffff)
    configure(this.#module, 'weir_set_retval', 1)
    configure(this.#module, 'weir_trace', options.trace === true ? 1 : 0)
    const maps = new Map<string, MemoryMap>()
    let ring = -1
    for (let map = 0; map < this.#module.weir_map_count(); map += 1) {
      const name = textAt(this.#module, this.#module.weir_map_name(map)) as MapName
      const most = options.maxEntries?.[name]
      if (most !== undefined) this.#module.weir_map_resize(map, most)
      if (name === 'weir_nat4' || name === 'weir_nat6')
        configure(this.#module, `${name}_sets`, this.#module.weir_map_max_entries(map))
      if (name === 'weir_events') ring = map
      else if (isTableMap(name)) maps.set(name, new MemoryMap(this.#module, map, name))
    }
    for (const name of Object.keys(layout.maps)) {
      if (isTableMap(name as MapName) && !maps.has(name)) throw new RangeError(`the module has no map ${name}`)
    }
    this.#ring = ring
    this.maps = Object.fromEntries(maps) as unknown as Backend['maps']
    this.slots = memorySlots(this.maps.weir_slots)
  }

  runProgram(program: ProgramName, packet: Uint8Array, context: PacketContext): PacketResult {
    return this.#run(programs[program], packet, context)
  }

  #run(program: number, packet: Uint8Array, context: PacketContext): PacketResult {
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
    const status = module.weir_run(program)
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

  xdpAt(): XdpState {
    return { mode: 'none', reason: 'there are no devices in memory' }
  }

  takesFrames(): boolean {
    return false
  }

  runSocket(program: SocketProgramName, call: Call): CallResult {
    this.#module.weir_set_clock(this.#now())
    return runCall(this.#module, program, call)
  }

  attachSockets(): void {
    this.#sockets = Object.keys(socketHooks).length
  }

  detachSockets(): void {
    this.#sockets = 0
  }

  socketsAttached(): number {
    return this.#sockets
  }

  sweep(): Sweep {
    this.#module.weir_set_clock(this.#now())
    this.#module.weir_run(sweepProgram)
    const rest = codecs.sweep.read(viewAt(this.#module, this.#module.weir_sweep_result(), codecs.sweep.size))
    return { ...rest, ...sweepPairs(this.maps, asked => this.#run(sweepPairsProgram, asked, { ifindex: 0 }).packet) }
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
    if (records.length > 0) this.events.next({ data: joined(records), count: records.length, lost: 0 })
  }
}

function joined(records: readonly Uint8Array[]): Uint8Array {
  const data = new Uint8Array(records.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const record of records) {
    data.set(record, at)
    at += record.length
  }
  return data
}
