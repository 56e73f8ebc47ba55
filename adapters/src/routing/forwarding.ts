import { NetnsError } from 'netns-napi'
import type { Netns } from './netns.js'

/**
 * Lets the kernel forward packets, as a node with pods does. A router doesn't believe other routers: devices that have
 * their IPv6 default route from one are told to go on. What is on already is left alone.
 *
 * @returns what was changed, by its name
 * @throws NetnsError EROFS, EACCES where it may not be changed
 */
export async function allowForwarding(netns: Netns): Promise<readonly string[]> {
  const { path, rtnetlink } = netns
  const changed: string[] = []
  const set = async (file: string, value: number): Promise<void> => {
    await rtnetlink.writeSysctlIn(path, file, value)
    changed.push(`net.${file.replaceAll('/', '.')}=${value}`)
  }
  if ((await read(netns, 'ipv4/ip_forward')) === '0') await set('ipv4/ip_forward', 1)
  if ((await read(netns, 'ipv6/conf/all/forwarding')) !== '0') return changed
  for (const { name } of rtnetlink.interfacesIn(path)) {
    const file = `ipv6/conf/${name}/accept_ra`
    if ((await read(netns, file)) === '1') await set(file, 2)
  }
  await set('ipv6/conf/all/forwarding', 1)
  return changed
}

/** Undefined where the kernel has no such value: it has no IPv6, or the device has gone. */
async function read({ path, rtnetlink }: Netns, file: string): Promise<string | undefined> {
  try {
    return await rtnetlink.readSysctlIn(path, file)
  } catch (error) {
    if (error instanceof NetnsError && error.code === 'ENOENT') return undefined
    throw error
  }
}
