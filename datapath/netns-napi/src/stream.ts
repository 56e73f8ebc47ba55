import { familyOf } from './address.js'
import { type ConnectOptions, connectedFd } from './connect.js'
import { type Netns, native, type WaitTicket } from './native.js'
import { closeSocket, openSocketIn } from './socket.js'
import { ready } from './wait.js'

/** IPPROTO_SCTP. */
export const sctp = 132

export interface StreamListenerOptions {
  readonly address: string
  /** 0, the default, lets the kernel choose. */
  readonly port?: number
  /** IPPROTO_ number; SCTP by default. */
  readonly protocol?: number
}

/** Accepts connections of a protocol that net can't wrap, and closes each at once: enough to be reached. */
export interface StreamListener {
  readonly port: number
  /** Connections so far. */
  readonly accepted: number
  close(): Promise<void>
}

/** Listens inside a namespace; EPROTONOSUPPORT (or ESOCKTNOSUPPORT) when the kernel lacks the protocol. */
export function listenStreamIn(netns: Netns, options: StreamListenerOptions): StreamListener {
  const { address, port = 0, protocol = sctp } = options
  const fd = openSocketIn(netns, {
    family: familyOf(address),
    type: 'stream',
    protocol,
    bind: { address, port },
    reuseAddress: true,
    listenBacklog: 128,
  })
  let accepted = 0
  let closed = false
  let ticket: WaitTicket | undefined

  async function acceptAll(): Promise<void> {
    try {
      while (!closed) {
        const isReady = await ready(fd, 'readable', 0, given => {
          ticket = given
        })
        const connection = isReady && !closed ? native.accept(fd) : -1
        if (connection >= 0) {
          accepted++
          native.closeSocket(connection)
        }
      }
    } finally {
      native.closeSocket(fd)
    }
  }

  const boundPort = native.localAddress(fd).port
  const ended = acceptAll()
  // Whoever calls close() learns of a failure; without that it must not end the process.
  ended.catch(() => undefined)
  return {
    port: boundPort,
    get accepted() {
      return accepted
    },
    close() {
      closed = true
      if (ticket !== undefined) {
        native.cancel(ticket)
      }
      return ended
    },
  }
}

/** Connects by a protocol that net can't wrap, and closes again; rejects as connectTcpIn does. */
export async function reachStreamIn(
  netns: Netns,
  options: ConnectOptions & { readonly protocol?: number },
): Promise<void> {
  closeSocket(await connectedFd(netns, options.protocol ?? sctp, options))
}
