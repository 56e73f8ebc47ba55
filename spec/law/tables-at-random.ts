import type {
  AddressRow,
  CellKey,
  CellRow,
  EndpointRow,
  PrefixRow,
  Row,
  Step,
  Tables,
} from '@weir/core/tables/tables.js'
import fc from 'fast-check'
import { nothingElse } from './empty-tables.js'

/** Where the steps of random rows are, and one key before, between and behind them. */
export const stepKeys = [0x60050, 0x601bb, 0x110035] as const
export const flowKeys = [0x10800, ...stepKeys, 0x840007] as const

const rows: readonly Row[] = Array.from({ length: 16 }, (_, id) => {
  const steps: Step[] = []
  for (const [index, key] of [0, ...stepKeys].entries()) {
    const verdict = ((id >> index) & 1) as 0 | 1
    if (steps.at(-1)?.verdict !== verdict) steps.push({ key, verdict })
  }
  return { id: id + 1, steps }
})

const exact4 = ['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.5', '10.0.1.1', '192.0.2.1']
const exact6 = ['fd00::1', 'fd00::2', 'fd00:1::3']
const prefixes = [
  '0.0.0.0/0',
  '10.0.0.0/8',
  '10.0.0.0/24',
  '10.0.0.4/30',
  '10.0.0.1/32',
  '::/0',
  'fd00::/64',
  'fd00::/16',
]

/** Addresses that random tables know, and some that only prefixes know. */
export const flowAddresses = [
  ...exact4,
  ...exact6,
  '10.0.0.6',
  '10.0.0.9',
  '10.9.9.9',
  '8.8.8.8',
  'fd00::9',
  '2001:db8::1',
]

const subjects = [1, 2, 3]
const classes = [1, 2, 3, 4]
const row = fc.integer({ min: 1, max: rows.length })

const address = fc.record({
  identity: fc.integer({ min: 256, max: 259 }),
  peerClass: fc.constantFrom(...classes),
  subject: fc.constantFrom(0, 0, ...subjects),
  // 0: an address of the node itself, which is judged while a policy selects it.
  endpoint: fc.integer({ min: 0, max: 4 }),
})
const prefix = fc.record({ identity: fc.integer({ min: 2, max: 4 }), peerClass: fc.constantFrom(...classes) })
const cellKeys = subjects.flatMap(subject =>
  (['egress', 'ingress'] as const).flatMap(direction =>
    [0, ...classes].map(peerClass => ({ subject, direction, peerClass })),
  ),
)

/** What a transition is drawn from: a table entry is there or not, and what it says. */
export interface Draw {
  readonly addresses: ReadonlyMap<string, Omit<AddressRow, 'address'>>
  readonly prefixes: ReadonlyMap<string, Omit<PrefixRow, 'prefix'>>
  readonly cells: ReadonlyMap<CellKey, number>
}

const some = <Key, Value>(keys: readonly Key[], value: fc.Arbitrary<Value>, absentWeight: number) =>
  fc
    .tuple(
      ...keys.map(() =>
        fc.oneof({ weight: 3, arbitrary: value }, { weight: absentWeight, arbitrary: fc.constant(undefined) }),
      ),
    )
    .map(
      values =>
        new Map(keys.flatMap((key, index) => (values[index] === undefined ? [] : [[key, values[index]!] as const]))),
    )

const cellKey = (key: { subject: number; direction: 'egress' | 'ingress'; peerClass: number }): CellKey =>
  `${key.subject}:${key.direction}:${key.peerClass}`

export const anyDraw: fc.Arbitrary<Draw> = fc.record({
  addresses: some([...exact4, ...exact6], address, 1),
  prefixes: some(prefixes, prefix, 1),
  cells: some(cellKeys.map(cellKey), row, 2),
})

/** The same draw with a few entries drawn again: most transitions in life are small. */
export const nearby = (draw: Draw): fc.Arbitrary<Draw> =>
  fc.record({ other: anyDraw, keep: fc.array(fc.nat(9), { minLength: 48, maxLength: 48 }) }).map(({ other, keep }) => {
    let place = 0
    const merge = <Key, Value>(mine: ReadonlyMap<Key, Value>, theirs: ReadonlyMap<Key, Value>) => {
      const merged = new Map(mine)
      for (const key of new Set([...mine.keys(), ...theirs.keys()])) {
        if (keep[place++ % keep.length] !== 0) continue
        const value = theirs.get(key)
        if (value === undefined) merged.delete(key)
        else merged.set(key, value)
      }
      return merged
    }
    return {
      addresses: merge(draw.addresses, other.addresses),
      prefixes: merge(draw.prefixes, other.prefixes),
      cells: merge(draw.cells, other.cells),
    }
  })

export function tablesOf(draw: Draw): Tables {
  const addresses = new Map<string, AddressRow>()
  const endpoints = new Map<number, EndpointRow>()
  for (const [text, drawn] of draw.addresses) {
    const endpoint = drawn.subject === 0 ? 0 : drawn.endpoint
    addresses.set(text, { ...drawn, address: text, endpoint })
    if (endpoint === 0) continue
    const before = endpoints.get(endpoint)
    endpoints.set(endpoint, {
      endpoint,
      namespace: 'default',
      pod: `pod-${endpoint}`,
      identity: drawn.identity,
      subject: drawn.subject,
      addresses: [...(before?.addresses ?? []), text],
      wiring: {
        ifindex: 100 * drawn.identity + endpoint,
        ifname: `weir${endpoint}`,
        hostMac: '02:00:00:00:00:01',
        podMac: '02:00:00:00:00:02',
      },
    })
  }
  const cells = new Map<CellKey, CellRow>()
  for (const key of cellKeys) {
    const id = draw.cells.get(cellKey(key))
    if (id !== undefined) cells.set(cellKey(key), { ...key, row: id })
  }
  return {
    addresses,
    prefixes: new Map([...draw.prefixes].map(([text, drawn]) => [text, { ...drawn, prefix: text }])),
    endpoints,
    cells,
    rows: new Map(rows.map(entry => [entry.id, entry])),
    ...nothingElse,
  }
}

/** What core never leaves out. */
function withWorld(draw: Draw): Draw {
  const known = { identity: 2, peerClass: 1 }
  return { ...draw, prefixes: new Map([['0.0.0.0/0', known], ['::/0', known], ...draw.prefixes]) }
}

/** Two tables: far apart or near. The first may lack what core never leaves out, as a map that was tampered with may. */
export const transition: fc.Arbitrary<{ readonly a: Tables; readonly b: Tables }> = anyDraw
  .chain(a =>
    fc.tuple(fc.constant(a), fc.oneof({ weight: 1, arbitrary: anyDraw }, { weight: 3, arbitrary: nearby(a) })),
  )
  .map(([a, b]) => ({ a: tablesOf(a), b: tablesOf(withWorld(b)) }))
