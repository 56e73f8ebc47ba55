import type { EventBody } from '@weir/core'
import type { RoutingMode } from '@weir/core/routing/node-ways.js'
import { nodeAddresses, ownAddresses } from '../oracle/generate/addresses.js'
import { podPlaces } from './places.js'
import type { Random } from './random.js'

/** Of a third node, and of one behind a router. */
const further = ['192.168.0.9', 'fd00:ffff::9'] as const
export const furtherAddresses: readonly string[] = [...further, '192.0.2.50', '10.0.2.200']
/** Within each other, side by side, and such as more than one node claims. */
export const blocks = ['10.0.1.0/24', '10.0.2.0/24', '10.0.2.0/29', '10.0.3.0/24', 'fd00:0:0:2::/64', 'fd00:0:0:3::/64']

const outerLinks = ['192.168.0.', 'fd00:ffff::']
/** Without a router, as the simulated node's routes have it. */
export const isOnLink = (address: string): boolean => outerLinks.some(link => address.startsWith(link))

/** The kinds of ways that the agents of a run keep, one after the other: half of the time all the same. */
export function modesOf(random: Random): readonly RoutingMode[] {
  const one = random.pick(['native', 'vxlan', 'geneve', 'vxlan'] as const)
  if (random.chance(0.5)) return [one]
  const others = (['native', 'off', 'vxlan', 'geneve', 'vxlan', 'geneve'] as const).filter(mode => mode !== one)
  return [one, random.pick(others), one]
}

/** What there is at first: this node and another one, each with a block. */
export const firstWays: readonly EventBody[] = ['here', 'there'].map((name, at) => ({
  kind: 'node.upserted',
  node: { name, labels: {}, addresses: nodeAddresses(name), podCidrs: [blocks[at]!] },
}))

/** Nodes come, go, move and take blocks of each other; pods have addresses in none of them. */
export function wayBodies(random: Random): readonly EventBody[] {
  return Array.from({ length: random.between(1, 3) }, () => (random.chance(0.7) ? nodeBody(random) : podBody(random)))
}

function nodeBody(random: Random): EventBody {
  const name = random.pick(['here', 'there', 'there', 'yonder'])
  if (random.chance(0.2)) return { kind: 'node.deleted', name }
  const all = name === 'yonder' ? [...further, '192.0.2.50'] : nodeAddresses(name)
  const some = all.filter(() => random.chance(0.8))
  const addresses = random.chance(0.2) ? some.reverse() : some
  const podCidrs = blocks.filter(() => random.chance(0.3))
  return { kind: 'node.upserted', node: { name, labels: {}, addresses, podCidrs } }
}

function podBody(random: Random): EventBody {
  const place = random.pick(podPlaces)
  if (random.chance(0.3)) return { kind: 'pod.deleted', ...place }
  const addresses = ownAddresses(place.namespace, random.chance(0.8) ? place.name : 'b', 0)
  const node = random.pick(['here', 'there', 'there', 'yonder', 'nowhere'])
  return {
    kind: 'pod.upserted',
    pod: {
      ...{ ...place, node, addresses, hostNetwork: random.chance(0.1), serviceAccount: 'default' },
      ...{ labels: { app: 'x' }, ports: [] },
    },
  }
}

/** Ways are looked at closely from when all is worked off: mostly before something happens to them, at first always. */
export const waysPause = (random: Random, step: number): number => (step === 1 || random.chance(0.3) ? 2500 : 0)
