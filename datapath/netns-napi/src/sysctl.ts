import { type Netns, native } from './native.js'
import { NetnsError } from './error.js'

/**
 * Writes a value below `/proc/sys/net` of a namespace.
 *
 * @param path `ipv4/ip_forward`
 * @throws NetnsError ENOENT where there is no such value, ERR_NETNS_ARGUMENT for a path that leads elsewhere
 */
export async function writeSysctlIn(netns: Netns, path: string, value: number): Promise<void> {
  await native.writeInside(netns, fileOf(path), `${value}\n`)
}

/**
 * The value of a file below `/proc/sys/net` of a namespace, without the end of its line.
 *
 * @throws as writeSysctlIn
 */
export async function readSysctlIn(netns: Netns, path: string): Promise<string> {
  return (await native.readInside(netns, fileOf(path))).toString('utf8').trimEnd()
}

function fileOf(path: string): string {
  if (!/^[\w.-]+(\/[\w.@-]+)+$/.test(path) || path.includes('..'))
    throw new NetnsError('ERR_NETNS_ARGUMENT', 'open', `${path} is no path below /proc/sys/net`)
  return `/proc/sys/net/${path}`
}
