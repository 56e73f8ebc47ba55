import { expect } from 'chai'
import { addressesOf, clock, connect, dns, stage, tcp, two, udp, web } from './service-stage.js'

const [ECONNREFUSED, EADDRINUSE] = [111, 98]

describe('services at the socket, in memory', () => {
  it('leads connections to all backends, in both families and in IPv6 sockets that speak IPv4', async () => {
    const at = await stage([web])
    expect(addressesOf(at, tcp('10.96.0.1', 80))).to.have.all.keys('10.1.0.1 8080', '10.1.0.2 8080')
    expect(addressesOf(at, tcp('fd96::1', 80))).to.have.all.keys('fd01::1 8080', 'fd01::2 8080')
    expect(addressesOf(at, tcp('::ffff:10.96.0.1', 80, { family: 6 }))).to.have.all.keys(
      '::ffff:10.1.0.1 8080',
      '::ffff:10.1.0.2 8080',
    )
    expect(addressesOf(at, tcp('10.96.0.1', 81))).to.have.all.keys('10.96.0.1 81')
    expect(addressesOf(at, udp('10.96.0.1', 80))).to.have.all.keys('10.96.0.1 80')
  })

  it('shows the peer as the service, until the socket is connected elsewhere', async () => {
    const at = await stage([web])
    for (const [family, address] of [
      [4, '10.96.0.1'],
      [6, 'fd96::1'],
      [6, '::ffff:10.96.0.1'],
    ] as const) {
      const peername = family === 4 ? 'weir_getpeername4' : 'weir_getpeername6'
      const call = tcp(address, 80, { family, socket: 77 })
      const backend = connect(at, call)
      const shown = at.backend.runSocket(peername, { ...call, address: backend.address, port: backend.port })
      expect(shown).to.deep.include({ address, port: 80 })
      connect(at, { ...call, address: backend.address, port: backend.port })
      const direct = at.backend.runSocket(peername, { ...call, address: backend.address, port: backend.port })
      expect(direct).to.deep.include({ address: backend.address, port: backend.port })
    }
  })

  it('refuses at once where there is no backend', async () => {
    const at = await stage([web, dns], [])
    expect(connect(at, tcp('10.96.0.1', 80))).to.deep.include({ allowed: false, error: ECONNREFUSED })
    expect(connect(at, tcp('fd96::1', 80))).to.deep.include({ allowed: false, error: ECONNREFUSED })
    expect(at.backend.runSocket('weir_sendmsg4', udp('10.96.0.2', 53))).to.deep.include({
      allowed: false,
      error: ECONNREFUSED,
    })
  })

  it('has node ports on all addresses of the node for its own processes, and not on the loopback of pods', async () => {
    const at = await stage([web])
    for (const address of ['10.0.0.9', '127.0.0.1', '127.3.2.1', '0.0.0.0'])
      expect(addressesOf(at, tcp(address, 30080)), address).to.have.all.keys('10.1.0.1 8080', '10.1.0.2 8080')
    for (const address of ['fd00::9', '::1', '::'])
      expect(addressesOf(at, tcp(address, 30080)), address).to.have.all.keys('fd01::1 8080', 'fd01::2 8080')
    for (const address of ['127.0.0.1', '::1'])
      expect(addressesOf(at, tcp(address, 30080, { netns: 9 }))).to.have.all.keys(`${address} 30080`)
    expect(addressesOf(at, tcp('10.0.0.9', 30080, { netns: 9 }))).to.have.all.keys('10.1.0.1 8080', '10.1.0.2 8080')
  })

  it('keeps the node’s processes from binding to node ports', async () => {
    const at = await stage([web])
    const bind = (address: string, port: number, netns = 1) =>
      at.backend.runSocket(
        address.includes(':') ? 'weir_post_bind6' : 'weir_post_bind4',
        tcp(address, port, { netns, family: address.includes(':') ? 6 : 4 }),
      )
    for (const address of ['0.0.0.0', '127.0.0.1', '10.0.0.9', '::', '::1', 'fd00::9', '::ffff:127.0.0.1'])
      expect(bind(address, 30080), address).to.deep.include({ allowed: false, error: EADDRINUSE })
    expect(bind('0.0.0.0', 30081).allowed).to.equal(true)
    expect(bind('10.0.0.7', 30080).allowed, 'an address that is none of the node').to.equal(true)
    expect(bind('0.0.0.0', 30080, 9).allowed, 'a pod').to.equal(true)
    expect(bind('10.96.0.1', 80).allowed, 'no node port').to.equal(true)
  })

  it('sends the datagrams of a socket to one backend while that is there, and shows answers as the service’s', async () => {
    const at = await stage([dns])
    for (const [family, address] of [
      [4, '10.96.0.2'],
      [6, 'fd96::2'],
    ] as const) {
      const call = udp(address, 53, { socket: 500 + family })
      const send = () => at.backend.runSocket(family === 4 ? 'weir_sendmsg4' : 'weir_sendmsg6', call)
      const receive = (source: string) =>
        at.backend.runSocket(family === 4 ? 'weir_recvmsg4' : 'weir_recvmsg6', { ...call, address: source })
      const first = send().address
      for (let time = 0; time < 20; time += 1) expect(send().address).to.equal(first)
      expect(receive(first)).to.deep.include({ address, port: 53 })
      const stranger = family === 4 ? '10.1.0.77' : 'fd01::77'
      expect(receive(stranger)).to.deep.include({ address: stranger, port: 53 })
      const left = two.filter(endpoint => endpoint.address !== first)
      await at.reconciler.apply(at.cluster.endpoints(dns, left), at.cluster.engine.tables)
      const second = send().address
      expect(second).not.to.equal(first)
      expect(left.map(endpoint => endpoint.address)).to.include(second)
      expect(receive(first), 'an answer that was under way').to.deep.include({ address, port: 53 })
      await at.reconciler.apply(at.cluster.endpoints(dns, two), at.cluster.engine.tables)
    }
  })

  it('chooses anew for a socket that was silent for a minute', async () => {
    const at = await stage([dns])
    const found = new Set<string>()
    for (let minute = 0; minute < 40; minute += 1) {
      found.add(at.backend.runSocket('weir_sendmsg4', udp('10.96.0.2', 53)).address)
      clock.now += 61_000_000_000n
    }
    expect(found.size).to.equal(2)
  })

  it('keeps a client at its backend as long as affinity says, and not when the backend takes no more', async () => {
    const sticky = { ...web, affinitySeconds: 10 }
    const three = [...two, { address: '10.1.0.3' }]
    const at = await stage([sticky], three)
    const call = tcp('10.96.0.1', 80, { netns: 5 })
    const [kept] = addressesOf(at, call, 1)
    expect([...addressesOf(at, call)]).to.deep.equal([kept])
    expect(addressesOf(at, { ...call, netns: 6 }, 1).size, 'another client has one of its own').to.equal(1)
    clock.now += 9_000_000_000n
    expect([...addressesOf(at, call, 5)]).to.deep.equal([kept])
    const address = kept!.split(' ')[0]!
    const other = three.filter(endpoint => endpoint.address !== address)
    await at.reconciler.apply(
      at.cluster.endpoints(sticky, [...other, { address, ready: false }]),
      at.cluster.engine.tables,
    )
    const [next] = addressesOf(at, call, 1)
    expect(next).not.to.equal(kept)
    expect([...addressesOf(at, call)]).to.deep.equal([next])
    const chosen = new Set<string>()
    for (let time = 0; time < 60; time += 1) {
      clock.now += 11_000_000_000n
      for (const place of addressesOf(at, { ...call, netns: 8 }, 1)) chosen.add(place)
    }
    expect(chosen.size, 'affinity ends').to.be.greaterThan(1)
  })

  it('spreads by weight, and sends nothing where the weight is 0', async () => {
    const at = await stage([web])
    const weigh = (address: string, weight: number) =>
      at.cluster.tell({
        kind: 'backend.configured',
        backend: { target: { kind: 'address', address, port: 8080, protocol: 'TCP' }, state: 'active', weight },
      })
    await at.reconciler.apply(weigh('10.1.0.1', 3), at.cluster.engine.tables)
    let first = 0
    for (let time = 0; time < 4000; time += 1)
      first += Number(connect(at, tcp('10.96.0.1', 80, { socket: time + 1 })).address === '10.1.0.1')
    expect(first / 4000).to.be.within(0.7, 0.8)
    await at.reconciler.apply(weigh('10.1.0.1', 0), at.cluster.engine.tables)
    expect(addressesOf(at, tcp('10.96.0.1', 80))).to.have.all.keys('10.1.0.2 8080')
  })

  it('uses endpoints that terminate as the last resort only', async () => {
    const at = await stage([web], [{ address: '10.1.0.1', ready: false, terminating: true }, { address: '10.1.0.2' }])
    expect(addressesOf(at, tcp('10.96.0.1', 80))).to.have.all.keys('10.1.0.2 8080')
    const last = [{ address: '10.1.0.1', ready: false, terminating: true }]
    await at.reconciler.apply(at.cluster.endpoints(web, last), at.cluster.engine.tables)
    expect(addressesOf(at, tcp('10.96.0.1', 80))).to.have.all.keys('10.1.0.1 8080')
  })
})
