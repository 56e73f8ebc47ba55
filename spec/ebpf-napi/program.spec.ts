import { expect } from 'chai'
import {
  type BpfObject,
  type BpfProgram,
  createMap,
  loadObject,
  openPinnedLink,
  openPinnedMap,
  openPinnedProgram,
  programById,
} from 'ebpf-napi'
import { freshBpffs } from './bpffs.js'
import { readU32, readU64, u32, u32s } from './bytes.js'
import { failureOf } from './failure.js'
import { needsBpf } from './needs.js'
import { compiled } from './programs.js'

const packet = Uint8Array.from({ length: 64 }, (_, index) => index)

describe('ebpf-napi: programs', () => {
  let object: BpfObject

  function program(name: string): BpfProgram {
    const found = object.programs.get(name)
    if (found === undefined) {
      throw new Error(`no program ${name}`)
    }
    return found
  }

  before(function () {
    needsBpf(this)
    object = loadObject(compiled('basics'))
  })

  after(() => {
    object?.close()
  })

  it('give their return value and the packet after the run', () => {
    const run = program('xdp_swap_first').testRun({ data: packet })
    expect(run.retval).to.equal(2)
    expect([...run.data]).to.deep.equal([1, 0, ...packet.slice(2)])
    expect(packet[0]).to.equal(0)
  })

  it('run as often as asked, and say how long one run took', () => {
    const runs = object.maps.get('runs')
    const before = readU64(runs?.lookup(u32(3)))
    const { durationNs } = program('xdp_swap_first').testRun({ data: packet, repeat: 1000 })
    expect(readU64(runs?.lookup(u32(3))) - before).to.equal(1000n)
    expect(durationNs).to.be.within(1, 100_000)
  })

  it('see and change their context', () => {
    const context = new Uint8Array(192)
    // `mark` is the third word of __sk_buff.
    context.set(u32(6), 8)
    const run = program('tc_mark').testRun({ data: packet, context })
    expect(readU32(run.context ?? new Uint8Array(), 2)).to.equal(7)
    expect(readU32(context, 2)).to.equal(6)
  })

  it('of type syscall run with any context', () => {
    const run = program('emit').testRun({ context: u32s(3, 4) })
    expect(run).to.deep.include({ retval: 0, data: new Uint8Array() })
    expect([0, 1, 2, 3].map(index => readU32(run.context ?? new Uint8Array(), index))).to.deep.equal([3, 4, 0, 7])
  })

  it('fail by name when the kernel refuses a run', () => {
    const tooSmall = failureOf(() => program('xdp_swap_first').testRun({ data: packet, dataSizeOut: 8 }))
    expect(tooSmall).to.deep.include({ code: 'ENOSPC', call: 'bpf(BPF_PROG_TEST_RUN)' })
    expect(failureOf(() => program('tc_answer').testRun({ data: new Uint8Array(4) })).code).to.equal('EINVAL')
    expect(failureOf(() => program('tc_answer').testRun({ data: 'x' as unknown as Uint8Array })).code).to.equal(
      'ERR_EBPF_ARGUMENT',
    )
  })

  it('tell what they are', () => {
    const info = program('tc_count_and_continue').info()
    expect(info).to.deep.include({ name: 'tc_count_and_co', type: 'sched_cls' })
    expect(info.id).to.equal(program('tc_count_and_continue').id)
    expect(info.tag).to.match(/^[0-9a-f]{16}$/)
    expect(info.translatedSizeBytes).to.be.greaterThan(0)
    expect(info.verifiedInstructions).to.be.greaterThan(0)
    expect(info.jitedSizeBytes).to.be.at.least(0)
    const { mapIds } = program('tc_jump').info()
    expect(mapIds).to.include(object.maps.get('jumps')!.info.id)
    expect(mapIds).not.to.include(object.maps.get('flows')!.info.id)
  })

  it('jump through program arrays', () => {
    const jumps = object.maps.get('jumps')
    expect(program('tc_jump').testRun({ data: packet }).retval).to.equal(1000)
    jumps?.updateProgram(u32(1), program('tc_answer'))
    expect(program('tc_jump').testRun({ data: packet }).retval).to.equal(42)
    expect(failureOf(() => jumps?.updateMap(u32(1), jumps)).code).to.equal('ERR_EBPF_ARGUMENT')
    expect(jumps?.delete(u32(1))).to.equal(true)
  })

  it('are found by id and by duplicate', () => {
    const found = programById(program('tc_answer').id)
    expect(found.testRun({ data: packet }).retval).to.equal(42)
    const copy = found.dup()
    found.close()
    expect(copy.testRun({ data: packet }).retval).to.equal(42)
    copy.close()
    expect(failureOf(() => programById(0xffff_fff0))).to.deep.include({
      code: 'ENOENT',
      call: 'bpf(BPF_PROG_GET_FD_BY_ID)',
    })
  })

  it('are pinned, found again and unpinned; other kinds are told apart', () => {
    const bpffs = freshBpffs()
    const map = createMap({ type: 'array', name: 'weir_kind', keySize: 4, valueSize: 4, maxEntries: 1 })
    try {
      const path = `${bpffs.path}/answer`
      program('tc_answer').pin(path)
      map.pin(`${bpffs.path}/map`)
      const found = openPinnedProgram(path)
      expect(found.id).to.equal(program('tc_answer').id)
      expect(failureOf(() => openPinnedMap(path)).code).to.equal('ERR_EBPF_KIND')
      expect(failureOf(() => openPinnedLink(path)).code).to.equal('ERR_EBPF_KIND')
      expect(failureOf(() => openPinnedProgram(`${bpffs.path}/map`)).code).to.equal('ERR_EBPF_KIND')
      found.unpin(path)
      expect(failureOf(() => openPinnedProgram(path)).code).to.equal('ENOENT')
      found.close()
    } finally {
      map.close()
      bpffs.remove()
    }
  })
})
