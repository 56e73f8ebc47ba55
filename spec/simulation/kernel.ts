import { WeirError } from '@weir/core'
import {
  type Attachment,
  type Backend,
  type BackendMap,
  createMemoryBackend,
  type EventBatch,
  type MemoryBackendHandle,
  type Role,
} from '@weir/datapath'
import { Subject } from 'rxjs'
import type { Sizes } from './room.js'
import { failure, Faults, type KernelCode } from './faults.js'
import type { Life } from './life.js'

/** Small, so that a restart reads little; large enough for what the simulated clusters need. */
const ample = {
  ...{ weir_addr4: 256, weir_addr6: 256, weir_pfx4: 256, weir_pfx6: 256, weir_endpoints: 512, weir_devices: 64 },
  ...{ weir_cells: 4096, weir_rows: 512, weir_ct4: 65_536, weir_ct6: 65_536, weir_frag4: 64, weir_frag6: 64 },
  ...{
    weir_nat4: 64,
    weir_nat6: 64,
    weir_frontends4: 256,
    weir_frontends6: 256,
    weir_ranges4: 64,
    weir_ranges6: 64,
  },
  ...{ weir_slots: 2048, weir_backends4: 128, weir_backends6: 128, weir_affinities: 1024, weir_datagrams: 64 },
  ...{ weir_quick4: 64, weir_quick6: 64, weir_quick_tags4: 8, weir_quick_tags6: 8 },
  ...{ weir_unmasked4: 64, weir_unmasked6: 64, weir_egress4: 64, weir_egress6: 64, weir_connections: 256 },
} as const

/**
 * The machine's kernel: the packet programs, as WebAssembly, with their maps. It outlives every process, as what is pinned
 * does, and ends with the power.
 */
export class Kernel {
  readonly faults = new Faults<KernelCode>()
  readonly #nowMs: () => number
  readonly #onWrite: (what: string) => void
  readonly #onPrograms: (attachment: Attachment, isAttached: boolean) => void
  readonly #sizes: Sizes
  readonly #hasDevice: (ifindex: number) => boolean
  #backend: MemoryBackendHandle
  #writes = 0

  /**
   * @param sizes Of maps that have little room.
   * @param hasDevice Whether the node has a device of its own with this number.
   * @param onWrite Told after every single entry that a process wrote or deleted.
   * @param onPrograms Told after a process brought programs to a device, or took them away.
   */
  constructor(
    sizes: Sizes,
    nowMs: () => number,
    hasDevice: (ifindex: number) => boolean,
    onWrite: (what: string) => void,
    onPrograms: (attachment: Attachment, isAttached: boolean) => void,
  ) {
    this.#onPrograms = onPrograms
    this.#hasDevice = hasDevice
    this.#nowMs = nowMs
    this.#onWrite = onWrite
    this.#sizes = { ...ample, ...sizes }
    this.#backend = this.#boot()
  }

  /** As it is, for whoever looks or meddles. */
  get backend(): MemoryBackendHandle {
    return this.#backend
  }

  /** Entries that processes wrote or deleted. */
  get writes(): number {
    return this.#writes
  }

  isAttached(ifindex: number, role: Role): boolean {
    return this.#backend.attachments().some(each => each.ifindex === ifindex && each.role === role)
  }

  /** Programs go with their device. */
  loseDevice(ifindex: number): void {
    for (const attachment of this.#backend.attachments())
      if (attachment.ifindex === ifindex) this.#backend.detach(attachment)
  }

  losePower(): void {
    this.#backend = this.#boot()
  }

  /** As a process has it. */
  open(life: Life): Backend {
    const backend = this.#backend
    const write = (what: string, work: () => void): void => {
      life.operation()
      this.#fail(what)
      work()
      this.#writes += 1
      this.#onWrite(what)
      life.operation()
    }
    const maps = Object.entries(backend.maps).map(([name, map]) => [name, watched(map, write)])
    const events = new Subject<EventBatch>()
    return {
      kind: backend.kind,
      maps: Object.fromEntries(maps) as Backend['maps'],
      slots: {
        size: backend.slots.size,
        read: (first, count) => backend.slots.read(first, count),
        write: (first, numbers) => write('weir_slots', () => backend.slots.write(first, numbers)),
      },
      events,
      features: backend.features,
      runProgram: (program, packet, context) => backend.runProgram(program, packet, context),
      attach: (attachment: Attachment) => {
        life.operation()
        this.#fail(`attach ${attachment.ifname}`)
        if ((attachment.role ?? 'endpoint') !== 'endpoint' && !this.#hasDevice(attachment.ifindex))
          throw failure('ENODEV', `attach ${attachment.ifname}`)
        backend.attach(attachment)
        this.#onPrograms(attachment, true)
      },
      detach: (attachment: Attachment) => {
        life.operation()
        backend.detach(attachment)
        this.#onPrograms(attachment, false)
      },
      attachments: () => backend.attachments(),
      xdpAt: attachment => backend.xdpAt(attachment),
      takesFrames: attachment => backend.takesFrames(attachment),
      attachSockets: cgroup => backend.attachSockets(cgroup),
      detachSockets: () => backend.detachSockets(),
      socketsAttached: () => backend.socketsAttached(),
      sweep: () => {
        life.operation()
        return backend.sweep()
      },
      counters: () => backend.counters(),
      close: () => events.complete(),
    }
  }

  #boot(): MemoryBackendHandle {
    return createMemoryBackend({ maxEntries: this.#sizes, now: () => BigInt(this.#nowMs()) * 1_000_000n })
  }

  #fail(what: string): void {
    const code = this.faults.next()
    if (code === undefined) return
    if (code !== 'E2BIG') throw failure(code, what)
    throw new WeirError('WEIR_MAP_FULL', `${what} has no room`, { map: what, size: 1, needed: 2 })
  }
}

/** A map whose entries are written one by one, whatever is asked for. */
function watched(map: BackendMap, write: (what: string, work: () => void) => void): BackendMap {
  const { name, keySize, valueSize, maxEntries } = map
  const update = (key: Uint8Array, value: Uint8Array): void => write(name, () => map.update(key, value))
  const remove = (key: Uint8Array): boolean => {
    let was = false
    write(name, () => {
      was = map.delete(key)
    })
    return was
  }
  return {
    ...{ name, keySize, valueSize, maxEntries, update },
    delete: remove,
    lookup: key => map.lookup(key),
    entries: () => map.entries(),
    parts: count => map.parts(count),
    lengths: count => map.lengths(count),
    updateBatch(keys, values, count) {
      for (let at = 0; at < count; at += 1)
        update(keys.subarray(at * keySize, (at + 1) * keySize), values.subarray(at * valueSize, (at + 1) * valueSize))
    },
    deleteBatch(keys, count) {
      for (let at = 0; at < count; at += 1) remove(keys.subarray(at * keySize, (at + 1) * keySize))
    },
  }
}
