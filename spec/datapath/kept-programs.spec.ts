import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { KernelBackendOptions } from '@weir/datapath'
import { createKernelBackend } from '@weir/datapath/kernel/backend.js'
import { expect } from 'chai'
import { openPinnedMap, openPinnedProgram } from 'ebpf-napi'
import { whyNoKernel } from './requires.js'

const reason = whyNoKernel()
const node = `weir-kept-${process.pid}`
const folder = `/sys/fs/bpf/weir/${node}`
const maxEntries = { weir_ct4: 1024, weir_ct6: 1024, weir_addr4: 1024, weir_addr6: 1024, weir_rows: 4096 }

describe(`programs kept for the next run${reason === undefined ? '' : `: ${reason}`}`, function () {
  this.timeout(60_000)
  before(function () {
    if (reason !== undefined) this.skip()
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  const kept = (): readonly string[] => readdirSync(join(folder, 'programs'))

  /** Opens a backend once, as an agent's start does. Returns the kernel's numbers of its programs, by name. */
  function start(options: Partial<KernelBackendOptions> = {}): ReadonlyMap<string, number> {
    createKernelBackend({ node, maxEntries, ...options }).close()
    const [key = '', ...others] = kept()
    expect(others, 'one set of programs').to.deep.equal([])
    return new Map(
      readdirSync(join(folder, 'programs', key)).map(name => {
        const program = openPinnedProgram(join(folder, 'programs', key, name))
        const { id } = program
        program.close()
        return [name, id]
      }),
    )
  }

  it('are the same when nothing is another, and do their work', () => {
    const first = start()
    expect([...first.keys()]).to.include.members(['weir_from_endpoint', 'weir_xdp', 'weir_connect4', 'weir_sweep'])
    expect(start()).to.deep.equal(first)
    const backend = createKernelBackend({ node, maxEntries })
    try {
      expect(backend.sweep().ct4).to.deep.equal({ seen: 0, removed: 0 })
      expect(backend.counters()).to.be.an('object')
    } finally {
      backend.close()
    }
  })

  it('are others when a constant, or what is loaded, is another', () => {
    const first = start()
    expect(first.has('weir_from_overlay'), 'without tunnels').to.equal(false)
    const quicker = start({ eventsPerSecond: 5 })
    expect([...quicker.keys()]).to.deep.equal([...first.keys()])
    for (const [name, id] of quicker) expect(id, name).not.to.equal(first.get(name))
    expect([...start({ tunnels: { kind: 'vxlan', udpPort: 8472 } }).keys()]).to.include('weir_from_overlay')
  })

  it('are others when a map has another size, and use that map', () => {
    start()
    const wider = { ...maxEntries, weir_addr4: 2048 }
    const second = start({ maxEntries: wider })
    expect(start({ maxEntries: wider })).to.deep.equal(second)
    const map = openPinnedMap(join(folder, 'maps', 'weir_addr4-2'))
    const program = openPinnedProgram(join(folder, 'programs', kept()[0]!, 'weir_from_endpoint'))
    try {
      expect(program.info().mapIds).to.include(map.info.id)
    } finally {
      map.close()
      program.close()
    }
  })

  it('are not believed when a map was put in another one’s place', () => {
    const first = start()
    createKernelBackend({ node: `${node}-b`, maxEntries }).close()
    const theirs = join('/sys/fs/bpf/weir', `${node}-b`)
    try {
      renameSync(join(theirs, 'maps', 'weir_cells'), join(folder, 'maps', 'weir_cells'))
    } finally {
      rmSync(theirs, { recursive: true })
    }
    const second = start()
    for (const [name, id] of second) expect(id, name).not.to.equal(first.get(name))
    expect(start()).to.deep.equal(second)
  })

  it('are made anew when a run was killed while it pinned them', () => {
    const first = start()
    const [key = ''] = kept()
    mkdirSync(join(folder, 'programs', `new-${key}`))
    rmSync(join(folder, 'programs', key), { recursive: true })
    const second = start()
    for (const [name, id] of second) expect(id, name).not.to.equal(first.get(name))
  })
})
