import { expect } from 'chai'
import { type BpfObject, loadObject, openHandles, openRingBatches, openRingBuffer } from 'ebpf-napi'
import { readU32, u32s } from './bytes.js'
import { failureOf } from './failure.js'
import { needsBpf } from './needs.js'
import { compiled } from './programs.js'

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 3000
  while (!condition()) {
    if (Date.now() > deadline) {
      throw new Error('waited 3 s in vain')
    }
    await new Promise(resolve => setTimeout(resolve, 2))
  }
}

describe('ebpf-napi: ring buffers', () => {
  let object: BpfObject

  before(function () {
    needsBpf(this)
    object = loadObject(compiled('basics'))
  })

  after(() => {
    object?.close()
  })

  function emit(records: number, first: number): number {
    const args = u32s(0, 4)
    args.set(u32s(records, 1))
    args.set(u32s(first, 1), 4)
    const run = object.programs.get('emit')?.testRun({ context: args })
    return readU32(run?.context ?? new Uint8Array(), 2)
  }

  function events() {
    const map = object.maps.get('events')
    if (map === undefined) {
      throw new Error('no map events')
    }
    return map
  }

  it('hand over every record, in order, whole', async () => {
    const numbers: number[] = []
    const ring = openRingBuffer(events(), records => {
      expect(records.every(record => record.length === 64)).to.equal(true)
      numbers.push(...records.map(record => readU32(record)))
    })
    try {
      for (let round = 0; round < 20; round++) {
        emit(1000, round * 1000)
        await until(() => ring.received === (round + 1) * 1000)
      }
      expect(numbers).to.deep.equal(Array.from({ length: 20_000 }, (_, index) => index))
      expect(ring.lost).to.equal(0)
    } finally {
      ring.close()
    }
  })

  it('hand over batches in memory that they share, and records each in its own', async () => {
    const memories = new Set<ArrayBufferLike>()
    const numbers: number[] = []
    const kept: Uint8Array[] = []
    const batches = openRingBatches(events(), (data, ends) => {
      memories.add(data.buffer)
      let start = 0
      for (const end of ends) {
        numbers.push(readU32(data.subarray(start, end)))
        start = end
      }
    })
    try {
      for (let round = 0; round < 20; round++) {
        emit(10, round * 10)
        await until(() => batches.received === (round + 1) * 10)
      }
    } finally {
      batches.close()
    }
    expect(numbers).to.deep.equal(Array.from({ length: 200 }, (_, index) => index))
    expect(memories.size).to.equal(1)
    const records = openRingBuffer(events(), some => void kept.push(...some))
    try {
      for (let round = 0; round < 20; round++) {
        emit(10, round * 10)
        await until(() => records.received === (round + 1) * 10)
      }
    } finally {
      records.close()
    }
    expect(kept.map(record => readU32(record))).to.deep.equal(numbers)
  })

  it('count what found no room in the queue while JavaScript was busy, and go on', async () => {
    let lost = 0
    const numbers: number[] = []
    const ring = openRingBuffer(
      events(),
      (records, lostNow) => {
        numbers.push(...records.map(record => readU32(record)))
        lost += lostNow
      },
      { queueBytes: 100 * 64 },
    )
    try {
      emit(5000, 0)
      // The thread drains the kernel's buffer while this one blocks.
      const busyUntil = Date.now() + 100
      while (Date.now() < busyUntil) {
        // Nothing reaches the callback meanwhile.
      }
      expect(numbers).to.have.lengthOf(0)
      await until(() => numbers.length + lost === 5000)
      expect(numbers).to.deep.equal(Array.from({ length: 100 }, (_, index) => index))
      expect(ring.lost).to.equal(4900)
      emit(1, 9999)
      await until(() => numbers.at(-1) === 9999)
    } finally {
      ring.close()
    }
  })

  it('do not hold up the event loop', async () => {
    let ticks = 0
    const ring = openRingBuffer(events(), () => undefined)
    const timer = setInterval(() => {
      ticks++
    }, 5)
    await new Promise(resolve => setTimeout(resolve, 100))
    clearInterval(timer)
    ring.close()
    expect(ticks).to.be.greaterThan(8)
  })

  it('are silent after close, which may come twice and from the callback', async () => {
    let batches = 0
    const ring = openRingBuffer(events(), () => {
      batches++
      ring.close()
      emit(10, 0)
    })
    expect(openHandles().filter(handle => handle.kind === 'ring buffer')).to.have.lengthOf(1)
    emit(1, 0)
    await until(() => batches === 1)
    await new Promise(resolve => setTimeout(resolve, 20))
    expect(batches).to.equal(1)
    ring.close()
    expect(openHandles().filter(handle => handle.kind === 'ring buffer')).to.have.lengthOf(0)
    expect(failureOf(() => ring.ref()).code).to.equal('ERR_EBPF_CLOSED')
  })

  it('work on when the map handle is closed', async () => {
    const map = events().dup()
    const ring = openRingBuffer(map, () => undefined)
    map.close()
    const before = ring.received
    emit(3, 0)
    await until(() => ring.received >= before + 3)
    ring.close()
  })

  it('need a ring buffer map and room for a queue', () => {
    const runs = object.maps.get('runs') ?? events()
    expect(failureOf(() => openRingBuffer(runs, () => undefined))).to.deep.include({
      code: 'EINVAL',
      call: 'ring_buffer__new',
    })
    expect(failureOf(() => openRingBuffer(events(), () => undefined, { queueBytes: 0 })).code).to.equal(
      'ERR_EBPF_ARGUMENT',
    )
    expect(failureOf(() => openRingBuffer(events(), () => undefined, { pollMs: 0 })).code).to.equal('ERR_EBPF_ARGUMENT')
  })
})
