import { halves } from './pairs.js'
import type { Family } from './fixture.js'
import { of } from './fixture.js'
import { address, mac, type Link } from './frames.js'
import type { Typed } from './machine.js'
import { a, node } from './world.js'

/** A service for those outside, and who is about it. */
export const service = { four: '203.0.113.10', six: '2001:db8:f::10' } as const
/** A pod of another node. */
export const far = { four: '10.0.2.9', six: 'fd00::2:9' } as const
export const near = a
export const servicePort = 80
export const backendPort = 8080
export const protocols = { TCP: 6, UDP: 17 } as const
export const families = [4, 6] as const

/** Frames come by this link, and those that go on leave by the other: the router is at the far end of both. */
export const inward: Link = { from: mac('02:00:00:00:77:01'), to: mac('02:00:00:00:77:02') }
export const onward: Link = { from: mac('02:00:00:00:77:02'), to: mac('02:00:00:00:77:01') }
export const mtuBytes = 1500

const external = 1
const flagLocalOnly = 8
const flagSourceRanges = 2
const slotsPerLine = 16

export type Who = { readonly four: string; readonly six: string }

/** Puts backends into the tables, from index `first` on, and the service in front of them. */
export function serve(
  machine: Typed,
  backends: readonly Who[],
  more: {
    readonly first?: number
    readonly affinity?: number
    readonly isLocalOnly?: boolean
    readonly ranges?: number
  } = {},
): void {
  const { first = 1, affinity = 0, isLocalOnly = false, ranges } = more
  const numbers = backends.map((_, at) => first + at)
  const lines = [numbers, numbers].map(own => [...own, ...Array<number>(slotsPerLine - own.length).fill(0)])
  for (const [line, backend] of lines.entries()) machine.put('weir_slots', line, { backend })
  for (const [name, number] of Object.entries(protocols)) {
    const base = name === 'TCP' ? 0 : 1000
    for (const family of families) {
      for (const [at, who] of backends.entries())
        machine.put(`weir_backends${family}`, base + first + at, {
          address: address(of(who, family)),
          port: backendPort,
          protocol: number,
        })
      const key = { address: address(of(service, family)), port: servicePort, protocol: number, scope: external }
      const isTcp = name === 'TCP'
      machine.put(`weir_frontends${family}`, key, {
        first: isTcp ? 0 : slotsPerLine,
        count: backends.length,
        members_first: isTcp ? 0 : slotsPerLine,
        members: affinity === 0 ? 0 : backends.length,
        affinity,
        flags: (isLocalOnly ? flagLocalOnly : 0) | (ranges === undefined ? 0 : flagSourceRanges),
        ranges: ranges ?? 0,
        beneath_first: 0,
        beneath: 0,
      })
    }
    machine.put('weir_ports', (name === 'TCP' ? 0 : 1024) + Math.floor(servicePort / 64), {
      bits: 1n << BigInt(servicePort % 64),
    })
  }
  machine.put('weir_ports', 3072, { bits: 1n })
  machine.put('weir_slots', 1, {
    backend: [...numbers.map(number => 1000 + number), ...Array<number>(slotsPerLine - numbers.length).fill(0)],
  })
}

/** Nobody serves any more, but the service is there. */
export function close(machine: Typed): void {
  for (const family of families)
    for (const number of Object.values(protocols)) {
      const key = { address: address(of(service, family)), port: servicePort, protocol: number, scope: external }
      machine.put(`weir_frontends${family}`, key, {})
    }
}

/** The node has its address at these devices, and a way to everybody by the one named. */
export function connect(machine: Typed, ifindex: number, isKnown = true, takesFrames = false): void {
  for (const each of [1, ifindex])
    machine.put('weir_own', each, {
      four: address(node.four),
      six: address(node.six),
      takes_frames: takesFrames ? 1 : 0,
    })
  machine.setWays?.(families.map(family => ({ family, ifindex, mtuBytes, ...(isKnown && { macs: onward }) })))
}

export const forget = (machine: Typed): void => {
  for (const map of ['weir_frontends4', 'weir_frontends6', 'weir_own', 'weir_affinities'])
    for (const key of machine.keys(map)) machine.delete(map, key)
  machine.setWays?.([])
}

/** The port that the pair of a flow to the far backend got at the node. */
export function portAtNode(machine: Typed, family: Family): number {
  const ports = halves(machine, family)
    .map(key => ({ key, at: family === 4 ? 8 : 32 }))
    .filter(({ key }) => {
      const bytes = address(of(far, family))
      return bytes.every((byte, place) => key[place] === byte)
    })
    .map(({ key, at }) => key[at + 2]! * 256 + key[at + 3]!)
  if (ports.length !== 1) throw new Error(`${ports.length} flows come back from the far backend`)
  return ports[0]!
}
