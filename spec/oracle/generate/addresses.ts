import fc from 'fast-check'
import { cidrContains, parseAddress } from '../address.js'
import { namespaceNames, nodeNames, pick, podNames } from './names.js'

/**
 * Two addresses for each pod in each family, side by side in small blocks, so that random CIDRs cut between the pods
 * of a namespace, between the families and between cluster and world.
 */
export function ownAddresses(namespace: string, pod: string, variant: 0 | 1): readonly [v4: string, v6: string] {
  const third = namespaceNames.indexOf(namespace as (typeof namespaceNames)[number]) + 1
  const host = podNames.indexOf(pod as (typeof podNames)[number]) + 1 + variant * 8
  return [`10.0.${third}.${host}`, `fd00:0:0:${third.toString(16)}::${host.toString(16)}`]
}

export function nodeAddresses(node: string): readonly [v4: string, v6: string] {
  const host = nodeNames.indexOf(node as (typeof nodeNames)[number]) + 1
  return [`192.168.0.${host}`, `fd00:ffff::${host}`]
}

/** What a node's devices may have: addresses that nobody names, and those of its own object, of the other node, of pods. */
export const observedAddresses: fc.Arbitrary<readonly string[]> = fc
  .uniqueArray(
    fc.oneof(
      { weight: 4, arbitrary: pick(['192.168.0.77', '10.0.1.3', 'fe80::77', 'fd00:ffff::77', '203.0.113.5']) },
      { weight: 1, arbitrary: pick(nodeNames.flatMap(nodeAddresses)) },
      { weight: 1, arbitrary: pick(podNames.flatMap(pod => ownAddresses('default', pod, 0))) },
    ),
    { maxLength: 3 },
  )
  .map(addresses => [...addresses].sort())

/** Outside the cluster whatever is drawn. */
export const worldAddresses = ['203.0.113.7', '10.0.9.9', '2001:db8::7', 'fd00::9:9'] as const

/** One family, the other, or both; rarely none, as before a pod has its addresses. */
export function podAddresses(namespace: string, pod: string): fc.Arbitrary<readonly string[]> {
  return fc
    .record({
      variant: fc.oneof(
        { weight: 5, arbitrary: fc.constant(0 as const) },
        { weight: 1, arbitrary: fc.constant(1 as const) },
      ),
      families: fc.oneof(
        { weight: 5, arbitrary: fc.constant([4]) },
        { weight: 4, arbitrary: fc.constant([4, 6]) },
        { weight: 2, arbitrary: fc.constant([6]) },
        { weight: 1, arbitrary: fc.constant([]) },
      ),
      // Someone else's address, as when one is given out again before its last owner is seen to be gone.
      borrowed: fc.option(fc.record({ namespace: pick(namespaceNames), pod: pick(podNames) }), { freq: 12 }),
    })
    .map(({ variant, families, borrowed }) => {
      const [v4, v6] = ownAddresses(borrowed?.namespace ?? namespace, borrowed?.pod ?? pod, variant)
      return families.map(family => (family === 4 ? v4 : v6))
    })
}

export interface Block {
  readonly cidr: string
  readonly except: readonly string[]
}

/** Blocks of either family from everything down to one address, with holes inside. */
export const blocks: fc.Arbitrary<Block> = fc.oneof(
  block(
    ['0.0.0.0/0', '10.0.0.0/8', '10.0.0.0/22', '10.0.1.0/24', '10.0.2.0/24', '192.168.0.0/16', '203.0.113.0/24'],
    ['10.0.0.0/9', '10.0.1.0/24', '10.0.1.0/30', '10.0.1.2/32', '10.0.2.1/32', '192.168.0.1/32', '203.0.113.4/30'],
  ),
  block(
    ['10.0.1.0/30', '10.0.1.1/32', '10.0.2.2/31', '192.168.0.1/32', '203.0.113.7/32'],
    ['10.0.1.1/32', '10.0.1.2/31', '10.0.2.3/32', '203.0.113.7/32'],
  ),
  block(
    [
      '::/0',
      'fd00::/16',
      'fd00:0:0:1::/64',
      'fd00:0:0:2::/64',
      'fd00:0:0:1::2/127',
      'fd00:ffff::1/128',
      '2001:db8::/32',
    ],
    ['fd00::/17', 'fd00:0:0:1::/64', 'fd00:0:0:1::1/128', 'fd00:0:0:2::2/127', 'fd00:ffff::1/128', '2001:db8::/96'],
  ),
)

function block(cidrs: readonly string[], holes: readonly string[]): fc.Arbitrary<Block> {
  return fc
    .record({ cidr: pick(cidrs), except: fc.uniqueArray(pick(holes), { maxLength: 2 }) })
    .map(({ cidr, except }) => ({ cidr, except: except.filter(hole => isStrictlyInside(hole, cidr)) }))
}

/** The API demands that a hole lie strictly within its block. */
function isStrictlyInside(hole: string, cidr: string): boolean {
  const [base = '', holeBits = ''] = hole.split('/')
  return Number(holeBits) > Number(cidr.split('/')[1]) && cidrContains(cidr, parseAddress(base))
}
