import type { BpfMap, OnRingBatch, RingBuffer, RingBufferOptions } from './api.js'
import { EbpfError } from './error.js'
import { type NativeRing, native } from './native.js'
import { handleOf } from './owned.js'

const defaultQueueBytes = 4 * 1024 * 1024

class KernelRingBuffer implements RingBuffer {
  #received = 0
  #lost = 0
  #ring: NativeRing | undefined

  constructor(map: BpfMap, onBatch: OnRingBatch, queueBytes: number, pollMs: number) {
    this.#ring = native.openRing(
      handleOf(map),
      (data, ends, lost) => {
        this.#received += ends.length
        this.#lost += lost
        onBatch(data, ends, lost)
      },
      queueBytes,
      pollMs,
    )
  }

  get received(): number {
    return this.#received
  }

  get lost(): number {
    return this.#lost
  }

  ref(): this {
    return this.#reference(true)
  }

  unref(): this {
    return this.#reference(false)
  }

  close(): void {
    const ring = this.#ring
    this.#ring = undefined
    if (ring !== undefined) {
      native.closeRing(ring)
    }
  }

  #reference(referenced: boolean): this {
    if (this.#ring === undefined) {
      throw new EbpfError('ERR_EBPF_CLOSED', referenced ? 'ref' : 'unref', 'the ring buffer is closed')
    }
    native.referenceRing(this.#ring, referenced)
    return this
  }
}

/**
 * Batches of records on the event loop, from a thread that polls; the records of a batch are slices of one buffer of its
 * own. When JavaScript falls behind, at most `queueBytes` wait, further records are counted in `lost`. A throw in the
 * callback is an uncaught exception.
 */
export function openRingBuffer(
  map: BpfMap,
  onRecords: (records: readonly Uint8Array[], lost: number) => void,
  options: RingBufferOptions = {},
): RingBuffer {
  const onBatch: OnRingBatch = (data, ends, lost) => onRecords(recordsOf(data.slice(), ends), lost)
  return open('openRingBuffer', map, onBatch, options)
}

/**
 * As `openRingBuffer`, with the records of a batch in one piece, in memory that the next batch is told in: hundreds of
 * thousands a second make no object each, and nothing to collect.
 */
export function openRingBatches(map: BpfMap, onBatch: OnRingBatch, options: RingBufferOptions = {}): RingBuffer {
  return open('openRingBatches', map, onBatch, options)
}

function recordsOf(data: Uint8Array, ends: Uint32Array): Uint8Array[] {
  const records: Uint8Array[] = new Array(ends.length)
  let start = 0
  for (let index = 0; index < ends.length; index++) {
    const end = ends[index] ?? 0
    records[index] = data.subarray(start, end)
    start = end
  }
  return records
}

function open(call: string, map: BpfMap, onBatch: OnRingBatch, options: RingBufferOptions): RingBuffer {
  const { queueBytes = defaultQueueBytes, pollMs = -1 } = options
  if (!Number.isSafeInteger(queueBytes) || queueBytes <= 0 || queueBytes > 2 ** 31) {
    throw new EbpfError('ERR_EBPF_ARGUMENT', call, `queueBytes must be 1 to 2^31, not ${queueBytes}`)
  }
  if (pollMs !== -1 && (!Number.isSafeInteger(pollMs) || pollMs < 1 || pollMs > 60_000)) {
    throw new EbpfError('ERR_EBPF_ARGUMENT', call, `pollMs must be 1 to 60000, not ${pollMs}`)
  }
  return new KernelRingBuffer(map, onBatch, queueBytes, pollMs)
}
