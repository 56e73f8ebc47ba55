import type { EgressRow, MasqueradeRow, NonMasqueradeRow } from '@weir/core/tables/egress-rows.js'
import type { EgressTables } from '@weir/core/tables/tables.js'
import { WeirError } from '@weir/core/errors.js'
import { createMemoryBackend } from '@weir/datapath'
import { codecs } from '@weir/datapath/codec/maps.js'
import { LeavingReconciler } from '@weir/datapath/leaving/reconciler.js'
import { expect } from 'chai'

const rule = (prefix: string, action: EgressRow['action'], address = ''): EgressRow => ({
  source: prefix.includes(':') ? 'fd00::1' : '10.0.0.1',
  prefix,
  action,
  policy: 'p',
  gateway: '',
  gatewayAddress: action === 'steer' ? address : '',
  egressAddress: action === 'translate' ? address : '',
})
const tables = (rules: readonly EgressRow[], unmasked: readonly string[], device?: MasqueradeRow): EgressTables => ({
  egressRules: new Map(rules.map(row => [`${row.source} ${row.prefix}`, row])),
  nonMasquerade: new Map(unmasked.map(prefix => [prefix, { prefix, why: 'x' } satisfies NonMasqueradeRow])),
  masquerade: new Map(device === undefined ? [] : [[device.ifindex, device]]),
})
const eth0: MasqueradeRow = { ifindex: 2, ifname: 'eth0', ipv4: '192.0.2.9', ipv6: '' }
const nothing = tables([], [])
const full = tables(
  [rule('203.0.113.0/24', 'steer', '192.0.2.3'), rule('2001:db8::/32', 'noGateway')],
  ['10.0.0.0/8', 'fd00::/8'],
  eth0,
)

describe('ways out in the maps', () => {
  const backendOf = (sizes = {}) => createMemoryBackend({ maxEntries: sizes })
  type Made = Awaited<ReturnType<typeof backendOf>>
  const countsOf = ({ maps }: Made) =>
    (['weir_egress4', 'weir_egress6', 'weir_unmasked4', 'weir_unmasked6', 'weir_masquerade'] as const).map(
      name => [...maps[name].entries()].length,
    )
  const switches = ({ maps }: Made) => codecs.leaving.read(maps.weir_leaving.lookup(codecs.index.encode(0))!)

  it('are what the tables say, from nothing and back to it', async () => {
    const backend = await backendOf()
    const reconciler = new LeavingReconciler(backend)
    await reconciler.start(nothing)
    expect(switches(backend)).to.deep.equal({ masquerades: 0, rules: 0 })
    const rows = <Row>(table: Iterable<readonly [unknown, Row]>) => [...table].map(([, row]) => row)
    await reconciler.apply(
      {
        egressRules: rows(full.egressRules).map(after => ({ after })),
        nonMasquerade: rows(full.nonMasquerade).map(after => ({ after })),
        masquerade: [{ after: eth0 }],
      },
      full,
    )
    expect(countsOf(backend)).to.deep.equal([1, 1, 1, 1, 1])
    expect(switches(backend)).to.deep.equal({ masquerades: 3, rules: 1 })
    const device = codecs.masquerade.read(backend.maps.weir_masquerade.lookup(codecs.index.encode(2))!)
    expect([...device.ipv4]).to.deep.equal([192, 0, 2, 9])
    await reconciler.apply(
      {
        egressRules: rows(full.egressRules).map(before => ({ before })),
        nonMasquerade: rows(full.nonMasquerade).map(before => ({ before })),
        masquerade: [{ before: eth0 }],
      },
      nothing,
    )
    expect(countsOf(backend)).to.deep.equal([0, 0, 0, 0, 0])
    expect(switches(backend)).to.deep.equal({ masquerades: 0, rules: 0 })
    backend.close()
  })
  it('are taken over by a restart without a write, and repaired where somebody has changed them', async () => {
    const backend = await backendOf()
    await new LeavingReconciler(backend).start(full)
    const again = new LeavingReconciler(backend)
    expect((await again.start(full)).writes).to.deep.equal({})
    const [key] = [...backend.maps.weir_unmasked4.entries()][0]!
    backend.maps.weir_unmasked4.delete(key.slice())
    backend.maps.weir_masquerade.update(codecs.index.encode(7), new Uint8Array(20))
    expect((await again.verify()).writes).to.deep.equal({
      weir_unmasked4: { updated: 1, deleted: 0 },
      weir_masquerade: { updated: 0, deleted: 1 },
    })
    backend.close()
  })
  it('leave in force what was when there is no room, and say how much is needed', async () => {
    const backend = await backendOf({ weir_unmasked4: 2 })
    const reconciler = new LeavingReconciler(backend)
    await reconciler.start(tables([], ['10.0.0.0/8'], eth0))
    const many = tables([], ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'], eth0)
    const added = ['172.16.0.0/12', '192.168.0.0/16'].map(prefix => ({ after: { prefix, why: 'x' } }))
    const error = await reconciler
      .apply({ egressRules: [], nonMasquerade: added, masquerade: [] }, many)
      .catch((thrown: unknown) => thrown)
    expect(error).to.be.instanceOf(WeirError)
    expect((error as WeirError).payload).to.deep.equal({ map: 'weir_unmasked4', size: 2, needed: 3 })
    expect(countsOf(backend)).to.deep.equal([0, 0, 1, 0, 1])
    reconciler.close()
    backend.close()
  })
})
