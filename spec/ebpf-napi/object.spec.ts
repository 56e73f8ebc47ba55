import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { createMap, loadObject, openPinnedMap } from 'ebpf-napi'
import { freshBpffs } from './bpffs.js'
import { readU32, u32, u64 } from './bytes.js'
import { failureOf } from './failure.js'
import { needsBpf } from './needs.js'
import { compiled } from './programs.js'

const packet = new Uint8Array(64)

describe('ebpf-napi: objects', () => {
  before(function () {
    needsBpf(this)
  })

  for (const [what, source] of [
    ['a path', () => compiled('basics')],
    ['its bytes', () => readFileSync(compiled('basics'))],
  ] as const) {
    it(`loads from ${what}`, () => {
      const object = loadObject(source())
      expect([...object.maps.keys()]).to.include.members(['flows', 'events', 'outer', '.rodata', '.data'])
      expect([...object.programs.keys()]).to.include.members(['tc_count_and_continue', 'xdp_drop', 'emit'])
      expect(object.programs.get('tc_count_and_continue')?.name).to.equal('tc_count_and_continue')
      expect(object.programs.get('xdp_drop')?.type).to.equal('xdp')
      expect(object.programs.get('tc_answer')?.testRun({ data: packet }).retval).to.equal(42)
      object.close()
    })
  }

  it('sets variables before the load, by name or by section', () => {
    const answers = [7, 8n, true, u32(9)] as const
    for (const [index, answer] of answers.entries()) {
      const object = loadObject(compiled('basics'), { variables: { answer } })
      expect(object.programs.get('tc_answer')?.testRun({ data: packet }).retval).to.equal([7, 8, 1, 9][index])
      object.close()
    }
    const rodata = Uint8Array.from([...u32(77), 0xfd, 0xff])
    const object = loadObject(compiled('basics'), { variables: { '.rodata': rodata, counter: 12n } })
    expect(object.programs.get('tc_answer')?.testRun({ data: packet }).retval).to.equal(77)
    expect(object.programs.get('tc_mark')?.testRun({ data: packet }).retval).to.equal(0xffff_fffd)
    expect(object.maps.get('.data')?.lookup(u32(0))?.slice(0, 8)).to.deep.equal(u64(12))
    object.close()
    const negative = loadObject(compiled('basics'), { variables: { small: -32_768 } })
    expect(negative.programs.get('tc_mark')?.testRun({ data: packet }).retval).to.equal(0xffff_8000)
    negative.close()
  })

  it('refuses variables that do not fit or do not exist', () => {
    const codeOf = (variables: Record<string, number | Uint8Array | bigint>): string =>
      failureOf(() => loadObject(compiled('basics'), { variables })).code
    expect(codeOf({ small: 65_536 })).to.equal('ERR_EBPF_ARGUMENT')
    expect(codeOf({ small: -32_769 })).to.equal('ERR_EBPF_ARGUMENT')
    expect(codeOf({ answer: 1n << 64n })).to.equal('ERR_EBPF_ARGUMENT')
    expect(codeOf({ answer: 1.5 })).to.equal('ERR_EBPF_ARGUMENT')
    expect(codeOf({ answer: new Uint8Array(3) })).to.equal('ERR_EBPF_ARGUMENT')
    expect(codeOf({ '.rodata': new Uint8Array(3) })).to.equal('ERR_EBPF_ARGUMENT')
    expect(codeOf({ nonesuch: 1 })).to.equal('ERR_EBPF_NAME')
  })

  it('takes another maxEntries', () => {
    const object = loadObject(compiled('basics'), { maxEntries: { flows: 1000 } })
    expect(object.maps.get('flows')?.info.maxEntries).to.equal(1000)
    object.close()
    const error = failureOf(() => loadObject(compiled('basics'), { maxEntries: { nonesuch: 1 } }))
    expect(error.code).to.equal('ERR_EBPF_NAME')
    expect(error.message).to.include('nonesuch')
  })

  it('leaves programs out', () => {
    const object = loadObject(compiled('rejected'), { without: ['forgets_null_check'] })
    expect([...object.programs.keys()]).to.deep.equal(['fine'])
    object.close()
    expect(failureOf(() => loadObject(compiled('rejected'), { without: ['x'] })).code).to.equal('ERR_EBPF_NAME')
  })

  it('shows the reason of the verifier, the program and the log', () => {
    const error = failureOf(() => loadObject(compiled('rejected')))
    expect(error).to.deep.include({ code: 'EACCES', errno: 13, call: 'bpf(BPF_PROG_LOAD)', logTruncated: false })
    expect(error.program).to.equal('forgets_null_check')
    expect(error.message).to.match(/forgets_null_check.*invalid mem access/)
    expect(error.log).to.include('call bpf_map_lookup_elem').and.to.include('processed')
  })

  it('caps a log without end', () => {
    const error = failureOf(() => loadObject(compiled('endless')))
    expect(error.logTruncated).to.equal(true)
    expect(error.log?.length).to.be.within(1000, 1 << 20)
  }).timeout(20_000)

  it('says what is wrong with a file', () => {
    const missing = failureOf(() => loadObject('/nonesuch.o'))
    expect(missing).to.deep.include({ code: 'ENOENT', errno: 2, call: 'bpf_object__open' })
    expect(missing.message).to.include('/nonesuch.o')
    for (const bytes of [new Uint8Array(), new Uint8Array(100), readFileSync(compiled('basics')).subarray(0, 900)]) {
      expect(failureOf(() => loadObject(bytes)).call).to.equal('bpf_object__open')
    }
  })

  it('never writes to stderr itself', () => {
    const script =
      "import { loadObject } from 'ebpf-napi'; " +
      'for (const path of process.argv.slice(1)) { try { loadObject(path) } catch {} }'
    const { stderr, status } = spawnSync(
      process.execPath,
      ['--input-type=module', '-e', script, compiled('rejected'), '/nonesuch.o'],
      { encoding: 'utf8', cwd: import.meta.dirname },
    )
    expect({ stderr, status }).to.deep.equal({ stderr: '', status: 0 })
  })

  describe('pins', () => {
    let bpffs: ReturnType<typeof freshBpffs>

    before(() => {
      bpffs = freshBpffs()
    })

    after(() => {
      bpffs?.remove()
    })

    it('are made where missing and reused where there', () => {
      const pins = { runs: `${bpffs.path}/runs` }
      const first = loadObject(compiled('basics'), { pins })
      first.programs.get('tc_answer')?.testRun({ data: packet, repeat: 5 })
      first.close()
      const second = loadObject(compiled('basics'), { pins })
      second.programs.get('tc_answer')?.testRun({ data: packet, repeat: 2 })
      const pinned = openPinnedMap(pins.runs)
      expect(readU32(pinned.lookup(u32(0)) ?? new Uint8Array())).to.equal(7)
      expect(second.maps.get('runs')?.info.id).to.equal(pinned.info.id)
      pinned.unpin(pins.runs)
      expect(failureOf(() => openPinnedMap(pins.runs)).code).to.equal('ENOENT')
      expect(failureOf(() => pinned.unpin(pins.runs))).to.deep.include({ code: 'ENOENT', call: 'unlink' })
      pinned.close()
      second.close()
    })

    it('of another geometry are refused by name', () => {
      const path = `${bpffs.path}/other`
      const other = createMap({ type: 'hash', name: 'weir_other', keySize: 4, valueSize: 16, maxEntries: 4 })
      other.pin(path)
      expect(failureOf(() => other.pin(path))).to.deep.include({ code: 'EEXIST', call: 'bpf(BPF_OBJ_PIN)' })
      const error = failureOf(() => loadObject(compiled('basics'), { pins: { runs: path } }))
      expect(error).to.deep.include({ code: 'ERR_EBPF_PIN_MISMATCH', errno: 17 })
      expect(error.mismatch).to.deep.equal({
        map: 'runs',
        path,
        differences: { type: { expected: 'array', found: 'hash' }, valueSize: { expected: 8, found: 16 } },
      })
      expect(error.message).to.include("map 'runs'").and.to.include('valueSize 16 instead of 8')
      other.close()
    })

    it('can only be where a BPF file system is', () => {
      const pins = { runs: '/tmp/weir-not-on-bpffs' }
      expect(failureOf(() => loadObject(compiled('basics'), { pins })).call).to.equal('bpf(BPF_OBJ_PIN)')
      expect(failureOf(() => loadObject(compiled('basics'), { pins: { nonesuch: '/x' } })).code).to.equal(
        'ERR_EBPF_NAME',
      )
    })
  })
})
