import type { KernelBackendOptions } from '@weir/datapath'
import { codecs } from '@weir/datapath'
import { createKernelBackend } from '@weir/datapath/kernel/backend.js'
import { layout } from '@weir/datapath/layout.generated.js'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { openPinnedMap } from 'ebpf-napi'
import { conformsToBackend, type FactoryOptions, type Subject } from './backend-conformance.js'
import { ifindexOf, ip, removeLink, whyNoKernel } from './requires.js'
import { hostSides } from './two-pods.js'

const reason = whyNoKernel()
const node = `weir-spec-${process.pid}`
const small = { weir_ct4: 1024, weir_ct6: 1024, weir_addr4: 1024, weir_addr6: 1024, weir_rows: 4096 }

function kernelSubject(attach: 'auto' | 'clsact') {
  return async (options: FactoryOptions = {}): Promise<Subject> => {
    const backend = createKernelBackend({ node, attach, maxEntries: { ...small, ...options.maxEntries } })
    return {
      backend,
      ifindexes: [ifindexOf(hostSides[0]), ifindexOf(hostSides[1])],
      dispose: async () => {
        backend.uninstall()
        backend.close()
      },
    }
  }
}

for (const attach of ['auto', 'clsact'] as const) {
  describe(`kernel backend, attach ${attach}${reason === undefined ? '' : `: ${reason}`}`, () => {
    before(function () {
      if (reason !== undefined) return this.skip()
      removeLink(hostSides[0])
      ip('link', 'add', hostSides[0], 'type', 'veth', 'peer', 'name', hostSides[1])
    })
    after(() => {
      if (reason === undefined) removeLink(hostSides[0])
    })

    conformsToBackend({ factory: kernelSubject(attach), supports: { redirectTarget: false } })
  })
}

describe(`kernel backend, pins${reason === undefined ? '' : `: ${reason}`}`, () => {
  before(function () {
    if (reason !== undefined) this.skip()
  })

  const conntrack = codecs.conntrack4.encode({ address: [1, 2], port: [3, 4], protocol: 17 })
  const entry = codecs.conntrack.encode({
    expires: 1n << 62n,
    generation: 5,
    slot: [256, 257],
    timeout: 60,
    seen: new Uint8Array(2),
    originator: 0,
    cut: 0,
    flags: 0,
  })

  function inTurn(...runs: { options?: Partial<KernelBackendOptions>; use: (b: ReturnType<typeof open>) => void }[]) {
    try {
      for (const { options, use } of runs) {
        const backend = open(options)
        try {
          use(backend)
        } finally {
          backend.close()
        }
      }
    } finally {
      const last = open({})
      last.uninstall()
      last.close()
    }
  }
  const open = (options: Partial<KernelBackendOptions> = {}) =>
    createKernelBackend({ node: `${node}.pins`, maxEntries: small, ...options })

  it('takes over the maps of the run before', () => {
    inTurn(
      { use: backend => backend.maps.weir_ct4.update(conntrack, entry) },
      {
        use: backend => {
          expect(backend.features.maps).to.include('weir_ct4: taken over')
          expect(backend.maps.weir_ct4.lookup(conntrack)).to.deep.equal(entry)
        },
      },
    )
  })

  it('carries conntrack over into a map of another size, and says so', () => {
    inTurn(
      { use: backend => backend.maps.weir_ct4.update(conntrack, entry) },
      {
        options: { maxEntries: { ...small, weir_ct4: 2048, weir_cells: 64 } },
        use: backend => {
          expect(backend.features.maps).to.include('weir_ct4: maxEntries 1024 became 2048, 1 entries carried over')
          expect(backend.features.maps).to.include('weir_cells: maxEntries 262144 became 64, made anew')
          expect(backend.maps.weir_ct4.maxEntries).to.equal(2048)
          expect(backend.maps.weir_ct4.lookup(conntrack)).to.deep.equal(entry)
        },
      },
    )
  })

  it('has in the kernel the types that the codecs were made for', () => {
    const members = (type: unknown): unknown => {
      const { kind, members: inner = [] } = (type ?? {}) as { kind?: string; members?: { type: unknown }[] }
      if (kind !== 'struct') return kind
      return inner.map(member => ({ ...member, type: members(member.type) }))
    }
    inTurn({
      use: () => {
        for (const [name, map] of Object.entries(layout.maps)) {
          if (!('key' in map)) continue
          const pinned = openPinnedMap(`/sys/fs/bpf/weir/${node}%2epins/maps/${name}`)
          const loaded = pinned.layout()
          pinned.close()
          expect(members(loaded.key), name).to.deep.equal(members(map.key))
          expect(members(loaded.value), name).to.deep.equal(members(map.value))
        }
      },
    })
  })

  it('loads its programs under a profiler, whose signals come all the time', () => {
    const folder = mkdtempSync(join(tmpdir(), 'weir-profile-'))
    try {
      const script = `
        const { createKernelBackend } = await import(${JSON.stringify(import.meta.resolve('@weir/datapath/kernel/backend.js'))})
        const backend = createKernelBackend({ node: 'weir-spec-${process.pid}.profiled', maxEntries: ${JSON.stringify(small)} })
        backend.uninstall()`
      const profiler = ['--cpu-prof', '--cpu-prof-interval', '200', '--cpu-prof-dir', folder]
      const ran = spawnSync(process.execPath, [...profiler, '--input-type=module', '-e', script], { encoding: 'utf8' })
      expect(ran.stderr).to.equal('')
      expect(ran.status).to.equal(0)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('says plainly that there is no BPF file system and none can be mounted', () => {
    expect(() => open({ bpffs: '/proc/weir-nowhere' })).to.throw(/no BPF file system at \/proc\/weir-nowhere/)
  })

  it('says plainly what the kernel refuses, and leaves nothing behind', () => {
    expect(() => open({ object: new Uint8Array(64) }))
      .to.throw()
      .with.property('code', 'WEIR_KERNEL_UNSUPPORTED')
    expect(readdirSync('/sys/fs/bpf/weir')).not.to.include(`${node}%2epins`)
  })
})
