import { WeirError } from '@weir/core/errors.js'
import {
  type Backend,
  codecs,
  flowEvents,
  type FlowEvent,
  type MapName,
  packetActions,
  Reconciler,
} from '@weir/datapath'
import { expect } from 'chai'
import { tcpFrame } from './frames.js'
import { nothingElseChanged } from './verdicts-alone.js'
import {
  addresses,
  answerOfB,
  fromA,
  hostMacs,
  hostSides,
  nodeAddresses,
  podMacs,
  twoPods,
  withNode,
} from './two-pods.js'

export interface FactoryOptions {
  readonly maxEntries?: Readonly<Partial<Record<MapName, number>>>
}

/** A backend with empty maps, two interfaces that it can attach to, and the way to be rid of all. */
export interface Subject {
  readonly backend: Backend
  readonly ifindexes: readonly [number, number]
  dispose(): Promise<void>
}

export interface Conformance {
  readonly factory: (options?: FactoryOptions) => Promise<Subject>
  readonly supports: {
    /** Redirects tell where to. */
    readonly redirectTarget: boolean
  }
}

/** What every backend does alike. Call it within a describe. */
export function conformsToBackend({ factory, supports }: Conformance): void {
  let subject: Subject
  const make = async (options?: FactoryOptions) => {
    subject = await factory(options)
    return subject
  }

  afterEach(() => subject.dispose())

  const cellKey = (subject: number) => codecs.cellKey.encode({ subject, direction: 1, peer_class: 7 })
  const cell = (first: number) => codecs.cell.encode({ first, chunks: 1 })
  const joined = (parts: readonly Uint8Array[]) => Uint8Array.from(parts.flatMap(part => [...part]))

  it('writes, reads, lists and deletes entries', async () => {
    const { weir_cells: cells } = (await make()).backend.maps
    expect(cells.lookup(cellKey(1))).to.equal(undefined)
    cells.update(cellKey(1), cell(10))
    cells.update(cellKey(1), cell(11))
    cells.update(cellKey(2), cell(12))
    expect(codecs.cell.read(cells.lookup(cellKey(1))!)).to.deep.equal({ first: 11, chunks: 1 })
    const subjects = [...cells.entries()].map(([key]) => codecs.cellKey.read(key).subject).sort()
    expect(subjects).to.deep.equal([1, 2])
    expect(cells.delete(cellKey(1))).to.equal(true)
    expect(cells.delete(cellKey(1))).to.equal(false)
    expect([...cells.entries()]).to.have.length(1)
  })

  it('writes and deletes in batches', async () => {
    const { weir_cells: cells } = (await make()).backend.maps
    const subjects = [1, 2, 3, 4, 5]
    cells.updateBatch(joined(subjects.map(cellKey)), joined(subjects.map(cell)), subjects.length)
    expect([...cells.entries()]).to.have.length(5)
    cells.deleteBatch(joined([9, 1, 2].map(cellKey)), 3)
    expect([...cells.entries()]).to.have.length(3)
  })

  it('is counted and read in parts, each entry once while nothing changes', async () => {
    const { weir_cells: cells } = (await make()).backend.maps
    expect([...cells.lengths(64)].reduce((sum, length) => sum + length, 0)).to.equal(0)
    const subjects = Array.from({ length: 1000 }, (_, at) => at + 1)
    cells.updateBatch(joined(subjects.map(cellKey)), joined(subjects.map(cell)), subjects.length)
    const lengths = [...cells.lengths(64)]
    expect(lengths.reduce((sum, length) => sum + length, 0)).to.equal(1000)
    expect(lengths.length).to.be.greaterThan(3)
    const read = [...cells.parts(64)].flat().map(([key]) => codecs.cellKey.read(key).subject)
    expect(read.sort((a, b) => a - b)).to.deep.equal(subjects)
  })

  it('refuses what does not fit, by a typed error', async () => {
    const { weir_cells: cells } = (await make({ maxEntries: { weir_cells: 4 } })).backend.maps
    expect(cells.maxEntries).to.equal(4)
    for (const subject of [1, 2, 3, 4]) cells.update(cellKey(subject), cell(subject))
    expect(() => cells.update(cellKey(5), cell(5)))
      .to.throw(WeirError)
      .that.includes({ code: 'WEIR_MAP_FULL' })
  })

  it('refuses prefixes that do not fit, by the same', async () => {
    const { weir_pfx4: prefixes } = (await make({ maxEntries: { weir_pfx4: 1 } })).backend.maps
    const key = (length: number) => codecs.prefix4.encode({ length, address: Uint8Array.of(10, 0, 0, 0) })
    const value = new Uint8Array(prefixes.valueSize)
    prefixes.update(key(8), value)
    expect(() => prefixes.update(key(16), value))
      .to.throw(WeirError)
      .that.includes({ code: 'WEIR_MAP_FULL' })
  })

  it('judges packets by the tables that were applied', async () => {
    const { backend, ifindexes } = await make()
    const reconciler = new Reconciler(backend)
    await reconciler.start(twoPods({ ifindexes }))
    const send = (port: number, family: 4 | 6 = 4) =>
      backend.runProgram('weir_from_endpoint', fromA(port, 'syn', family), { ifindex: ifindexes[0] })
    for (const family of [4, 6] as const) {
      expect(send(80, family).action).to.equal(packetActions.redirect)
      expect(send(81, family).action).to.equal(packetActions.drop)
    }
    if (supports.redirectTarget) expect(send(80).redirect).to.deep.equal({ ifindex: ifindexes[1], toPeer: true })
    const answer = backend.runProgram('weir_from_endpoint', answerOfB(80), { ifindex: ifindexes[1] })
    expect(answer.action).to.equal(packetActions.redirect)
  })

  it('lets nobody outside pass for the node', async () => {
    const { backend, ifindexes } = await make()
    const { cells, ...others } = withNode(twoPods({ ifindexes }), 0)
    const toB = { subject: 2, direction: 'ingress', peerClass: 4, row: 1 } as const
    await new Reconciler(backend).start({ ...others, cells: new Map([...cells, ['2:ingress:4', toB] as const]) })
    const fromNode = (ingressIfindex: number, port: number) =>
      backend.runProgram(
        'weir_to_endpoint',
        tcpFrame({
          from: nodeAddresses[1],
          to: addresses.b[1],
          port,
          flags: 'syn',
          sourceMac: hostMacs[1],
          destinationMac: podMacs[1],
        }),
        { ifindex: ifindexes[1], ingressIfindex },
      ).action
    expect(fromNode(ifindexes[0], 22)).to.equal(packetActions.drop)
    expect(fromNode(0, 22)).to.equal(packetActions.pass)
    expect(fromNode(ifindexes[0], 23)).to.equal(packetActions.drop)
  })

  it('cuts an established flow when the policy that allowed it goes', async () => {
    const { backend, ifindexes } = await make()
    const reconciler = new Reconciler(backend)
    await reconciler.start(twoPods({ ifindexes }))
    const run = (packet: Uint8Array) =>
      backend.runProgram('weir_from_endpoint', packet, { ifindex: ifindexes[0] }).action
    expect(run(fromA(80))).to.equal(packetActions.redirect)
    expect(run(fromA(80, 'ack'))).to.equal(packetActions.redirect)
    const closed = twoPods({ ifindexes }, true)
    const before = twoPods({ ifindexes }).cells.get('2:ingress:2')!
    await reconciler.apply(
      { seq: 2, addresses: [], prefixes: [], endpoints: [], rows: [], cells: [{ before }], ...nothingElseChanged },
      closed,
    )
    expect(run(fromA(80, 'ack'))).to.equal(packetActions.drop)
    expect(backend.counters().tallies).to.include({ flows_opened: 1n, flows_cut: 1n })
  })

  it('tells of drops with reason, addresses and identities', async () => {
    const { backend, ifindexes } = await make()
    await new Reconciler(backend).start(twoPods({ ifindexes }))
    const told = new Promise<FlowEvent>(resolve => {
      const subscription = flowEvents(backend).subscribe(({ events }) => {
        const drop = events.find(event => event.kind === 'drop')
        if (drop === undefined) return
        setImmediate(() => subscription.unsubscribe())
        resolve(drop)
      })
    })
    backend.runProgram('weir_from_endpoint', fromA(443), { ifindex: ifindexes[0] })
    const event = await told
    expect(event).to.deep.include({
      verdict: 'deny',
      reason: 133,
      reasonName: 'Policy denied',
      direction: 'ingress',
      family: 4,
      protocol: 6,
      source: { address: addresses.a[0], port: 40_000, identity: 1000, endpoint: 1 },
      destination: { address: addresses.b[0], port: 443, identity: 1001, endpoint: 2 },
      isReply: false,
    })
    const denied = backend.counters().reasons.find(count => count.reason === 133)
    expect(denied?.ingress.packets).to.equal(1n)
  })

  it('sweeps what has expired and nothing else', async () => {
    const { backend, ifindexes } = await make()
    await new Reconciler(backend).start(twoPods({ ifindexes }))
    backend.runProgram('weir_from_endpoint', fromA(80), { ifindex: ifindexes[0] })
    const key = codecs.conntrack4.encode({ address: [1, 2], port: [3, 4], protocol: 17 })
    const expired = {
      expires: 0n,
      generation: 0,
      slot: [0, 0],
      timeout: 1,
      seen: new Uint8Array(2),
      originator: 0,
      cut: 0,
      flags: 0,
    }
    backend.maps.weir_ct4.update(key, codecs.conntrack.encode(expired))
    expect(backend.sweep().ct4).to.deep.equal({ seen: 2, removed: 1 })
    expect([...backend.maps.weir_ct4.entries()]).to.have.length(1)
  })

  it('judges the node at its device while a policy selects it', async () => {
    const { backend, ifindexes } = await make()
    const reconciler = new Reconciler(backend)
    const arriving = (from: string, to: string, port: number) =>
      backend.runProgram(
        'weir_from_device',
        tcpFrame({ from, to, port, flags: 'ack', sourceMac: podMacs[0], destinationMac: hostMacs[0] }),
        { ifindex: ifindexes[0], ingressIfindex: ifindexes[0] },
      ).action
    const both = (outside: readonly string[], port: number) =>
      outside.map((from, at) => arriving(from, nodeAddresses[at]!, port))
    const outside = ['192.0.2.9', '2001:db8::9']
    await reconciler.start(withNode(twoPods({ ifindexes }), 0))
    expect(both(outside, 81)).to.deep.equal([packetActions.next, packetActions.next])
    expect(both(addresses.a, 80)).to.deep.equal([packetActions.drop, packetActions.drop])
    await reconciler.start(withNode(twoPods({ ifindexes }), 5))
    expect(both(outside, 80)).to.deep.equal([packetActions.next, packetActions.next])
    expect(both(outside, 81)).to.deep.equal([packetActions.drop, packetActions.drop])
    await new Reconciler(backend).start(withNode(twoPods({ ifindexes }), 5))
    expect(both(outside, 80), 'after a restart').to.deep.equal([packetActions.next, packetActions.next])
    await reconciler.start(withNode(twoPods({ ifindexes }), 5, 2))
    expect(both(outside, 80)).to.deep.equal([packetActions.drop, packetActions.drop])
    expect(backend.counters().tallies).to.include({ flows_opened: 2n, flows_rejudged: 2n, flows_cut: 2n })
  })

  it('attaches to devices of the node beside endpoints', async () => {
    const { backend, ifindexes } = await make()
    const [endpoint, device] = [
      { ifindex: ifindexes[0], ifname: hostSides[0] },
      { ifindex: ifindexes[1], ifname: hostSides[1], role: 'device' },
    ] as const
    for (const attachment of [endpoint, device, device]) backend.attach(attachment)
    expect([...backend.attachments()].sort((a, b) => a.ifname.localeCompare(b.ifname))).to.deep.equal([
      endpoint,
      device,
    ])
    backend.detach(endpoint)
    expect(backend.attachments()).to.deep.equal([device])
    backend.detach(device)
    expect(backend.attachments()).to.deep.equal([])
  })

  it('attaches, knows where, and detaches', async () => {
    const { backend, ifindexes } = await make()
    const attachment = { ifindex: ifindexes[0], ifname: hostSides[0] }
    expect(backend.attachments()).to.deep.equal([])
    backend.attach(attachment)
    backend.attach(attachment)
    expect(backend.attachments()).to.deep.equal([attachment])
    backend.detach(attachment)
    backend.detach(attachment)
    expect(backend.attachments()).to.deep.equal([])
  })
}
