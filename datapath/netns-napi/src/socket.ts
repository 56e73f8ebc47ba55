import { type Netns, native } from './native.js'

export interface SocketOptions {
  readonly family: 4 | 6
  readonly type: 'stream' | 'dgram' | 'raw' | 'seqpacket'
  /** IPPROTO_ number; 0 by default: TCP for streams, UDP for datagrams. SCTP is 132. */
  readonly protocol?: number
  /** Numeric address, IPv6 with a zone if need be; port 0 lets the kernel choose. */
  readonly bind?: { readonly address: string; readonly port: number }
  /** Listens when above 0. */
  readonly listenBacklog?: number
  readonly reuseAddress?: boolean
  readonly reusePort?: boolean
  readonly v6Only?: boolean
  /** IP_TRANSPARENT: foreign addresses may be bound. */
  readonly transparent?: boolean
  /** SO_MARK; 0: none. */
  readonly mark?: number
  /** Name of a device in the namespace. */
  readonly bindToDevice?: string
}

/**
 * A non-blocking, close-on-exec socket made inside a namespace: the caller owns the descriptor. A socket stays in the
 * namespace that it was made in, so the descriptor works from any thread.
 * Errors: ENOENT (no such namespace), EINVAL (not a namespace), EPROTONOSUPPORT (the kernel lacks the protocol),
 * EADDRINUSE, EADDRNOTAVAIL, EPERM (CAP_SYS_ADMIN is needed to enter).
 */
export function openSocketIn(netns: Netns, options: SocketOptions): number {
  return native.openSocket(netns, {
    family: options.family,
    type: options.type,
    protocol: options.protocol ?? 0,
    reuseAddress: options.reuseAddress ?? false,
    reusePort: options.reusePort ?? false,
    v6Only: options.v6Only ?? false,
    transparent: options.transparent ?? false,
    mark: options.mark ?? 0,
    bindToDevice: options.bindToDevice ?? '',
    backlog: options.listenBacklog ?? 0,
    address: options.bind?.address,
    port: options.bind?.port ?? 0,
  })
}

/** Closes a descriptor of openSocketIn that wasn't handed on to a Node object. */
export function closeSocket(fd: number): void {
  native.closeSocket(fd)
}
