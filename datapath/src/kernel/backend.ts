import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { WeirError } from '@weir/core/errors.js'
import { type BpfProgram, openRingBatches, probe } from 'ebpf-napi'
import { Observable, share } from 'rxjs'
import type {
  Attachment,
  AttachOptions,
  Backend,
  Counters,
  EventBatch,
  Features,
  DsrDispatch,
  LbMode,
  PacketContext,
  PacketResult,
  ProgramName,
  SlotMemory,
  Sweep,
  SweepCount,
  XdpChoice,
  XdpState,
} from '../backend.js'
import { kernelObject } from '../files.js'
import { codecs, isTableMap, type MapName } from '../codec/maps.js'
import { sweepPairs } from '../pairs/sweep.js'
import { readCounters } from '../counters.js'
import { slotsPerLine } from '../services/slot-lines.js'
import { layout } from '../layout.generated.js'
import { type Attacher, clsactAttacher, type HookPrograms, tcxAttacher } from './attach.js'
import { type Loaded, load, requirePrivilege, type Tunnels } from './load.js'
import { KernelMap } from './map.js'
import { natPorts, type PortRange } from './nat-ports.js'
import { PinDirectory } from './pins.js'
import { removePins } from './traces.js'
import { slotMemory } from './slots.js'
import { SocketAttacher } from './sockets.js'
import { XdpAttacher } from './xdp.js'

/** The programs wake nobody for an event until many wait, so that a new flow doesn't pay for a thread's wake-up. */
const eventPollMs = 10

export interface KernelBackendOptions {
  /** Names the directory of the pins: nodes on one kernel (tests, the demo) stay apart. */
  readonly node: string
  /** Path or bytes of the object; bpf/out/weir.o of this repository when absent. */
  readonly object?: string | Uint8Array
  /** A BPF file system, mounted there when there is none; /sys/fs/bpf when absent. */
  readonly bpffs?: string
  /** `auto`: TCX where the kernel has it. */
  readonly attach?: 'auto' | 'tcx' | 'clsact'
  /** `auto` when absent. */
  readonly xdp?: XdpChoice
  /** For flows whose own port is taken; those that neither the kernel nor a node port takes when absent. */
  readonly natPorts?: PortRange
  /** `snat` when absent. */
  readonly lbMode?: LbMode
  /** `opt` when absent. */
  readonly dsrDispatch?: DsrDispatch
  /** Between nodes; there are none when absent. */
  readonly tunnels?: Tunnels
  readonly maxEntries?: Readonly<Partial<Record<MapName, number>>>
  /** Events a second and CPU; 1000 when absent. */
  readonly eventsPerSecond?: number
  /** An event for each packet that passes. */
  readonly trace?: boolean
}

/** The programs of this build. */
export const defaultObject = fileURLToPath(kernelObject)

/** A kernel backend, and what only it can do. */
export interface KernelBackendHandle extends Backend {
  readonly kind: 'kernel'
  /** Detaches all programs and takes all pins away: nothing is enforced any more. */
  uninstall(options?: AttachOptions): void
}

/**
 * The programs in the kernel, with maps and links pinned under BPFFS/weir/NODE/. What an earlier run pinned is taken
 * over: packets flow on, under its programs until attach() brings this build's.
 * @throws WeirError WEIR_CAPABILITY_MISSING, WEIR_BPFFS_MISSING, WEIR_KERNEL_UNSUPPORTED, WEIR_PROGRAM_MISSING
 */
