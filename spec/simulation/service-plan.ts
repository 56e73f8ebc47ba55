import type { EventBody } from '@weir/core'
import { nodeAddresses, ownAddresses } from '../oracle/generate/addresses.js'
import { podNames } from '../oracle/generate/names.js'
import type { Random } from './random.js'
import type { Ask, Asker, Place } from './service-ways.js'

/** Addresses that the services of the generator claim, in each family. */
const places: readonly Place[] = [
  { address: '10.96.0.1', protocol: 'TCP', port: 80 },
  { address: '10.96.0.1', protocol: 'TCP', port: 81 },
  { address: '10.96.0.1', protocol: 'UDP', port: 80 },
  { address: '10.96.0.2', protocol: 'TCP', port: 80 },
  { address: 'fd00:96::1', protocol: 'TCP', port: 80 },
  { address: '198.51.100.1', protocol: 'TCP', port: 80 },
  { address: nodeAddresses('here')[0], protocol: 'TCP', port: 30080 },
]
const outerPlaces = places.filter(({ port, address }) => port !== 81 && address !== '10.96.0.2')
const clientsOutside = { 4: ['203.0.113.7', '198.51.100.9'], 6: ['2001:db8:c::7'] } as const

/** Who asks for what in a run; everybody for the address that most is claimed at. */
export function asksOf(random: Random): readonly Ask[] {
  const first = places[0]!
  const [four] = ownAddresses('default', 'a', 0)
  const asks: Ask[] = [
    { asker: { by: 'call', isNode: true }, place: first },
    { asker: { by: 'packet', from: four }, place: first },
  ]
  while (asks.length < 9) {
    const isOuter = random.chance(0.2)
    const place = random.pick(isOuter ? outerPlaces : places)
    asks.push({ asker: askerFor(random, place.address.includes(':') ? 6 : 4, isOuter), place })
  }
  return asks
}

function askerFor(random: Random, family: 4 | 6, isOuter: boolean): Asker {
  if (isOuter) return { by: 'outside', from: random.pick(clientsOutside[family]) }
  if (random.chance(0.4)) return { by: 'call', isNode: random.chance(0.5) }
  const [four, six] = ownAddresses('default', random.pick(podNames), 0)
  return { by: 'packet', from: family === 4 ? four : six }
}

/** A service with a few backends. */
export function firstService(): readonly EventBody[] {
  const endpoints = (six: boolean) =>
    podNames.map((pod, at) => ({
      addresses: [ownAddresses('default', pod, 0)[six ? 1 : 0]],
      ...{ ready: true, serving: true, terminating: false, node: at === 2 ? 'there' : 'here', pod },
    }))
  const node = { name: 'here', labels: { 'topology.kubernetes.io/zone': 'z1' }, addresses: nodeAddresses('here') }
  const named = { namespace: 'default', service: 's', ports: [{ name: '', protocol: 'TCP' as const, port: 8080 }] }
  return [
    { kind: 'node.upserted', node: { ...node, podCidrs: [] } },
    {
      kind: 'service.upserted',
      service: {
        ...{ namespace: 'default', name: 's', type: 'LoadBalancer', selector: {} },
        ...{ clusterIps: ['10.96.0.1', 'fd00:96::1'], loadBalancerIps: ['198.51.100.1'] },
        ports: [{ name: '', protocol: 'TCP', port: 80, targetPort: 80, nodePort: 30080 }],
      },
    },
    { kind: 'endpointslice.upserted', slice: { ...named, name: 's-1', endpoints: endpoints(false) } },
    { kind: 'endpointslice.upserted', slice: { ...named, name: 's-2', endpoints: endpoints(true) } },
  ]
}
