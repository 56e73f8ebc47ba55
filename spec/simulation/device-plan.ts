import { nodeAddresses } from '../oracle/generate/addresses.js'
import type { DevicesState } from './node-network.js'
import type { Random } from './random.js'

/** What devices may have besides the node's own addresses: such as nobody names, of the link, and of a pod. */
const others = ['192.168.0.77', '192.0.2.10', '203.0.113.5', '10.0.1.3', 'fe80::77', 'fd00:ffff::77', '2001:db8:9::1']

/** What somebody else makes of the node's devices. */
export function devicesState(random: Random): DevicesState {
  const some = (share: number): readonly string[] => others.filter(() => random.chance(share))
  const own = random.chance(0.8) ? nodeAddresses('here') : nodeAddresses('here').slice(random.below(2))
  return { outer: [...own, ...some(0.2)], ...(random.chance(0.5) && { other: some(0.3) }) }
}
