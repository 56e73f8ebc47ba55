import { createRequire } from 'node:module'
import { NetnsError } from './error.js'

/** A namespace: the path of its file (`/run/netns/NAME`, `/proc/PID/ns/net`) or an open descriptor of it. */
export type Netns = string | number

/** Facts of a device; `mac` is all zeros for those without one. */
export interface Interface {
  readonly name: string
  readonly ifindex: number
  readonly mac: string
  readonly mtu: number
  readonly up: boolean
}

/** A device as the network sees it. */
export interface Device {
  readonly name: string
  readonly ifindex: number
  /** Largest packet that it sends, in bytes; 0 when it went away meanwhile. */
  readonly mtu: number
  readonly loopback: boolean
  /** Canonical text, link-local ones without their zone. */
  readonly addresses: readonly string[]
  /** A default route of either family leads by it. */
  readonly defaultRoute: boolean
}

/** Who connected a unix socket, as the kernel noted then. */
export interface PeerCredentials {
  readonly pid: number
  readonly uid: number
  readonly gid: number
  /** Supplementary groups. */
  readonly groups: readonly number[]
}

declare const ticket: unique symbol
export interface WaitTicket {
  readonly [ticket]: true
}

export interface NativeSpec {
  readonly family: 4 | 6
  readonly type: string
  readonly protocol: number
  readonly reuseAddress: boolean
  readonly reusePort: boolean
  readonly v6Only: boolean
  readonly transparent: boolean
  readonly mark: number
  readonly bindToDevice: string
  readonly backlog: number
  readonly address: string | undefined
  readonly port: number
}

interface Native {
  setErrorClass(errorClass: typeof NetnsError): void
  openSocket(netns: Netns, spec: NativeSpec): number
  connect(fd: number, address: string, port: number): boolean
  finishConnect(fd: number, address: string): void
  accept(fd: number): number
  sendTo(fd: number, bytes: Uint8Array, address: string, port: number): number
  receive(fd: number, bytes: Uint8Array): number
  localAddress(fd: number): { address: string; port: number }
  closeSocket(fd: number): void
  interfaces(netns: Netns): Interface[]
  network(netns: Netns): Device[]
  changes(netns: Netns): number
  rtnetlink(netns: Netns, messages: readonly Uint8Array[], goesOn: boolean): Promise<Buffer>
  readInside(netns: Netns, path: string): Promise<Buffer>
  writeInside(netns: Netns, path: string, text: string): Promise<Uint8Array>
  drain(fd: number): void
  ifindex(netns: Netns, name: string): number
  destroySockets(netns: Netns, protocol: number, cookies: BigUint64Array): number
  netnsCookie(netns: Netns): bigint
  peerCredentials(fd: number): PeerCredentials
  wait(
    fd: number,
    writable: boolean,
    timeoutMs: number,
    done: (error: NetnsError | undefined, ready: boolean) => void,
  ): WaitTicket
  cancel(ticket: WaitTicket): void
}

function load(): Native {
  const path = new URL('../build/Release/netns_napi.node', import.meta.url)
  try {
    const native = createRequire(import.meta.url)(path.pathname) as Native
    native.setErrorClass(NetnsError)
    return native
  } catch (cause) {
    throw new NetnsError(
      'ERR_NETNS_NOT_BUILT',
      'require',
      `${path.pathname} can't be loaded (${(cause as Error).message}); build it with ` +
        '`npm run build:native` in the package, which needs a C++17 compiler, make and Python 3',
      { cause },
    )
  }
}

export const native = load()
