import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { type BtfType, createMap, loadObject, readLayout } from 'ebpf-napi'
import { failureOf } from './failure.js'
import { needsBpf } from './needs.js'
import { compiled } from './programs.js'

const u16: BtfType = { kind: 'int', name: 'unsigned short', size: 2, signed: false, bool: false }
const u32: BtfType = { kind: 'int', name: 'unsigned int', size: 4, signed: false, bool: false }
const u64: BtfType = { kind: 'int', name: 'unsigned long long', size: 8, signed: false, bool: false }
const u8: BtfType = { kind: 'int', name: 'unsigned char', size: 1, signed: false, bool: false }

describe('ebpf-napi: layouts', () => {
  it('tell maps, programs and types of an object that is not loaded', () => {
    const { maps, programs, types } = readLayout(compiled('basics'))
    const flows = maps.find(map => map.name === 'flows')
    expect(flows).to.deep.include({ type: 'hash', keySize: 8, maxEntries: 64, flags: 0 })
    expect(flows?.key).to.deep.equal({
      kind: 'struct',
      name: 'flow_key',
      size: 8,
      members: [
        { name: 'address', offsetBits: 0, type: u32 },
        { name: 'port', offsetBits: 32, type: u16 },
        { name: 'protocol', offsetBits: 48, type: u8 },
        { name: 'pad', offsetBits: 56, type: u8 },
      ],
    })
    expect(programs).to.deep.include({ name: 'refuse_connect4', section: 'cgroup/connect4', type: 'cgroup_sock_addr' })
    expect(types.flow_key).to.deep.equal(flows?.key)
    expect(types.color).to.deep.equal({ kind: 'enum', name: 'color', size: 4, values: { RED: 1, BLUE: 7 } })
  })

  it('tell bit fields, arrays, enums, signs and booleans', () => {
    const value = readLayout(readFileSync(compiled('basics'))).types.flow_value
    if (value?.kind !== 'struct') {
      throw new Error('flow_value is no struct')
    }
    expect(value).to.include({ kind: 'struct', name: 'flow_value', size: 32 })
    const byName = new Map(value.members.map(member => [member.name, member]))
    expect(byName.get('packets')).to.deep.equal({ name: 'packets', offsetBits: 0, type: u64 })
    expect(byName.get('low')).to.deep.equal({ name: 'low', offsetBits: 64, bits: 5, type: u32 })
    expect(byName.get('high')).to.deep.equal({ name: 'high', offsetBits: 69, bits: 27, type: u32 })
    expect(byName.get('color')?.type.kind).to.equal('enum')
    expect(byName.get('mac')?.type).to.deep.equal({ kind: 'array', length: 6, element: u8 })
    expect(byName.get('balance')?.type).to.include({ kind: 'int', signed: true, size: 4 })
    expect(byName.get('known')?.type).to.include({ kind: 'int', bool: true, size: 1 })
  })

  it('are the same from the kernel for a loaded map, and without types for one made bare', function () {
    needsBpf(this)
    const object = loadObject(compiled('basics'))
    const fromFile = readLayout(compiled('basics')).maps.find(map => map.name === 'flows')
    expect(object.maps.get('flows')?.layout()).to.deep.equal(fromFile)
    object.close()
    const bare = createMap({ type: 'hash', name: 'weir_bare', keySize: 4, valueSize: 4, maxEntries: 1 })
    expect(bare.layout()).to.not.have.any.keys('key', 'value')
    bare.close()
  })

  it('need no privilege', function () {
    if (process.getuid?.() !== 0) {
      this.skip()
    }
    const folder = mkdtempSync('/tmp/weir-layout-')
    try {
      const object = join(folder, 'basics.o')
      copyFileSync(compiled('basics'), object)
      const script = `
        import { readLayout, loadObject } from 'ebpf-napi'
        let load = 'loaded'
        try { loadObject(process.argv[1]) } catch (error) { load = error.code }
        process.stdout.write(readLayout(process.argv[1]).maps.length + ' ' + load)`
      const child = spawnSync(
        'setpriv',
        ['--bounding-set=-all', '--inh-caps=-all', process.execPath, '--input-type=module', '-e', script, object],
        { encoding: 'utf8', cwd: import.meta.dirname },
      )
      expect(child.stderr).to.equal('')
      expect(child.stdout).to.match(/^9 E(PERM|ACCES)$/)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('of what is no object are an error', () => {
    expect(failureOf(() => readLayout('/nonesuch.o')).code).to.equal('ENOENT')
    expect(failureOf(() => readLayout(new Uint8Array(64))).call).to.equal('bpf_object__open')
  })
})
