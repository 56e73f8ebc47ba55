import { familyOf, numericZone } from './address.js'
import { NetnsError } from './error.js'
import { type Netns, native } from './native.js'
import { openSocketIn } from './socket.js'
import { ready } from './wait.js'

export interface ConnectOptions {
  readonly address: string
  readonly port: number
  /** ETIMEDOUT after it; 0, the default: as long as the kernel tries. */
  readonly timeoutMs?: number
  readonly localAddress?: string
  readonly localPort?: number
  readonly mark?: number
  readonly bindToDevice?: string
}

/** A connected stream descriptor of any protocol; nothing is left open when it rejects. */
export async function connectedFd(netns: Netns, protocol: number, options: ConnectOptions): Promise<number> {
  const { address, port, timeoutMs = 0, localAddress, localPort = 0, mark = 0, bindToDevice = '' } = options
  const family = familyOf(address)
  const bind = { address: localAddress ?? (family === 4 ? '0.0.0.0' : '::'), port: localPort }
  const fd = openSocketIn(netns, {
    family,
    type: 'stream',
    protocol,
    reuseAddress: localPort !== 0,
    mark,
    bindToDevice,
    ...(localAddress !== undefined || localPort !== 0 ? { bind } : {}),
  })
  try {
    const connected = native.connect(fd, numericZone(netns, address), port)
    if (!connected && !(await ready(fd, 'writable', timeoutMs))) {
      throw new NetnsError(110, 'connect', `${address} port ${port} within ${timeoutMs} ms`)
    }
    native.finishConnect(fd, `${address} port ${port}`)
    return fd
  } catch (error) {
    native.closeSocket(fd)
    throw error
  }
}
