import type { Tables } from '@weir/core/tables/tables.js'
import fc from 'fast-check'
import { anyDraw, type Draw, flowKeys, nearby, tablesOf } from './tables-at-random.js'

/** Remote addresses, beside the few of a draw: enough that a plan looks at their classes rather than at each. */
export const crowdSize = 48

const crowdAddress = (number: number): string => `172.16.0.${number}`

/** Some of the crowd and some local addresses, which meet it. */
export const crowdFlows = {
  addresses: [...[0, 1, 2, crowdSize / 2, crowdSize - 1].map(crowdAddress), '10.0.0.1', '10.0.0.2', '10.0.0.3'],
  keys: flowKeys.slice(0, 2),
}

const locals = new Map(
  ['10.0.0.1', '10.0.0.2', '10.0.0.3'].map((address, index) => [
    address,
    { identity: 256, peerClass: 1, subject: index + 1, endpoint: index + 1 },
  ]),
)

/** @param classes of the crowd's first half and of its second */
const withCrowd = (draw: Draw, classes: readonly [number, number]): Tables => {
  const crowd = Array.from({ length: crowdSize }, (_, number) => {
    const peerClass = classes[number < crowdSize / 2 ? 0 : 1]
    return [crowdAddress(number), { identity: 300, peerClass, subject: 0, endpoint: 0 }] as const
  })
  const world = { identity: 2, peerClass: 1 }
  return tablesOf({
    addresses: new Map([...locals, ...crowd]),
    prefixes: new Map([['0.0.0.0/0', world], ['::/0', world], ...draw.prefixes]),
    cells: draw.cells,
  })
}

const someClasses = fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 }))

export const crowdMoves: fc.Arbitrary<{ readonly a: Tables; readonly b: Tables }> = anyDraw
  .chain(a => fc.tuple(fc.constant(a), fc.oneof(fc.constant(a), nearby(a), anyDraw), someClasses, someClasses))
  .map(([a, b, from, to]) => ({ a: withCrowd(a, from), b: withCrowd(b, to) }))

/** A crowd of one class; parted, its second half has another, of which every subject says the same. */
export function partedCrowd(parted: boolean): Tables {
  const cells: [`${number}:${'ingress' | 'egress'}:${number}`, number][] = [
    ['1:ingress:0', 1],
    ['1:egress:0', 16],
    ['1:ingress:2', 6],
  ]
  if (parted) cells.push(['1:ingress:3', 6])
  return withCrowd({ addresses: new Map(), prefixes: new Map(), cells: new Map(cells) }, [2, parted ? 3 : 2])
}
