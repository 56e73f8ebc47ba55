import { WeirError } from '@weir/core/errors.js'
import type { Tables, TablesDelta } from '@weir/core/tables/tables.js'
import { codecs, createMemoryBackend, Reconciler, type Timer } from '@weir/datapath'
import { expect } from 'chai'
import { addresses, hostSides, twoPods } from './two-pods.js'
import { nothingElseChanged } from './verdicts-alone.js'

const nothing: TablesDelta = {
  seq: 1,
  addresses: [],
  prefixes: [],
  endpoints: [],
  cells: [],
  rows: [],
  ...nothingElseChanged,
}
const open = twoPods({ ifindexes: [11, 12] })
const closed = twoPods({ ifindexes: [11, 12] }, true)

/** A pod c on this node in the class and subject of a, or one elsewhere. */
function withPodC(tables: Tables, local: boolean): { tables: Tables; delta: TablesDelta } {
  const row = { address: '10.77.0.3', identity: 1000, peerClass: 2, subject: local ? 1 : 0, endpoint: local ? 3 : 0 }
  const endpoint = {
    endpoint: 3,
    namespace: 'default',
    pod: 'c',
    identity: 1000,
    subject: 1,
    addresses: [row.address],
    wiring: { ifindex: 13, ifname: 'weirdpc', podMac: '02:77:00:00:00:03', hostMac: '02:77:00:00:01:03' },
  }
  return {
    tables: {
      ...tables,
      addresses: new Map([...tables.addresses, [row.address, row]]),
      endpoints: local ? new Map([...tables.endpoints, [3, endpoint]]) : tables.endpoints,
    },
    delta: { ...nothing, addresses: [{ after: row }], endpoints: local ? [{ after: endpoint }] : [] },
  }
}

/** A clock that stands still until told. */
function handTimer(): Timer & { readonly delays: number[]; fire(): void } {
  const delays: number[] = []
  let pending: (() => void) | undefined
  return {
    delays,
    after(delayMs, callback) {
      delays.push(delayMs)
      pending = callback
      return () => {
        pending = undefined
      }
    },
    fire() {
      const callback = pending
      pending = undefined
      callback?.()
    },
  }
}

