import { expect } from 'chai'
import { createMap, type MapType } from 'ebpf-napi'
import { readU32, u32, u32s, u64 } from './bytes.js'
import { failureOf } from './failure.js'
import { needsBpf } from './needs.js'

function values(first: number, count: number): Uint8Array {
  return new Uint8Array(BigUint64Array.from({ length: count }, (_, index) => BigInt((first + index) * 3)).buffer)
}

describe('ebpf-napi: batches', () => {
  before(function () {
    needsBpf(this)
  })

  for (const type of ['hash', 'lru_hash', 'percpu_hash'] as MapType[]) {
    it(`writes, reads and deletes contiguous entries of a ${type}`, () => {
      const map = createMap({ type, name: 'weir_batch', keySize: 4, valueSize: 8, maxEntries: 50_000 })
      try {
        const count = 20_000
        const perEntry = map.info.valueBytes / 8
        const wide = new Uint8Array(count * map.info.valueBytes)
        const view = new BigUint64Array(wide.buffer)
        for (let index = 0; index < count; index++) {
          view.fill(BigInt(index * 3), index * perEntry, (index + 1) * perEntry)
        }
        expect(map.updateBatch(u32s(0, count), wide, count)).to.equal(count)
        const all = map.lookupBatch()
        expect(all.count).to.equal(count)
        const keys = new Uint32Array(all.keys.slice().buffer)
        const found = new BigUint64Array(all.values.slice().buffer)
        expect(new Set(keys).size).to.equal(count)
        expect(keys.every((key, index) => found[index * perEntry] === BigInt(key * 3))).to.equal(true)
        const parts = [...map.lookupParts(1000)]
        expect(parts.length, 'parts').to.be.within(2, count / 500)
        const keysOfParts = parts.flatMap(part => [...new Uint32Array(part.keys.slice().buffer)])
        expect(keysOfParts.sort((a, b) => a - b)).to.deep.equal([...keys].sort((a, b) => a - b))
        expect(parts[0]!.values.length).to.equal(parts[0]!.count * map.info.valueBytes)
        expect(map.deleteBatch(u32s(5, count), count)).to.equal(count - 5)
        expect(map.lookupBatch().count).to.equal(5)
      } finally {
        map.close()
      }
    })
  }

  it('reads and writes arrays whole', () => {
    const map = createMap({ type: 'array', name: 'weir_array', keySize: 4, valueSize: 8, maxEntries: 10_000 })
    try {
      expect(map.updateBatch(u32s(0, 10_000), values(0, 10_000), 10_000)).to.equal(10_000)
      const { count, values: found } = map.lookupBatch()
      expect(count).to.equal(10_000)
      expect(new BigUint64Array(found.slice().buffer)[9_999]).to.equal(29_997n)
      expect(failureOf(() => map.deleteBatch(u32s(0, 1), 1)).code).to.equal('EINVAL')
    } finally {
      map.close()
    }
  })

  it('reads nothing from an empty map, and does nothing with no entries', () => {
    const map = createMap({ type: 'hash', name: 'weir_empty', keySize: 4, valueSize: 8, maxEntries: 4 })
    try {
      expect(map.lookupBatch()).to.deep.equal({ keys: new Uint8Array(), values: new Uint8Array(), count: 0 })
      expect([...map.lookupParts(10)]).to.deep.equal([])
      expect(map.updateBatch(new Uint8Array(), new Uint8Array(), 0)).to.equal(0)
      expect(map.deleteBatch(new Uint8Array(), 0)).to.equal(0)
    } finally {
      map.close()
    }
  })

  it('goes on behind keys that are not there', () => {
    const map = createMap({ type: 'hash', name: 'weir_gaps', keySize: 4, valueSize: 8, maxEntries: 16 })
    try {
      for (const key of [1, 3, 5]) {
        map.update(u32(key), u64(1))
      }
      expect(map.deleteBatch(u32s(0, 8), 8)).to.equal(3)
      expect(map.lookupBatch().count).to.equal(0)
    } finally {
      map.close()
    }
  })

  it('says how many entries fitted when the map is full', () => {
    const map = createMap({ type: 'hash', name: 'weir_full', keySize: 4, valueSize: 8, maxEntries: 100 })
    try {
      const error = failureOf(() => map.updateBatch(u32s(0, 150), values(0, 150), 150))
      expect(error).to.deep.include({ code: 'E2BIG', call: 'bpf(BPF_MAP_UPDATE_BATCH)' })
      expect(error.done).to.equal(map.lookupBatch().count).and.to.equal(100)
    } finally {
      map.close()
    }
  })

  it('does flags one by one, as the kernel has none for batches', () => {
    const map = createMap({ type: 'hash', name: 'weir_flags', keySize: 4, valueSize: 8, maxEntries: 16 })
    try {
      map.update(u32(3), u64(0))
      const error = failureOf(() => map.updateBatch(u32s(0, 8), values(0, 8), 8, 'noexist'))
      expect(error).to.deep.include({ code: 'EEXIST', done: 3 })
      expect(map.updateBatch(u32s(0, 4), values(7, 4), 4, 'exist')).to.equal(4)
    } finally {
      map.close()
    }
  })

  it('falls back to single calls where the map type has no batches', () => {
    const devices = createMap({ type: 'devmap_hash', name: 'weir_dev', keySize: 4, valueSize: 4, maxEntries: 4 })
    try {
      // The loopback device is number 1.
      expect(devices.updateBatch(u32s(5, 2), Uint8Array.from([...u32(1), ...u32(1)]), 2)).to.equal(2)
      const all = devices.lookupBatch()
      expect(all.count).to.equal(2)
      expect([readU32(all.keys, 0), readU32(all.keys, 1)].sort()).to.deep.equal([5, 6])
      expect(devices.deleteBatch(u32s(4, 3), 3)).to.equal(2)
    } finally {
      devices.close()
    }
  })
})
