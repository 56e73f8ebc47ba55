import { WeirError } from '@weir/core'
import { codecs, ServiceReconciler } from '@weir/datapath'
import { expect } from 'chai'
import { serviceBody, type ServiceOf, sliceBody } from './service-cluster.js'
import { addressesOf, dns, stage, tcp, two, web } from './service-stage.js'

describe('services in maps', () => {
  const many = Array.from({ length: 200 }, (_, index) => ({ name: `s${index}`, clusterIps: [`10.97.0.${index}`] }))

  it('takes the same few writes for one change among many services as among few (law 7)', async () => {
    const counts = []
    for (const services of [many.slice(0, 2), many]) {
      const at = await stage(services, two, { weir_slots: 2 ** 18 })
      const replaced = [{ address: '10.1.0.1' }, { address: '10.1.0.9' }]
      const { writes } = await at.reconciler.apply(at.cluster.endpoints(many[0]!, replaced), at.cluster.engine.tables)
      counts.push(writes)
    }
    expect(counts[0]).to.deep.equal({
      weir_backends4: { updated: 1, deleted: 0 },
      weir_frontends4: { updated: 1, deleted: 0 },
    })
    expect(counts[1]).to.deep.equal(counts[0])
  })

  it('changes nothing in maps that are as they should be, and repairs those that are not', async () => {
    const at = await stage([web, { ...dns, affinitySeconds: 60 }])
    expect((await new ServiceReconciler(at.backend).start(at.cluster.engine.tables)).batches).to.equal(0)
    expect((await at.reconciler.verify()).batches).to.equal(0)
    const { weir_frontends4: frontends, weir_backends4: backends, weir_slots: slots } = at.backend.maps
    const key = codecs.frontend4.encode({ address: Uint8Array.of(10, 96, 0, 1), port: 80, protocol: 6, scope: 0 })
    const line = () => codecs.index.encode(codecs.frontend.read(frontends.lookup(key)!).first / 16)
    const damages = [
      () => frontends.delete(key),
      () =>
        frontends.update(
          codecs.frontend4.encode({ address: new Uint8Array(4), port: 9, protocol: 6, scope: 0 }),
          new Uint8Array(codecs.frontend.size).fill(0xff),
        ),
      () => backends.update(codecs.index.encode(0), new Uint8Array(8)),
      () => backends.update(codecs.index.encode(1), new Uint8Array(8).fill(7)),
      () => slots.update(line(), new Uint8Array(64).fill(0xff)),
    ]
    for (const [number, damage] of damages.entries()) {
      damage()
      expect((await at.reconciler.verify()).batches, `damage ${number}`).to.be.greaterThan(0)
      expect((await at.reconciler.verify()).batches, `damage ${number}, again`).to.equal(0)
      expect(addressesOf(at, tcp('10.96.0.1', 80))).to.have.all.keys('10.1.0.1 8080', '10.1.0.2 8080')
    }
  })

  it('leaves a service as it was that finds no room, and takes in all others (law 5)', async () => {
    for (const [map, size, lacking] of [
      ['weir_frontends4', 3, { services: 1, needed: 4 }],
      ['weir_backends4', 100, { services: 1, needed: 202 }],
      ['weir_slots', 4, { services: 1, needed: 17 }],
    ] as const) {
      const [old, large, third, fourth] = many
      const at = await stage([old!], two, { [map]: size })
      const told: string[] = []
      const reconciler = new ServiceReconciler(at.backend, {
        onShortage: shortages => told.push(shortages.map(each => each.examples.join()).join()),
      })
      await reconciler.start(at.cluster.engine.tables)
      const more = Array.from({ length: 200 }, (_, index) => ({ address: `10.2.0.${index}` }))
      // Of a full map of frontends it is the last that finds no room.
      const late = map === 'weir_frontends4' ? fourth! : large!
      const bodies = [third!, fourth!].map(serviceBody)
      const slices = [third!, fourth!].map(service => sliceBody(service, 'v4', two.slice(0, 2)))
      const largeOnes = [serviceBody(large!), sliceBody(large!, 'v4', more)]
      await reconciler.apply(at.cluster.tell(...largeOnes, ...bodies, ...slices), at.cluster.engine.tables)
      const name = `shop/${late.name}`
      expect(reconciler.shortages, map).to.deep.equal([{ map, size, frontends: 1, examples: [name], ...lacking }])
      expect(reconciler.lastError, map).to.be.instanceOf(WeirError).that.includes({ code: 'WEIR_MAP_FULL' })
      expect(reconciler.lastError?.message, map).to.include(name)
      expect((reconciler.lastError as WeirError<'WEIR_MAP_FULL'>).payload).to.deep.equal({
        map,
        size,
        needed: lacking.needed,
      })
      for (const service of [old!, third!, fourth!].filter(each => each !== late))
        expect(addressesOf(at, tcp(service.clusterIps[0]!, 80)), map).to.have.all.keys('10.1.0.1 8080', '10.1.0.2 8080')
      expect(addressesOf(at, tcp(late.clusterIps[0]!, 80)), map).to.have.all.keys(`${late.clusterIps[0]} 80`)
      expect((await reconciler.verify()).batches, map).to.equal(0)

      const gone = (service: ServiceOf) => ({ kind: 'service.deleted', namespace: 'shop', name: service.name }) as const
      const smaller = sliceBody(large!, 'v4', [{ address: '10.2.0.7' }])
      const freeing = map === 'weir_frontends4' ? gone(large!) : smaller
      await reconciler.apply(at.cluster.tell(freeing), at.cluster.engine.tables)
      expect(reconciler.lastError, map).to.equal(undefined)
      expect(told, map).to.deep.equal([name, ''])
      expect(addressesOf(at, tcp(late.clusterIps[0]!, 80)).size, map).to.equal(late === large ? 1 : 2)
      reconciler.close()
    }
  })

  it('takes in a service that waited for an entry alone, when one goes that had nothing but its entry', async () => {
    const waits = many[1]!
    const call = tcp(waits.clusterIps[0]!, 80)
    const at = await stage(many.slice(0, 1), [], { weir_frontends4: 1 })
    const { tables } = at.cluster.engine
    await at.reconciler.apply(at.cluster.tell(serviceBody(waits)), tables)
    expect(at.reconciler.shortages.map(({ needed, examples }) => ({ needed, examples }))).to.deep.equal([
      { needed: 2, examples: [`shop/${waits.name}`] },
    ])
    expect(addressesOf(at, call)).to.have.all.keys('10.97.0.1 80')
    const gone = { kind: 'service.deleted', namespace: 'shop', name: many[0]!.name } as const
    await at.reconciler.apply(at.cluster.tell(gone), tables)
    expect(at.reconciler.shortages).to.deep.equal([])
    expect(addressesOf(at, call), 'nobody serves').to.deep.equal(new Set())
  })

  it('keeps what a service had while its change finds no room, backends that are gone among it', async () => {
    const at = await stage(many.slice(0, 2), two, { weir_backends4: 4 })
    const { tables } = at.cluster.engine
    const wide = Array.from({ length: 4 }, (_, index) => ({ address: `10.2.0.${index}` }))
    await at.reconciler.apply(at.cluster.endpoints(many[0]!, wide), tables)
    expect(at.reconciler.shortages).to.have.length(1)
    expect(addressesOf(at, tcp('10.97.0.0', 80))).to.have.all.keys('10.1.0.1 8080', '10.1.0.2 8080')
    await at.reconciler.apply(at.cluster.endpoints(many[1]!, []), tables)
    expect(addressesOf(at, tcp('10.97.0.0', 80)), 'no row has them any more').to.have.all.keys(
      '10.1.0.1 8080',
      '10.1.0.2 8080',
    )
    expect((await at.reconciler.verify()).batches).to.equal(0)
    await at.reconciler.apply(at.cluster.endpoints(many[0]!, wide.slice(0, 2)), tables)
    expect(at.reconciler.lastError).to.equal(undefined)
    expect(addressesOf(at, tcp('10.97.0.0', 80))).to.have.all.keys('10.2.0.0 8080', '10.2.0.1 8080')
    expect(at.reconciler.usedPlaces).to.deep.equal({ 4: 2, 6: 0 })
  })

  it('makes up for a write that failed by a comparison with the maps, by itself', async () => {
    const at = await stage(many.slice(0, 1))
    const retries: (() => void)[] = []
    const after = (_: number, retry: () => void) => {
      retries.push(retry)
      return () => {}
    }
    let fails = false
    const reconciler = new ServiceReconciler(at.backend, {
      timer: { after },
      onBatch: ({ map }) => {
        if (fails && map === 'weir_frontends4') throw new RangeError('no')
      },
    })
    await reconciler.start(at.cluster.engine.tables)
    fails = true
    const delta = at.cluster.endpoints(many[0]!, [{ address: '10.1.0.9' }])
    const failed: unknown = await reconciler.apply(delta, at.cluster.engine.tables).catch((error: unknown) => error)
    expect(failed).to.be.instanceOf(WeirError).that.includes({ code: 'WEIR_DATAPATH_FAILED' })
    expect(addressesOf(at, tcp('10.97.0.0', 80))).to.have.all.keys('10.1.0.1 8080', '10.1.0.2 8080')
    fails = false
    retries[0]!()
    expect(reconciler.lastError).to.equal(undefined)
    expect(addressesOf(at, tcp('10.97.0.0', 80))).to.have.all.keys('10.1.0.9 8080')
  })

  it('takes 100,000 backends of one service, or says that they have no room', async () => {
    const crowd = Array.from({ length: 100_000 }, (_, index) => ({
      address: `10.${1 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}`,
    }))
    const sizes = { weir_slots: 2 ** 15, weir_backends4: 131_072 }
    const at = await stage([web], crowd, sizes)
    await at.reconciler.settled()
    expect(at.reconciler.lastError).to.equal(undefined)
    expect(addressesOf(at, tcp('10.96.0.1', 80), 300).size).to.be.greaterThan(250)
    const external = codecs.frontend4.encode({
      address: Uint8Array.of(10, 0, 0, 9),
      port: 30080,
      protocol: 6,
      scope: 1,
    })
    expect(codecs.frontend.read(at.backend.maps.weir_frontends4.lookup(external)!).count).to.equal(131071)

    const tight = await stage([web, dns], crowd, { ...sizes, weir_backends4: 65_536 })
    expect(tight.reconciler.shortages).to.deep.include({
      map: 'weir_backends4',
      size: 65_536,
      // However many frontends of a service lead to them.
      needed: 100_000 + 100_000,
      frontends: 5,
      services: 2,
      examples: ['shop/dns', 'shop/web'],
    })
  }).timeout(60_000)

  it('makes tables smaller rather than refuse them', async () => {
    const at = await stage(many, two, { weir_slots: 200 * 17 })
    expect(addressesOf(at, tcp('10.97.0.199', 80))).to.have.all.keys('10.1.0.1 8080', '10.1.0.2 8080')
  })

  it('has room for as many changes as come, one after the other', async () => {
    const at = await stage([web], two, { weir_slots: 1024, weir_backends4: 8, weir_backends6: 8 })
    const used = at.reconciler.usedLines
    for (let time = 0; time < 100; time += 1) {
      const endpoints = [{ address: `10.3.0.${time}` }, { address: '10.1.0.2' }]
      await at.reconciler.apply(at.cluster.endpoints(web, endpoints), at.cluster.engine.tables)
    }
    expect(at.reconciler.usedLines).to.be.at.most(used)
    expect(addressesOf(at, tcp('10.96.0.1', 80))).to.have.all.keys('10.3.0.99 8080', '10.1.0.2 8080')
  })
})
