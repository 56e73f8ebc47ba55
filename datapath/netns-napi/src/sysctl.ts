import { type Netns, native } from './native.js'
import { NetnsError } from './error.js'

/**
 * Writes a value below `/proc/sys/net` of a namespace.
 *
 * @param path `ipv4/ip_forward`
 * @throws NetnsError ENOENT where there is no such value, ERR_NETNS_ARGUMENT for a path that leads elsewhere
 */
export async function writeSysctlIn(netns: Netns, path: string, value: number): Promise<void> {
  if (!/^[\w.-]+(\/[\w.@-]+)+$/.test(path) || path.includes('..'))
    throw new NetnsError('ERR_NETNS_ARGUMENT', 'open', `${path} is no path below /proc/sys/net`)
  await native.writeInside(netns, `/proc/sys/net/${path}`, `${value}\n`)
}
