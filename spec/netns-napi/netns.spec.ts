import { once } from 'node:events'
import { closeSync, openSync, readdirSync } from 'node:fs'
import type { Server } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { expect } from 'chai'
import {
  closeSocket,
  connectTcpIn,
  ifindexIn,
  interfacesIn,
  listenStreamIn,
  listenTcpIn,
  NetnsError,
  openSocketIn,
  pingIn,
  reachStreamIn,
  sctp,
  udpSocketIn,
} from 'netns-napi'
import { ip, makePair, namespacesMissing, type Pair } from './veth.js'

function codeOf(call: () => unknown): string {
  try {
    call()
  } catch (error) {
    expect(error).to.be.instanceOf(NetnsError)
    return (error as NetnsError).code
  }
  return 'nothing was thrown'
}

async function rejection(promise: Promise<unknown>): Promise<NetnsError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).to.be.instanceOf(NetnsError)
  return error as NetnsError
}

function portOf(server: Server): number {
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

const descriptors = (): number => readdirSync('/proc/self/fd').length

describe('netns-napi', () => {
  let pair: Pair
  let near: string
  let far: string

  before(function () {
    const missing = namespacesMissing()
    if (missing !== undefined) {
      if (this.test !== undefined) {
        this.test.title += ` [${missing}]`
      }
      this.skip()
    }
    pair = makePair('netns')
    near = pair.near.path
    far = pair.far.path
  })

  after(() => {
    pair?.remove()
  })

  describe('interfaces', () => {
    it('are those of the namespace', () => {
      const found = interfacesIn(far)
      expect(found.map(({ name }) => name)).to.deep.equal(['lo', pair.far.device])
      const shown = JSON.parse(ip('-n', pair.far.name, '-j', 'link', 'show', pair.far.device)) as {
        ifindex: number
        address: string
        mtu: number
      }[]
      const { ifindex, address: mac, mtu } = shown[0] ?? { ifindex: 0, address: '', mtu: 0 }
      expect(found[1]).to.deep.equal({ name: pair.far.device, ifindex, mac, mtu, up: true })
      expect(ifindexIn(far, pair.far.device)).to.equal(ifindex)
    })

    it('that are missing, and namespaces that are none, are errors', () => {
      expect(codeOf(() => ifindexIn(far, 'nonesuch'))).to.equal('ENODEV')
      expect(codeOf(() => interfacesIn('/run/netns/weir-nonesuch'))).to.equal('ENOENT')
      expect(codeOf(() => interfacesIn('/etc/hostname'))).to.equal('EINVAL')
      expect(codeOf(() => interfacesIn(9999))).to.equal('EBADF')
    })

    it('are found by a descriptor of the namespace too', () => {
      const fd = openSync(far, 'r')
      expect(interfacesIn(fd)).to.deep.equal(interfacesIn(far))
      closeSync(fd)
    })
  })

  describe('TCP', () => {
    for (const family of ['ipv4', 'ipv6'] as const) {
      it(`connects and carries data over ${family}`, async function () {
        this.timeout(8000)
        const server = await listenTcpIn(far, {
          onConnection: socket => socket.end(`${socket.remoteAddress} to you`),
        })
        try {
          const options = { address: pair.far[family], port: portOf(server), timeoutMs: 4000 }
          const socket = await connectTcpIn(near, options)
          let text = ''
          for await (const chunk of socket) {
            text += String(chunk)
          }
          expect(text).to.equal(`${family === 'ipv4' ? '::ffff:' : ''}${pair.near[family]} to you`)
          expect(socket.destroyed).to.equal(true)
        } finally {
          server.close()
        }
      })
    }

    it("takes a device of the namespace as an address's zone", async function () {
      this.timeout(8000)
      const address = `${pair.far.linkLocal}%${pair.far.device}`
      const server = await listenTcpIn(far, { address, port: 4003, onConnection: socket => socket.end() })
      const to = `${pair.far.linkLocal}%${pair.near.device}`
      const socket = await connectTcpIn(near, { address: to, port: 4003, timeoutMs: 4000 })
      socket.destroy()
      server.close()
      expect(await pingIn(near, to, { timeoutMs: 2000 })).to.equal(true)
      const nowhere = connectTcpIn(near, { address: 'fe80::2%nonesuch', port: 4003 })
      expect((await rejection(nowhere)).code).to.equal('ENODEV')
    })

    it('lets the client choose its own address and port', async () => {
      const server = await listenTcpIn(far, { address: pair.far.ipv4, port: 4000 })
      const accepted = once(server, 'connection')
      const socket = await connectTcpIn(near, {
        address: pair.far.ipv4,
        port: 4000,
        localAddress: pair.near.ipv4,
        localPort: 4567,
        timeoutMs: 3000,
        bindToDevice: pair.near.device,
        mark: 1,
      })
      const [peer] = (await accepted) as [import('node:net').Socket]
      expect(peer.remotePort).to.equal(4567)
      expect(socket.localPort).to.equal(4567)
      socket.destroy()
      peer.destroy()
      server.close()
    })

    it('says refused, unreachable and timed out, and leaves nothing open', async () => {
      const before = descriptors()
      const to = (address: string, port: number) => rejection(connectTcpIn(near, { address, port, timeoutMs: 200 }))
      expect(await to(pair.far.ipv4, 1)).to.include({ code: 'ECONNREFUSED', errno: 111, call: 'connect' })
      expect((await to('10.99.0.1', 80)).code).to.equal('ENETUNREACH')
      expect((await to('10.77.0.99', 80)).code).to.equal('ETIMEDOUT')
      expect((await to('not-an-address', 80)).code).to.equal('ERR_NETNS_ARGUMENT')
      expect(descriptors()).to.equal(before)
    })

    it('waits as long as it was told, also when it is called late in a busy turn', async () => {
      await setImmediate()
      const busyUntil = performance.now() + 60
      while (performance.now() < busyUntil);
      const started = performance.now()
      const timedOut = rejection(connectTcpIn(near, { address: '10.77.0.97', port: 80, timeoutMs: 200 }))
      expect((await timedOut).code).to.equal('ETIMEDOUT')
      // libuv counts whole milliseconds.
      expect(performance.now() - started).to.be.within(199, 1500)
    })

    it('waits for many at once without a thread each', async () => {
      const started = performance.now()
      const all = Array.from({ length: 50 }, () =>
        rejection(connectTcpIn(near, { address: '10.77.0.98', port: 80, timeoutMs: 300 })),
      )
      const codes = new Set((await Promise.all(all)).map(error => error.code))
      expect([...codes]).to.deep.equal(['ETIMEDOUT'])
      expect(performance.now() - started).to.be.below(1500)
    })

    it('says when a port is taken or an address is not there', async () => {
      const server = await listenTcpIn(far, { port: 4001, v6Only: true })
      expect((await rejection(listenTcpIn(far, { port: 4001, v6Only: true }))).code).to.equal('EADDRINUSE')
      expect((await rejection(listenTcpIn(far, { address: '10.1.1.1' }))).code).to.equal('EADDRNOTAVAIL')
      const foreign = await listenTcpIn(far, { address: '10.1.1.1', transparent: true })
      foreign.close()
      server.close()
    })

    it('never moves the process itself', async () => {
      const server = await listenTcpIn(far, { port: 4002 })
      expect(interfacesIn('/proc/self/ns/net')).to.not.deep.equal(interfacesIn(far))
      server.close()
    })
  })

  describe('UDP', () => {
    for (const family of ['ipv4', 'ipv6'] as const) {
      it(`asks and answers over ${family}`, async function () {
        this.timeout(8000)
        const server = await udpSocketIn(far, { address: pair.far[family], port: 5353 })
        server.on('message', (message, from) => server.send(`re: ${message}`, from.port, from.address))
        const client = await udpSocketIn(near, { address: pair.near[family], bindToDevice: pair.near.device })
        try {
          const answer = once(client, 'message')
          client.send('hello', 5353, pair.far[family])
          const [message] = (await answer) as [Buffer]
          expect(String(message)).to.equal('re: hello')
        } finally {
          client.close()
          server.close()
        }
      })
    }

    it('says when a port is taken', async () => {
      const first = await udpSocketIn(far, { port: 5354, v6Only: true })
      expect((await rejection(udpSocketIn(far, { port: 5354, v6Only: true }))).code).to.equal('EADDRINUSE')
      first.close()
    })
  })

  describe('ping', () => {
    it('is answered over both families, many at once', async function () {
      this.timeout(8000)
      const targets = [pair.far.ipv4, pair.far.ipv6, '127.0.0.1', '::1', pair.far.ipv4, pair.far.ipv6]
      const answers = await Promise.all(targets.map(target => pingIn(near, target, { timeoutMs: 4000 })))
      expect(answers).to.deep.equal(targets.map(() => true))
      const options = { timeoutMs: 2000, payloadBytes: 1201, localAddress: pair.near.ipv4 }
      expect(await pingIn(near, pair.far.ipv4, options)).to.equal(true)
    })

    it('is false for nobody, and throws without a route', async () => {
      expect(await pingIn(near, '10.77.0.97', { timeoutMs: 100 })).to.equal(false)
      expect((await rejection(pingIn(near, '10.99.0.1', { timeoutMs: 100 }))).code).to.equal('ENETUNREACH')
    })
  })

  describe('plain sockets', () => {
    it('are descriptors of the caller', () => {
      const before = descriptors()
      const fd = openSocketIn(far, {
        family: 4,
        type: 'stream',
        bind: { address: pair.far.ipv4, port: 0 },
        listenBacklog: 1,
        reusePort: true,
      })
      expect(descriptors()).to.equal(before + 1)
      closeSocket(fd)
      expect(descriptors()).to.equal(before)
      expect(codeOf(() => openSocketIn(far, { family: 4, type: 'stream', bind: { address: 'x', port: 1 } }))).to.equal(
        'EINVAL',
      )
      expect(
        codeOf(() => openSocketIn(far, { family: 4, type: 'raw', bindToDevice: 'nonesuch', protocol: 1 })),
      ).to.equal('ENODEV')
      expect(descriptors()).to.equal(before)
    })

    it('leak nothing over 10,000 opens and closes', () => {
      const before = descriptors()
      for (let round = 0; round < 10_000; round++) {
        closeSocket(openSocketIn(far, { family: 6, type: 'dgram' }))
      }
      expect(descriptors()).to.equal(before)
    }).timeout(20_000)
  })

  describe('streams that net cannot wrap', () => {
    it('are accepted and counted', async () => {
      const tcp = 6
      const listener = listenStreamIn(far, { address: pair.far.ipv4, protocol: tcp })
      for (let round = 0; round < 3; round++) {
        await reachStreamIn(near, { address: pair.far.ipv4, port: listener.port, protocol: tcp, timeoutMs: 3000 })
      }
      const deadline = Date.now() + 1000
      while (listener.accepted < 3 && Date.now() < deadline) {
        await new Promise(resolve => setTimeout(resolve, 2))
      }
      expect(listener.accepted).to.equal(3)
      const before = descriptors()
      await listener.close()
      await listener.close()
      expect(descriptors()).to.equal(before - 1)
      const again = reachStreamIn(near, { address: pair.far.ipv4, port: listener.port, protocol: tcp, timeoutMs: 500 })
      expect((await rejection(again)).code).to.equal('ECONNREFUSED')
    })

    it('of SCTP work where the kernel has it, and say so where not', async () => {
      let listener: ReturnType<typeof listenStreamIn>
      try {
        listener = listenStreamIn(far, { address: pair.far.ipv4 })
      } catch (error) {
        expect((error as NetnsError).code).to.be.oneOf(['EPROTONOSUPPORT', 'ESOCKTNOSUPPORT'])
        const reach = reachStreamIn(near, { address: pair.far.ipv4, port: 1 })
        expect((await rejection(reach)).code).to.equal((error as NetnsError).code)
        const open = (): number => openSocketIn(far, { family: 4, type: 'seqpacket', protocol: sctp })
        expect(codeOf(open)).to.be.oneOf(['EPROTONOSUPPORT', 'ESOCKTNOSUPPORT'])
        return
      }
      await reachStreamIn(near, { address: pair.far.ipv4, port: listener.port, timeoutMs: 3000 })
      await listener.close()
    })
  })
})