describe('reconciler', () => {
  it('writes a constant number of entries for a pod in a known class (law 7)', async () => {
    const reconciler = new Reconciler(createMemoryBackend())
    await reconciler.start(open)
    const local = withPodC(open, true)
    expect((await reconciler.apply(local.delta, local.tables)).writes).to.deep.equal({
      // Its own slot, and the shared one of flows that took the address for a stranger's.
      weir_endpoints: { updated: 2, deleted: 0 },
      weir_devices: { updated: 1, deleted: 0 },
      weir_addr4: { updated: 1, deleted: 0 },
    })
    const other = new Reconciler(createMemoryBackend())
    await other.start(open)
    const remote = withPodC(open, false)
    expect((await other.apply(remote.delta, remote.tables)).writes).to.deep.equal({
      weir_addr4: { updated: 1, deleted: 0 },
      weir_endpoints: { updated: 1, deleted: 0 },
    })
  })

  it('writes only generations when it starts on maps that are as they should be (law 8)', async () => {
    const backend = createMemoryBackend()
    await new Reconciler(backend).start(open)
    const report = await new Reconciler(backend).start(open)
    expect(report.writes).to.deep.equal({ weir_endpoints: { updated: 2, deleted: 0 } })
  })

  it('does nothing for a delta that was applied already', async () => {
    const reconciler = new Reconciler(createMemoryBackend())
    await reconciler.start(open)
    const { delta, tables } = withPodC(open, true)
    await reconciler.apply(delta, tables)
    expect((await reconciler.apply(delta, tables)).batches).to.equal(0)
  })

  it('goes on from wherever an earlier run was killed', async () => {
    for (let batches = 0; ; batches += 1) {
      const backend = createMemoryBackend()
      await new Reconciler(backend).start(open)
      let left = batches
      const killed = new Reconciler(backend, {
        timer: handTimer(),
        onBatch: () => {
          left -= 1
          if (left < 0) throw new Error('killed')
        },
      })
      const done = await killed.start(withPodC(closed, true).tables).then(
        () => true,
        () => false,
      )
      killed.close()
      const next = new Reconciler(backend)
      await next.start(closed)
      expect(Object.values((await next.verify()).differences).every(count => count === 0)).to.equal(true)
      if (done) break
    }
  })

  it("gives the node's devices their programs, and takes them away, without touching endpoints", async () => {
    const backend = createMemoryBackend()
    const reconciler = new Reconciler(backend)
    const names = () => backend.attachments().map(({ ifname, role = 'endpoint' }) => `${role} ${ifname}`)
    const pods = hostSides.map(ifname => `endpoint ${ifname}`)
    await reconciler.useDevices([{ ifindex: 2, ifname: 'eth0' }])
    expect(names(), 'nothing before the start').to.deep.equal([])
    await reconciler.start(open)
    expect(names()).to.have.members([...pods, 'device eth0'])
    await reconciler.useDevices([{ ifindex: 3, ifname: 'eth1' }])
    expect(names()).to.have.members([...pods, 'device eth1'])
    const next = new Reconciler(backend)
    await next.useDevices([{ ifindex: 3, ifname: 'eth1' }])
    expect((await next.start(open)).detached).to.deep.equal([])
    backend.detach({ ifindex: 3, ifname: 'eth1', role: 'device' })
    expect((await next.verify()).differences).to.include({ attachments: 1 })
    expect(names()).to.have.members([...pods, 'device eth1'])
    await new Reconciler(backend).start(open)
    expect(names(), 'a node whose devices nobody names').to.have.members(pods)
  })

  it('leaves programs at the devices of tunnels until it is told which there are', async () => {
    const backend = createMemoryBackend()
    const overlays = () => backend.attachments().flatMap(({ ifname, role }) => (role === 'overlay' ? [ifname] : []))
    const first = new Reconciler(backend)
    await first.useOverlays([{ ifindex: 8, ifname: 'weir-vxlan' }])
    await first.start(open)
    expect(overlays()).to.deep.equal(['weir-vxlan'])
    let attached = 0
    const attach = backend.attach.bind(backend)
    backend.attach = (attachment, options) => {
      if (attachment.role === 'overlay') attached += 1
      return attach(attachment, options)
    }
    const next = new Reconciler(backend)
    expect((await next.start(open)).detached).to.deep.equal([])
    expect([overlays(), attached], 'as they were').to.deep.equal([['weir-vxlan'], 0])
    await next.useOverlays([{ ifindex: 8, ifname: 'weir-vxlan' }])
    expect(attached, 'those of this build').to.equal(1)
    await next.useOverlays([])
    expect(overlays()).to.deep.equal([])
  })

  it('leaves a device of tunnels as it is, until no route leads into it', async () => {
    const backend = createMemoryBackend()
    const overlays = () => backend.attachments().flatMap(({ ifname, role }) => (role === 'overlay' ? [ifname] : []))
    const own = () => [...backend.maps.weir_own.entries()].map(([key]) => codecs.index.read(key)).sort()
    const [vxlan, geneve] = [
      { ifindex: 8, ifname: 'weir-vxlan', sources: ['192.0.2.1'] },
      { ifindex: 9, ifname: 'weir-geneve', sources: ['192.0.2.1'] },
    ]
    const first = new Reconciler(backend)
    await first.useOverlays([vxlan])
    await first.start(open)
    const next = new Reconciler(backend)
    await next.start(open)
    expect([overlays(), own()], 'before anything is said').to.deep.equal([['weir-vxlan'], [8]])
    await next.addOverlays([geneve])
    await next.verify()
    expect(overlays()).to.have.members(['weir-vxlan', 'weir-geneve'])
    expect(own()).to.deep.equal([8, 9])
    await next.useOverlays([geneve])
    expect([overlays(), own()]).to.deep.equal([['weir-geneve'], [9]])
  })

  it('repairs maps that someone else changed, and tells what it was', async () => {
    const backend = createMemoryBackend()
    const reconciler = new Reconciler(backend)
    await reconciler.start(open)
    const key = codecs.address4.encode({ address: Uint8Array.of(10, 77, 0, 1) })
    backend.maps.weir_addr4.delete(key)
    const cell = codecs.cellKey.encode({ subject: 2, direction: 1, peer_class: 0 })
    backend.maps.weir_cells.update(cell, codecs.cell.encode({ first: 0, chunks: 1 }))
    backend.maps.weir_cells.update(
      codecs.cellKey.encode({ subject: 9, direction: 0, peer_class: 9 }),
      codecs.cell.encode({ first: 70_000, chunks: 5 }),
    )
    backend.maps.weir_devices.delete(codecs.index.encode(11))
    const report = await reconciler.verify()
    expect(report.differences).to.deep.include({ addresses: 1, devices: 1 })
    expect(report.differences.cells).to.be.greaterThanOrEqual(1)
    expect(report.examples).to.include(`address ${addresses.a[0]}: missing or different`)
    expect(reconciler.status.counters).to.include({ repairs: 1 })
    expect(Object.values((await reconciler.verify()).differences).every(count => count === 0)).to.equal(true)
  })

  it('leaves in force what is, when a map is full, and makes up for it when there is room (law 5)', async () => {
    const backend = createMemoryBackend({ maxEntries: { weir_addr4: 2 } })
    const timer = handTimer()
    const errors: Error[] = []
    const reconciler = new Reconciler(backend, { timer, onError: error => errors.push(error) })
    await reconciler.start(open)
    const before = [...backend.maps.weir_endpoints.entries()]
    const { delta, tables } = withPodC(open, true)
    const failed = await reconciler.apply(delta, tables).catch((error: unknown) => error)
    expect(failed)
      .to.be.instanceOf(WeirError)
      .that.deep.includes({
        code: 'WEIR_MAP_FULL',
        payload: { map: 'weir_addr4', size: 2, needed: 3 },
      })
    expect([...backend.maps.weir_endpoints.entries()]).to.deep.equal(before)
    expect(reconciler.status.inSync).to.equal(false)
    timer.fire()
    timer.fire()
    expect(timer.delays).to.deep.equal([100, 200, 400])
    expect(errors).to.have.length(3)
    await reconciler.apply({ ...nothing, addresses: [{ before: delta.addresses[0]!.after! }] }, open)
    expect(reconciler.status.inSync).to.equal(true)
    reconciler.close()
  })

  it('takes no prefix for there because a shorter one is, when it looks whether a map has room', async () => {
    const backend = createMemoryBackend({ maxEntries: { weir_pfx4: 1 } })
    const reconciler = new Reconciler(backend, { timer: handTimer() })
    const rowOf = (prefix: string, identity: number) => ({ prefix, identity, peerClass: 2 })
    const [all, some] = [rowOf('0.0.0.0/0', 2), rowOf('10.9.0.0/16', 16_777_216)]
    await reconciler.start({ ...open, prefixes: new Map([[all.prefix, all]]) })
    const { addresses: rows } = withPodC(open, false).delta
    const tables = { ...withPodC(open, false).tables, prefixes: new Map([all, some].map(row => [row.prefix, row])) }
    const before = [...backend.maps.weir_addr4.entries()]
    const failed = await reconciler
      .apply({ ...nothing, addresses: rows, prefixes: [{ after: some }] }, tables)
      .catch((error: unknown) => error)
    expect(failed)
      .to.be.instanceOf(WeirError)
      .that.deep.includes({ code: 'WEIR_MAP_FULL', payload: { map: 'weir_pfx4', size: 1, needed: 2 } })
    expect([...backend.maps.weir_addr4.entries()], 'nothing of it is written').to.deep.equal(before)
    reconciler.close()
  })

  it('writes nothing of a change whose endpoints have no slot, and says how many it needs', async () => {
    const backend = createMemoryBackend({ maxEntries: { weir_endpoints: 2 } })
    const reconciler = new Reconciler(backend, { timer: handTimer() })
    const failed = await reconciler.start(open).catch((error: unknown) => error)
    expect(failed)
      .to.be.instanceOf(WeirError)
      .that.includes({ code: 'WEIR_MAP_FULL' })
      .and.has.property('message')
      .that.matches(/^weir_endpoints has 2 entries, the change needs [1-9]\d*$/)
    expect([...backend.maps.weir_addr4.entries()]).to.have.length(0)
    reconciler.close()
  })
})
