import { createServer, type Server, Socket } from 'node:net'
import { familyOf } from './address.js'
import { type ConnectOptions, connectedFd } from './connect.js'
import type { Netns } from './native.js'
import { openSocketIn } from './socket.js'

export interface ListenTcpOptions {
  /** Numeric; `::` by default, which takes IPv4 too unless `v6Only`. */
  readonly address?: string
  /** 0, the default, lets the kernel choose: see `server.address()`. */
  readonly port?: number
  readonly backlog?: number
  readonly v6Only?: boolean
  readonly transparent?: boolean
  /** Attached before the first connection can come in. */
  readonly onConnection?: (socket: Socket) => void
}

const tcp = 6

/** A listening net.Server inside a namespace. Rejects with EADDRINUSE, EADDRNOTAVAIL and what openSocketIn throws. */
export async function listenTcpIn(netns: Netns, options: ListenTcpOptions = {}): Promise<Server> {
  const { address = '::', port = 0, backlog = 511, v6Only = false, transparent = false, onConnection } = options
  const fd = openSocketIn(netns, {
    family: familyOf(address),
    type: 'stream',
    bind: { address, port },
    // Node listens once more, which changes nothing: this way its errors are ours.
    listenBacklog: backlog,
    reuseAddress: true,
    v6Only,
    transparent,
  })
  const server = createServer()
  if (onConnection !== undefined) {
    server.on('connection', onConnection)
  }
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ fd, backlog }, () => {
      server.off('error', reject)
      resolve(server)
    })
  })
}

/**
 * A connected net.Socket of a namespace. Rejects with a NetnsError: ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, and
 * ETIMEDOUT after `timeoutMs`.
 */
export async function connectTcpIn(netns: Netns, options: ConnectOptions): Promise<Socket> {
  const fd = await connectedFd(netns, tcp, options)
  return new Socket({ fd, readable: true, writable: true })
}