export function createKernelBackend(options: KernelBackendOptions): KernelBackendHandle {
  requirePrivilege()
  const object = options.object ?? defaultObject
  if (typeof object === 'string' && !existsSync(object)) {
    const payload = { path: object, build: 'node bpf/build.mjs bpf' }
    throw new WeirError('WEIR_PROGRAM_MISSING', `${object} isn't there`, payload)
  }
  const pins = PinDirectory.make(options.bpffs ?? '/sys/fs/bpf', options.node)
  try {
    const loaded = load(object, pins, {
      maxEntries: options.maxEntries ?? {},
      eventsPerSecond: options.eventsPerSecond ?? 1000,
      trace: options.trace ?? false,
      natPorts: options.natPorts ?? natPorts(),
      lbMode: options.lbMode ?? 'snat',
      dsrDispatch: options.dsrDispatch ?? 'opt',
      tunnels: options.tunnels,
      // Only where somebody asks for it is XDP at devices whose other end hands over such.
      unfinishedFrames: options.xdp === 'native' || options.xdp === 'generic',
    })
    return new KernelBackend(pins, loaded, options.attach ?? 'auto', options.xdp ?? 'auto')
  } catch (error) {
    pins.removeIfBare()
    throw error
  }
}

class KernelBackend implements KernelBackendHandle {
  readonly kind = 'kernel'
  readonly maps: Backend['maps']
  readonly slots: SlotMemory
  readonly events: Observable<EventBatch>
  readonly features: Features
  readonly #pins: PinDirectory
  readonly #loaded: Loaded
  readonly #attacher: Attacher
  readonly #sockets: SocketAttacher
  readonly #xdp: XdpAttacher

  constructor(pins: PinDirectory, loaded: Loaded, attach: 'auto' | 'tcx' | 'clsact', xdp: XdpChoice) {
    this.#pins = pins
    this.#loaded = loaded
    const tcx = attach === 'auto' ? probe.tcx() : attach === 'tcx'
    const hooks = (ingress: ProgramName, egress: ProgramName): HookPrograms => ({
      ingress: this.#program(ingress),
      egress: this.#program(egress),
    })
    const programs = {
      endpoint: hooks('weir_from_endpoint', 'weir_to_endpoint'),
      device: hooks('weir_from_device', 'weir_to_device'),
      overlay: hooks('weir_from_overlay', 'weir_to_overlay'),
    }
    this.#xdp = new XdpAttacher(pins, loaded.object.programs.get('weir_xdp'), xdp)
    this.#attacher = tcx ? tcxAttacher(pins, programs) : clsactAttacher(pins, programs)
    const names = (Object.keys(layout.maps) as MapName[]).filter(isTableMap)
    this.#sockets = new SocketAttacher(pins, name => loaded.object.programs.get(name)!)
    this.maps = Object.fromEntries(
      names.map(name => [name, new KernelMap(name, loaded.object.maps.get(name)!)]),
    ) as unknown as Backend['maps']
    const slots = loaded.object.maps.get('weir_slots')!
    this.slots = slotMemory(slots.memory(), slots.info.maxEntries * slotsPerLine)
    this.events = new Observable<EventBatch>(subscriber => {
      const ring = openRingBatches(
        loaded.object.maps.get('weir_events')!,
        (data, ends, lost) => subscriber.next({ data, count: ends.length, lost }),
        { pollMs: eventPollMs },
      )
      return () => ring.close()
    }).pipe(share())
    this.features = {
      backend: 'kernel',
      platform: `Linux ${probe.kernelVersion().join('.')}`,
      attach: tcx ? 'tcx' : 'clsact',
      coarseClock: loaded.coarseClock,
      redirectPeer: true,
      sweep: loaded.sweepProgram ? 'program' : 'entries',
      sockets: loaded.sockets ? 'cgroup' : 'unsupported',
      refusal: loaded.setRetval ? 'ECONNREFUSED' : 'EPERM',
      maps: loaded.notes,
    }
  }

