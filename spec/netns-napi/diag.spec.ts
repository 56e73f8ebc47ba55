import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { expect } from 'chai'
import { connectTcpIn, destroySocketsIn, listenTcpIn, NetnsError, netnsCookie, udpSocketIn } from 'netns-napi'
import { makePair, namespacesMissing, type Pair } from './veth.js'

const missing = namespacesMissing()

/** Cookies of a namespace's sockets by their local port. */
function cookies(netns: string, kind: '-t' | '-u'): ReadonlyMap<number, bigint> {
  const text = execFileSync('ip', ['netns', 'exec', netns, 'ss', '-Hane', kind], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const found = [...text.matchAll(/^.*?:(\d+) .*\bsk:([0-9a-f]+)/gm)]
  return new Map(found.map(([, port, cookie]) => [Number(port), BigInt(`0x${cookie}`)]))
}

const ended = async (socket: Socket): Promise<string> => {
  const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException]
  return error.code ?? ''
}

const ports = [41_001, 41_002, 41_003] as const

describe(`sockets ended from outside${missing === undefined ? '' : ` (${missing})`}`, () => {
  let pair: Pair

  before(function () {
    if (missing !== undefined) this.skip()
    pair = makePair('diag')
  })
  after(() => pair?.remove())

  for (const family of ['ipv4', 'ipv6'] as const)
    it(`are those that are named, over ${family}: the process learns of it, and the peer is reset`, async () => {
      const { near, far } = pair
      const peers: Socket[] = []
      const server = await listenTcpIn(near.path, {
        address: near[family],
        port: 8080,
        onConnection: socket => peers.push(socket.on('error', () => {})),
      })
      try {
        const sockets = await Promise.all(
          ports.map(localPort =>
            connectTcpIn(far.path, { address: near[family], port: 8080, localPort, timeoutMs: 2000 }),
          ),
        )
        const [first, second, third] = sockets as [Socket, Socket, Socket]
        const known = cookies(far.name, '-t')
        const ends = [ended(first), ended(third)]
        const named = [ports[0], ports[2]].map(port => known.get(port)!)
        expect(destroySocketsIn(far.path, 'udp', named), 'of another protocol').to.equal(0)
        expect(destroySocketsIn(near.path, 'tcp', named), 'of another namespace').to.equal(0)
        expect(destroySocketsIn(far.path, 'tcp', [...named, 1n << 60n])).to.equal(2)
        expect(await Promise.all(ends)).to.deep.equal(['ECONNABORTED', 'ECONNABORTED'])
        expect(destroySocketsIn(far.path, 'tcp', named), 'gone').to.equal(0)
        const answer = once(second, 'data')
        peers[1]!.write('still here')
        expect(String((await answer)[0])).to.equal('still here')
        second.destroy()
      } finally {
        for (const peer of peers) peer.destroy()
        await new Promise(resolve => server.close(resolve))
      }
    })

  it('are UDP sockets that wait as well', async () => {
    const { near, far } = pair
    const socket = await udpSocketIn(far.path, { address: far.ipv4, port: 5353 })
    const error = once(socket, 'error')
    await new Promise<void>(resolve => socket.connect(53, near.ipv4, resolve))
    expect(destroySocketsIn(far.path, 'udp', [cookies(far.name, '-u').get(5353)!])).to.equal(1)
    expect(((await error)[0] as NodeJS.ErrnoException).code).to.equal('ECONNABORTED')
    socket.close()
  })

  it('are in namespaces that have a number each', () => {
    const { near, far } = pair
    expect(netnsCookie(near.path)).to.be.a('bigint').that.equals(netnsCookie(near.path))
    expect(netnsCookie(near.path)).not.to.equal(netnsCookie(far.path))
    expect(() => netnsCookie('/nowhere'))
      .to.throw(NetnsError)
      .with.property('code', 'ENOENT')
  })
})
