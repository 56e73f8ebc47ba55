import type { PortSet } from '../policy/rule.js'

/** Packet keys (protocol << 16 | port) as inclusive ranges `[first, last, first, last, …]`, rising and apart. */
export type Intervals = readonly number[]

const lastKey = 0xffffffff

/** Every protocol and port. */
export const everything: Intervals = [0, lastKey]
export const nothing: Intervals = []

/** The numbers of a port set; its names are not in it. */
export function portSetIntervals(ports: PortSet): Intervals {
  if (ports === 'any') return everything
  return unionOf(
    ports.ranges.map(({ protocol, first, last }) => [packetKey(protocol, first), packetKey(protocol, last)]),
  )
}

/** The number that rows are looked up by, unsigned. */
export const packetKey = (protocol: number, port: number): number => protocol * 65536 + port

export function contains(intervals: Intervals, key: number): boolean {
  for (let i = 0; i < intervals.length; i += 2) if (intervals[i]! <= key && key <= intervals[i + 1]!) return true
  return false
}

export function union(a: Intervals, b: Intervals): Intervals {
  if (a.length === 0) return b
  if (b.length === 0) return a
  const result: number[] = []
  let end = -2
  for (let i = 0, j = 0; i < a.length || j < b.length; ) {
    // Past its end a list has no key, which is not less than any.
    const takeA = j >= b.length || a[i]! <= b[j]!
    const first = takeA ? a[i]! : b[j]!
    const last = takeA ? a[i + 1]! : b[j + 1]!
    if (takeA) i += 2
    else j += 2
    if (first > end + 1) result.push(first, last)
    else if (last > end) result[result.length - 1] = last
    else continue
    end = last
  }
  return result
}

/** The union of any number of them, which may be many. */
export function unionOf(all: readonly Intervals[]): Intervals {
  let sums = all
  // By halves: to add one after the other would go over what is there already again and again.
  while (sums.length > 1) {
    const halved: Intervals[] = []
    for (let at = 0; at < sums.length; at += 2) halved.push(union(sums[at]!, sums[at + 1] ?? nothing))
    sums = halved
  }
  return sums[0] ?? nothing
}

export function intersection(a: Intervals, b: Intervals): Intervals {
  if (isEverything(a)) return b
  if (isEverything(b)) return a
  const result: number[] = []
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    const first = Math.max(a[i]!, b[j]!)
    const last = Math.min(a[i + 1]!, b[j + 1]!)
    if (first <= last) result.push(first, last)
    if (a[i + 1]! < b[j + 1]!) i += 2
    else j += 2
  }
  return result
}

export const difference = (a: Intervals, b: Intervals): Intervals => intersection(a, complement(b))

function complement(a: Intervals): Intervals {
  const result: number[] = []
  let next = 0
  for (let i = 0; i < a.length; i += 2) {
    if (a[i]! > next) result.push(next, a[i]! - 1)
    next = a[i + 1]! + 1
  }
  if (next <= lastKey) result.push(next, lastKey)
  return result
}

const isEverything = (a: Intervals): boolean => a[0] === 0 && a[1] === lastKey
