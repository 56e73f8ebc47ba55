import type { EndpointSliceFact, SliceEndpoint } from '@weir/core/event/service.js'

/** The addresses of a slice that may carry traffic: ready ones, and those that go on serving while they end. */
export function trafficAddresses(slice: EndpointSliceFact): readonly string[] {
  const found: string[] = []
  for (const endpoint of slice.endpoints)
    if (endpoint.ready || (endpoint.terminating && endpoint.serving)) found.push(...endpoint.addresses)
  return found
}

/** An endpoint for each address, of which nothing else is known than that it is ready. */
export function readyEndpoints(addresses: readonly string[]): readonly SliceEndpoint[] {
  return addresses.map(address => ({ addresses: [address], ready: true, serving: true, terminating: false }))
}
