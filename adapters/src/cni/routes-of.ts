import { interfacesIn, routesIn } from 'netns-napi'

const mainTable = 254

/** Addresses that the node reaches by a device of a pod. */
export async function addressesBehind(netns: string, device: string): Promise<readonly string[]> {
  const ifindex = interfacesIn(netns).find(({ name }) => name === device)?.ifindex
  if (ifindex === undefined) return []
  const found = [await routesIn(netns, 4), await routesIn(netns, 6)]
  return found.flatMap((routes, at) =>
    routes
      .filter(route => route.ifindex === ifindex && route.table === mainTable)
      .flatMap(({ destination: { address, length } }) => (length === (at === 0 ? 32 : 128) ? [address] : [])),
  )
}
