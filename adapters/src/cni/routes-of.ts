import { rowsIn } from '../routing/ip.js'

/** Addresses that the node reaches by a device of a pod. */
export async function addressesBehind(netns: string, device: string): Promise<readonly string[]> {
  const found = await Promise.all(
    [4, 6].map(family => rowsIn<{ readonly dst: string }>(netns, [`-${family}`, 'route', 'show', 'dev', device])),
  )
  return found.flat().flatMap(({ dst }) => (dst.includes('/') ? [] : [dst]))
}
