import { createSocket, type Socket } from 'node:dgram'
import { familyOf } from './address.js'
import { type Netns, native } from './native.js'
import { openSocketIn } from './socket.js'

export interface UdpOptions {
  /** Numeric; `::` by default, which takes IPv4 too unless `v6Only`. */
  readonly address?: string
  /** 0, the default, lets the kernel choose: see `socket.address()`. */
  readonly port?: number
  readonly reuseAddress?: boolean
  readonly v6Only?: boolean
  readonly mark?: number
  readonly bindToDevice?: string
}

/** A bound dgram.Socket inside a namespace. Rejects with EADDRINUSE, EADDRNOTAVAIL and what openSocketIn throws. */
export async function udpSocketIn(netns: Netns, options: UdpOptions = {}): Promise<Socket> {
  const { address = '::', port = 0, reuseAddress = false, v6Only = false, mark = 0, bindToDevice = '' } = options
  const family = familyOf(address)
  const fd = openSocketIn(netns, {
    family,
    type: 'dgram',
    bind: { address, port },
    reuseAddress,
    v6Only,
    mark,
    bindToDevice,
  })
  const socket = createSocket({ type: family === 4 ? 'udp4' : 'udp6' })
  return new Promise((resolve, reject) => {
    socket.once('error', reject)
    try {
      socket.bind({ fd }, () => {
        socket.off('error', reject)
        resolve(socket)
      })
    } catch (error) {
      native.closeSocket(fd)
      reject(error)
    }
  })
}