  /** A test run: redirects are reported by the action alone, and the interface has to exist. */
  runProgram(program: ProgramName, packet: Uint8Array, context: PacketContext): PacketResult {
    if (program === 'weir_xdp') return this.#runFrame(packet, context)
    const skb = new Uint32Array(skbWords)
    skb[skbMark] = context.mark ?? 0
    skb[skbIngressIfindex] = context.ingressIfindex ?? 0
    skb[skbIfindex] = context.ifindex
    const run = this.#program(program).testRun({ data: packet, context: new Uint8Array(skb.buffer) })
    const mark = new Uint32Array((run.context ?? new Uint8Array(skb.buffer)).slice().buffer)[skbMark]!
    return { action: run.retval | 0, packet: run.data, mark }
  }

  attach(attachment: Attachment, options: AttachOptions = {}): void {
    this.#attacher.attach(attachment, options)
    if (attachment.role === 'device') this.#xdp.attach(attachment, options)
  }

  detach(attachment: Attachment, options: AttachOptions = {}): void {
    if (attachment.role === 'device') this.#xdp.detach(attachment)
    this.#attacher.detach(attachment, options)
  }

  attachments(options: AttachOptions = {}): readonly Attachment[] {
    return this.#attacher.attachments(options)
  }

  xdpAt(attachment: Attachment): XdpState {
    return this.#xdp.stateOf(attachment)
  }

  takesFrames(attachment: Attachment, options: AttachOptions = {}): boolean {
    return this.#xdp.takesFrames(attachment, options)
  }

  attachSockets(cgroup: string): void {
    if (this.#loaded.sockets) this.#sockets.attach(cgroup)
  }

  detachSockets(): void {
    this.#sockets.detach()
  }

  socketsAttached(): number {
    return this.#sockets.attached()
  }

  sweep(): Sweep {
    if (this.#loaded.sweepProgram) {
      const run = this.#loaded.object.programs
        .get('weir_sweep')!
        .testRun({ context: new Uint8Array(codecs.sweep.size) })
      return { ...codecs.sweep.read(run.context!), ...this.#sweepPairs() }
    }
    return {
      ct4: sweepMap(this.maps.weir_ct4),
      ct6: sweepMap(this.maps.weir_ct6),
      frag4: sweepMap(this.maps.weir_frag4),
      frag6: sweepMap(this.maps.weir_frag6),
      ...this.#sweepPairs(),
    }
  }

  #sweepPairs(): Pick<Sweep, 'nat4' | 'nat6'> {
    const program = this.#loaded.object.programs.get('weir_sweep_pairs')!
    return sweepPairs(this.maps, data => program.testRun({ data }).data)
  }

  counters(): Counters {
    return readCounters(this.maps.weir_counters.entries(), this.maps.weir_tallies.entries())
  }

  close(): void {
    this.#loaded.object.close()
  }

  uninstall(options: AttachOptions = {}): void {
    removePins(this.#pins, options)
  }

  #runFrame(packet: Uint8Array, { ifindex }: PacketContext): PacketResult {
    const frame = new Uint32Array(xdpWords)
    frame[xdpDataEnd] = packet.length
    frame[xdpIfindex] = ifindex
    const { retval, data } = this.#program('weir_xdp').testRun({ data: packet, context: new Uint8Array(frame.buffer) })
    return { action: retval, packet: data, mark: 0 }
  }

  #program(name: ProgramName): BpfProgram {
    return this.#loaded.object.programs.get(name)!
  }
}

/** Words of `struct __sk_buff`. */
const skbWords = 48
const skbMark = 2
const skbIngressIfindex = 9
const skbIfindex = 10

/** Words of `struct xdp_md`. */
const xdpWords = 6
const xdpDataEnd = 1
const xdpIfindex = 3

/** Every value of a swept map begins with its expiry, in nanoseconds of the monotonic clock. */
function sweepMap(map: Backend['maps']['weir_ct4']): SweepCount {
  const now = process.hrtime.bigint()
  let [seen, removed] = [0, 0]
  for (const [key, value] of map.entries()) {
    seen += 1
    const expires = codecs.tally.read(value)
    if (now >= expires && map.delete(key)) removed += 1
  }
  return { seen, removed }
}
