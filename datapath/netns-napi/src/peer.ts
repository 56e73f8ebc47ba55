import type { Socket } from 'node:net'
import { NetnsError } from './error.js'
import { native, type PeerCredentials } from './native.js'

/** What Node keeps of a stream's descriptor. */
interface Handled {
  readonly _handle?: { readonly fd?: number } | null
}

/**
 * Who is at the other end of a connection that a unix socket took.
 * @throws NetnsError EBADF when the connection is closed, or is none of a unix socket
 */
export function peerCredentials(connection: Socket): PeerCredentials {
  const fd = (connection as unknown as Handled)._handle?.fd
  if (fd === undefined || fd < 0) throw new NetnsError('EBADF', 'peerCredentials', 'the connection is closed')
  return native.peerCredentials(fd)
}
