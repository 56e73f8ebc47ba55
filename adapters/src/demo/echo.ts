import { listenStreamIn, listenTcpIn, NetnsError, udpSocketIn } from 'netns-napi'
import type { Cell } from './cells.js'

/** Something that answers on a port inside a namespace. */
export interface Listener {
  close(): Promise<void>
}

/** The kernel has no sockets of this protocol. */
export class ProtocolMissing extends Error {
  override readonly name = 'ProtocolMissing'
}

/**
 * Answers with what it is sent, on one address and port inside a namespace.
 *
 * @throws ProtocolMissing when the kernel lacks the protocol; NetnsError for a port in use and the like.
 */
export async function listenEcho(
  netns: string,
  address: string,
  protocol: Cell['protocol'],
  port: number,
): Promise<Listener> {
  if (protocol === 'UDP') {
    const socket = await udpSocketIn(netns, { address, port })
    socket.on('message', (message, from) => socket.send(message, from.port, from.address))
    // A datagram that found nobody comes back as an error of the next call: of no interest here.
    socket.on('error', () => {})
    socket.unref()
    return { close: () => new Promise(resolve => socket.close(resolve)) }
  }
  if (protocol === 'SCTP') return listenSctp(netns, address, port)
  const open = new Set<{ destroy(): void }>()
  const server = await listenTcpIn(netns, {
    address,
    port,
    onConnection: socket => {
      open.add(socket)
      socket.on('close', () => open.delete(socket))
      socket.on('error', () => socket.destroy())
      socket.pipe(socket)
    },
  })
  server.unref()
  return {
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        for (const socket of open) socket.destroy()
      }),
  }
}

function listenSctp(netns: string, address: string, port: number): Listener {
  try {
    const listener = listenStreamIn(netns, { address, port })
    return { close: () => listener.close() }
  } catch (error) {
    if (isMissing(error)) throw new ProtocolMissing('SCTP')
    throw error
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof NetnsError && ['EPROTONOSUPPORT', 'ESOCKTNOSUPPORT', 'EAFNOSUPPORT'].includes(error.code)
}
