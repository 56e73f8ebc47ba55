import { ownAddresses } from '../oracle/generate/addresses.js'
import { moreDestinations } from '../oracle/generate/egress.js'
import { podNames } from '../oracle/generate/names.js'
import type { WayOut } from './leaving-watch.js'
import type { Random } from './random.js'

/** By more than the programs for pods alone see: destinations that blocks of gateways and masquerading tell apart. */
export function waysOutOf(random: Random): readonly WayOut[] {
  return Array.from({ length: 8 }, () => {
    const to = random.pick(moreDestinations)
    return { from: ownAddresses('default', random.pick(podNames), 0)[to.includes(':') ? 1 : 0], to }
  })
}
