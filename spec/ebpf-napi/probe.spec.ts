import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmdirSync } from 'node:fs'
import { release } from 'node:os'
import { expect } from 'chai'
import { mountBpffs, probe, unmount } from 'ebpf-napi'
import { failureOf } from './failure.js'
import { needsBpf, needsKernel } from './needs.js'

describe('ebpf-napi: probes', () => {
  before(function () {
    needsBpf(this)
  })

  it('tell program types, map types and helpers that the kernel has', () => {
    expect(probe.programType('xdp')).to.equal(true)
    expect(probe.mapType('hash')).to.equal(true)
    expect(probe.helper('xdp', 'bpf_redirect_map')).to.equal(true)
    expect(probe.helper('sched_cls', 'redirect_map')).to.equal(false)
    expect(probe.helper('cgroup_sock_addr', 'bind')).to.equal(true)
    expect(probe.helper('sk_lookup', 'sk_assign')).to.equal(true)
    expect(probe.helper('xdp', 'skb_store_bytes')).to.equal(false)
  })

  it('refuse names that nobody knows', () => {
    expect(failureOf(() => probe.programType('nonsense')).code).to.equal('ERR_EBPF_ARGUMENT')
    expect(failureOf(() => probe.mapType('nonsense')).code).to.equal('ERR_EBPF_ARGUMENT')
    expect(failureOf(() => probe.helper('xdp', 'nonsense')).code).to.equal('ERR_EBPF_ARGUMENT')
  })

  it('find TCX from 6.6 on', function () {
    needsKernel(this, 6, 6)
    expect(probe.tcx()).to.equal(true)
  })

  it('tell the kernel, libbpf and CPUs', () => {
    expect(release().startsWith(probe.kernelVersion().slice(0, 2).join('.'))).to.equal(true)
    expect(probe.libbpfVersion()).to.match(/^v1\.\d+/)
    expect(probe.possibleCpus()).to.be.greaterThan(0)
    expect(probe.ticksPerSecond()).to.be.within(24, 1200)
  })

  it('say that they cannot tell, without the privilege to ask', function () {
    if (process.getuid?.() !== 0) {
      this.skip()
    }
    const script = `
      import { probe, createMap } from 'ebpf-napi'
      const codes = []
      for (const ask of [
        () => probe.tcx(),
        () => probe.helper('xdp', 'redirect_map'),
        () => probe.mapType('hash'),
        () => probe.programType('xdp'),
        () => createMap({ type: 'lpm_trie', name: 'x', keySize: 8, valueSize: 4, maxEntries: 1, flags: 1 }),
      ]) {
        try { ask(); codes.push('') } catch (error) { codes.push(error.code + error.errno) }
      }
      process.stdout.write(JSON.stringify({ codes, caps: probe.capabilities() }))`
    const child = spawnSync(
      'setpriv',
      ['--bounding-set=-all', '--inh-caps=-all', process.execPath, '--input-type=module', '-e', script],
      { encoding: 'utf8', cwd: import.meta.dirname },
    )
    expect(JSON.parse(child.stdout)).to.deep.equal({
      codes: ['EPERM1', 'EPERM1', 'EPERM1', 'EPERM1', 'EPERM1'],
      caps: { CAP_NET_ADMIN: false, CAP_SYS_ADMIN: false, CAP_PERFMON: false, CAP_BPF: false },
    })
  })

  it('know a BPF file system, which can be mounted anywhere', () => {
    const parent = mkdtempSync('/tmp/weir-mount-')
    const path = `${parent}/bpf`
    try {
      mountBpffs(path)
      expect(probe.isBpffs(path)).to.equal(true)
      expect(probe.isBpffs(parent)).to.equal(false)
      unmount(path)
      expect(probe.isBpffs(path)).to.equal(false)
      expect(failureOf(() => unmount(path))).to.deep.include({ code: 'EINVAL', call: 'umount2' })
      rmdirSync(path)
    } finally {
      rmdirSync(parent)
    }
  })
})
