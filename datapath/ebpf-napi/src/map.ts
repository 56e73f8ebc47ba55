import type { BpfMap, BpfProgram, MapEntries, MapInfo, MapLayout, MapSpec, UpdateFlag } from './api.js'
import { type NativeHandle, native } from './native.js'
import { handleOf, Owned } from './owned.js'

const flagBits: Readonly<Record<UpdateFlag, number>> = { any: 0, noexist: 1, exist: 2 }

class KernelMap extends Owned implements BpfMap {
  readonly info: MapInfo

  constructor(handle: NativeHandle) {
    super(handle)
    this.info = native.mapInfo(handle)
  }

  lookup(key: Uint8Array): Uint8Array | undefined {
    const value = new Uint8Array(this.info.valueBytes)
    return native.lookup(this.handle, key, value) ? value : undefined
  }

  lookupInto(key: Uint8Array, value: Uint8Array): boolean {
    return native.lookup(this.handle, key, value)
  }

  update(key: Uint8Array, value: Uint8Array, flag: UpdateFlag = 'any'): void {
    native.update(this.handle, key, value, flagBits[flag])
  }

  updateMap(key: Uint8Array, inner: BpfMap, flag: UpdateFlag = 'any'): void {
    native.updateFd(this.handle, key, handleOf(inner), flagBits[flag])
  }

  updateProgram(key: Uint8Array, program: BpfProgram, flag: UpdateFlag = 'any'): void {
    native.updateFd(this.handle, key, handleOf(program), flagBits[flag])
  }

  delete(key: Uint8Array): boolean {
    return native.delete(this.handle, key)
  }

  *entries(): IterableIterator<[Uint8Array, Uint8Array]> {
    // Walking with get_next_key would start over whenever the key it stands on is deleted.
    const { keys, count } = this.lookupBatch()
    const { keySize } = this.info
    for (let index = 0; index < count; index++) {
      const key = keys.slice(index * keySize, (index + 1) * keySize)
      const value = this.lookup(key)
      if (value !== undefined) {
        yield [key, value]
      }
    }
  }

  lookupBatch(): MapEntries {
    return native.lookupBatch(this.handle)
  }

  *lookupParts(entries: number): IterableIterator<MapEntries> {
    const cursor = new Uint8Array(Math.max(8, this.info.keySize))
    for (let isFirst = true; ; isFirst = false) {
      const { last, ...part } = native.lookupPart(this.handle, cursor, isFirst, entries)
      if (part.count > 0) yield part
      if (last) return
    }
  }

  updateBatch(keys: Uint8Array, values: Uint8Array, count: number, flag: UpdateFlag = 'any'): number {
    return native.updateBatch(this.handle, keys, values, count, flagBits[flag])
  }

  deleteBatch(keys: Uint8Array, count: number): number {
    return native.deleteBatch(this.handle, keys, count)
  }

  layout(): MapLayout {
    const { name, type, keySize, valueSize, maxEntries, flags } = this.info
    return { name, type, keySize, valueSize, maxEntries, flags, ...native.mapTypes(this.handle) }
  }

  memory(): ArrayBuffer {
    return native.mapMemory(this.handle)
  }

  dup(): BpfMap {
    return new KernelMap(native.dup(this.handle))
  }
}

export function mapOf(handle: NativeHandle): BpfMap {
  return new KernelMap(handle)
}

/** Makes a map. Flags are the kernel's BPF_F_ bits (LPM tries need 1, BPF_F_NO_PREALLOC). */
export function createMap(spec: MapSpec): BpfMap {
  return new KernelMap(
    native.createMap({
      type: spec.type,
      name: spec.name,
      keySize: spec.keySize,
      valueSize: spec.valueSize,
      maxEntries: spec.maxEntries,
      flags: spec.flags ?? 0,
      inner: spec.inner === undefined ? undefined : handleOf(spec.inner),
    }),
  )
}

/** The map pinned at a path; ENOENT when nothing is there, ERR_EBPF_KIND when it is something else. */
export function openPinnedMap(path: string): BpfMap {
  return new KernelMap(native.openPinned('map', path))
}

export function mapById(id: number): BpfMap {
  return new KernelMap(native.byId('map', id))
}

/** One CPU's value after the other, of what lookup() gave for a per-CPU map: views, not copies. */
export function perCpuValues(info: MapInfo, value: Uint8Array): Uint8Array[] {
  const strideBytes = Math.ceil(info.valueSize / 8) * 8
  const values: Uint8Array[] = []
  for (let offset = 0; offset + strideBytes <= value.length; offset += strideBytes) {
    values.push(value.subarray(offset, offset + info.valueSize))
  }
  return values
}
