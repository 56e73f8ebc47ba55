import { expect } from 'chai'
import { type BpfMap, createMap, mapById, perCpuValues, probe } from 'ebpf-napi'
import { readU32, readU64, u32, u32s, u64 } from './bytes.js'
import { failureOf } from './failure.js'
import { needsBpf } from './needs.js'

describe('ebpf-napi: maps', () => {
  let map: BpfMap

  before(function () {
    needsBpf(this)
  })

  beforeEach(() => {
    map = createMap({ type: 'hash', name: 'weir_test', keySize: 4, valueSize: 8, maxEntries: 8 })
  })

  afterEach(() => {
    map?.close()
  })

  it('tells what it is', () => {
    expect(map.info).to.deep.include({ name: 'weir_test', type: 'hash', keySize: 4, valueSize: 8, valueBytes: 8 })
    expect(map.info).to.deep.include({ maxEntries: 8, flags: 0 })
    expect(map.info.id).to.be.greaterThan(0)
  })

  it('finds what was put in, and nothing else', () => {
    map.update(u32(1), u64(11))
    expect(readU64(map.lookup(u32(1)))).to.equal(11n)
    expect(map.lookup(u32(2))).to.equal(undefined)
  })

  it('looks up into an array of the caller', () => {
    const value = new Uint8Array(8)
    map.update(u32(1), u64(11))
    expect(map.lookupInto(u32(2), value)).to.equal(false)
    expect(map.lookupInto(u32(1), value)).to.equal(true)
    expect(readU64(value)).to.equal(11n)
  })

  it('obeys the update flags', () => {
    expect(failureOf(() => map.update(u32(1), u64(1), 'exist')).code).to.equal('ENOENT')
    map.update(u32(1), u64(1), 'noexist')
    expect(failureOf(() => map.update(u32(1), u64(2), 'noexist')).code).to.equal('EEXIST')
    map.update(u32(1), u64(3), 'exist')
    expect(readU64(map.lookup(u32(1)))).to.equal(3n)
  })

  it('says which call failed, and with which errno', () => {
    for (let index = 0; index < 8; index++) {
      map.update(u32(index), u64(index))
    }
    const error = failureOf(() => map.update(u32(8), u64(8)))
    expect(error).to.deep.include({ code: 'E2BIG', errno: 7, call: 'bpf(BPF_MAP_UPDATE_ELEM)' })
    expect(error.message).to.include('no room')
  })

  it('deletes, and says whether the key was there', () => {
    map.update(u32(1), u64(1))
    expect(map.delete(u32(1))).to.equal(true)
    expect(map.delete(u32(1))).to.equal(false)
  })

  it('refuses sizes that the kernel would read past', () => {
    const short = new Uint8Array(3)
    for (const call of [
      () => map.lookup(short),
      () => map.lookupInto(u32(1), short),
      () => map.update(u32(1), short),
      () => map.update(short, u64(1)),
      () => map.delete(new Uint8Array(5)),
      () => map.updateBatch(u32s(0, 2), u64(1), 2),
      () => map.deleteBatch(u32s(0, 2), 3),
    ]) {
      expect(failureOf(call).code).to.equal('ERR_EBPF_ARGUMENT')
    }
    expect(failureOf(() => map.lookup(u32(1).buffer as unknown as Uint8Array)).code).to.equal('ERR_EBPF_ARGUMENT')
  })

  it('walks entries while they are deleted', () => {
    for (let index = 0; index < 8; index++) {
      map.update(u32(index), u64(index * 10))
    }
    const seen: number[] = []
    for (const [key, value] of map.entries()) {
      seen.push(readU32(key))
      expect(readU64(value)).to.equal(BigInt(readU32(key) * 10))
      map.delete(key)
      // Also ones that were not reached yet.
      map.delete(u32((readU32(key) + 1) % 8))
    }
    expect(new Set(seen).size).to.equal(seen.length)
    expect(seen).to.have.lengthOf.within(4, 7)
    expect([...map.entries()]).to.have.lengthOf(0)
  })

  it('keeps a value per CPU', () => {
    const cpus = probe.possibleCpus()
    const perCpu = createMap({ type: 'percpu_array', name: 'weir_percpu', keySize: 4, valueSize: 4, maxEntries: 2 })
    try {
      expect(perCpu.info.valueBytes).to.equal(8 * cpus)
      const value = new Uint8Array(perCpu.info.valueBytes)
      for (const [cpu, slot] of perCpuValues(perCpu.info, value).entries()) {
        slot.set(u32(100 + cpu))
      }
      perCpu.update(u32(1), value)
      const found = perCpuValues(perCpu.info, perCpu.lookup(u32(1)) ?? new Uint8Array())
      expect(found.map(slot => readU32(slot))).to.deep.equal(Array.from({ length: cpus }, (_, cpu) => 100 + cpu))
      expect(failureOf(() => perCpu.update(u32(0), u32(1))).code).to.equal('ERR_EBPF_ARGUMENT')
    } finally {
      perCpu.close()
    }
  })

  it('holds maps in maps', () => {
    const inner = createMap({ type: 'array', name: 'weir_inner', keySize: 4, valueSize: 8, maxEntries: 1 })
    const spec = { type: 'hash_of_maps', name: 'weir_outer', keySize: 4, valueSize: 4, maxEntries: 4, inner }
    const outer = createMap(spec)
    try {
      outer.updateMap(u32(7), inner)
      inner.update(u32(0), u64(99))
      const found = mapById(readU32(outer.lookup(u32(7)) ?? new Uint8Array()))
      expect(found.info.id).to.equal(inner.info.id)
      expect(readU64(found.lookup(u32(0)))).to.equal(99n)
      found.close()
      expect(outer.delete(u32(7))).to.equal(true)
      expect(failureOf(() => outer.updateMap(u32(1), map)).code).to.equal('EINVAL')
    } finally {
      inner.close()
      outer.close()
    }
  })

  it('matches longest prefixes', () => {
    const trie = createMap({ type: 'lpm_trie', name: 'weir_lpm', keySize: 8, valueSize: 4, maxEntries: 4, flags: 1 })
    try {
      const prefix = (bits: number, ...address: number[]): Uint8Array => Uint8Array.from([...u32(bits), ...address])
      trie.update(prefix(8, 10, 0, 0, 0), u32(8))
      trie.update(prefix(16, 10, 1, 0, 0), u32(16))
      expect(readU32(trie.lookup(prefix(32, 10, 1, 2, 3)) ?? new Uint8Array())).to.equal(16)
      expect(readU32(trie.lookup(prefix(32, 10, 2, 2, 3)) ?? new Uint8Array())).to.equal(8)
      expect(trie.lookup(prefix(32, 11, 2, 2, 3))).to.equal(undefined)
      expect(trie.lookupBatch().count).to.equal(2)
      expect([...trie.lookupParts(1)].reduce((sum, { count }) => sum + count, 0)).to.equal(2)
    } finally {
      trie.close()
    }
  })

  it('shows the memory of an array made for it, also after close', () => {
    const mmapable = 1 << 10
    const spec = { type: 'array', name: 'weir_mmap', keySize: 4, valueSize: 8, maxEntries: 4, flags: mmapable }
    const array = createMap(spec)
    const memory = new BigUint64Array(array.memory())
    array.update(u32(2), u64(5))
    expect(memory[2]).to.equal(5n)
    memory[3] = 6n
    expect(readU64(array.lookup(u32(3)))).to.equal(6n)
    array.close()
    expect(memory[2]).to.equal(5n)
    expect(failureOf(() => map.memory()).call).to.equal('mmap')
  })

  it('says so when a map cannot be made or found', () => {
    const spec = { name: 'weir_bad', keySize: 4, valueSize: 4, maxEntries: 1 }
    expect(failureOf(() => createMap({ ...spec, type: 'nonsense' })).code).to.equal('ERR_EBPF_ARGUMENT')
    const invalid = failureOf(() => createMap({ ...spec, type: 'hash', maxEntries: 0 }))
    expect(invalid).to.deep.include({ code: 'EINVAL', call: 'bpf(BPF_MAP_CREATE)' })
    expect(failureOf(() => mapById(0xffff_fff0)).code).to.equal('ENOENT')
  })

  it('is the same map through a duplicate, which outlives it', () => {
    const copy = map.dup()
    map.close()
    copy.update(u32(1), u64(1))
    expect(copy.lookupBatch().count).to.equal(1)
    copy.close()
  })
})
