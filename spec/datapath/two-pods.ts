import type { AddressRow, CellKey, CellRow, EndpointRow, PrefixRow, Row, Tables } from '@weir/core/tables/tables.js'
import { type Tcp, tcpFrame } from './frames.js'
import { nothingElse } from './verdicts-alone.js'

/** Interfaces of the two pods on the host side. */
export interface TwoPods {
  readonly ifindexes: readonly [number, number]
  readonly ifnames?: readonly [string, string]
}

export const addresses = { a: ['10.77.0.1', 'fd77::1'], b: ['10.77.0.2', 'fd77::2'] } as const
export const podMacs = ['02:77:00:00:00:01', '02:77:00:00:00:02'] as const
export const hostMacs = ['02:77:00:00:01:01', '02:77:00:00:01:02'] as const
const tcp = 6 << 16

const rows: readonly Row[] = [
  { id: 1, steps: [{ key: 0, verdict: 1 }] },
  { id: 2, steps: [{ key: 0, verdict: 0 }] },
  {
    id: 3,
    steps: [
      { key: 0, verdict: 0 },
      { key: tcp | 80, verdict: 1 },
      { key: tcp | 81, verdict: 0 },
    ],
  },
]

/** The host sides of the pods' interfaces, each run's own. */
export const hostSides = [`wdp${process.pid}a`, `wdp${process.pid}b`] as const

/**
 * Pods a and b of one node. a may send anything; b takes TCP 80 from a alone, or nothing when `closed`.
 */
export function twoPods({ ifindexes, ifnames = hostSides }: TwoPods, closed = false): Tables {
  const pods = (['a', 'b'] as const).map((pod, index) => ({
    pod,
    endpoint: index + 1,
    subject: index + 1,
    peerClass: index + 2,
    identity: 1000 + index,
  }))
  const address = new Map<string, AddressRow>()
  const endpoints = new Map<number, EndpointRow>()
  for (const { pod, ...row } of pods) {
    for (const text of addresses[pod]) address.set(text, { address: text, ...row })
    const index = row.endpoint - 1
    endpoints.set(row.endpoint, {
      endpoint: row.endpoint,
      namespace: 'default',
      pod,
      identity: row.identity,
      subject: row.subject,
      addresses: addresses[pod],
      wiring: {
        ifindex: ifindexes[index]!,
        ifname: ifnames[index]!,
        podMac: podMacs[index]!,
        hostMac: hostMacs[index]!,
      },
    })
  }
  const prefixes = new Map<string, PrefixRow>(
    ['0.0.0.0/0', '::/0'].map(prefix => [prefix, { prefix, identity: 2, peerClass: 1 }]),
  )
  const cells = new Map<CellKey, CellRow>()
  const cell = (subject: number, direction: 'egress' | 'ingress', peerClass: number, row: number) =>
    cells.set(`${subject}:${direction}:${peerClass}`, { subject, direction, peerClass, row })
  cell(1, 'egress', 0, 1)
  cell(1, 'ingress', 0, 1)
  cell(2, 'egress', 0, 1)
  cell(2, 'ingress', 0, 2)
  if (!closed) cell(2, 'ingress', 2, 3)
  return {
    addresses: address,
    prefixes,
    endpoints,
    cells,
    rows: new Map(rows.map(row => [row.id, row])),
    ...nothingElse,
  }
}

export const nodeAddresses = ['10.77.1.1', 'fd77:1::1'] as const

/** With the node's addresses. Of subject 0 it isn't judged; else it calls everyone, and takes what the row says. */
export function withNode(tables: Tables, subject: number, row = 3): Tables {
  const host = { identity: 1, peerClass: 4, subject, endpoint: 0 }
  const cells: (readonly [CellKey, CellRow])[] = (
    [
      ['egress', 1],
      ['ingress', row],
    ] as const
  ).map(([direction, of]) => [`${subject}:${direction}:0`, { subject, direction, peerClass: 0, row: of }])
  return {
    ...tables,
    addresses: new Map([
      ...tables.addresses,
      ...nodeAddresses.map(address => [address, { address, ...host }] as const),
    ]),
    cells: new Map([...tables.cells, ...(subject === 0 ? [] : cells)]),
  }
}

/** A segment of pod a to pod b. */
export const fromA = (port: number, flags: Tcp['flags'] = 'syn', family: 4 | 6 = 4): Uint8Array =>
  tcpFrame({
    from: addresses.a[family === 4 ? 0 : 1],
    to: addresses.b[family === 4 ? 0 : 1],
    port,
    flags,
    sourceMac: podMacs[0],
    destinationMac: hostMacs[0],
  })

/** b's answer to fromA. */
export const answerOfB = (port: number): Uint8Array =>
  tcpFrame({
    from: addresses.b[0],
    to: addresses.a[0],
    sourcePort: port,
    port: 40_000,
    flags: 'syn-ack',
    sourceMac: podMacs[1],
    destinationMac: hostMacs[1],
  })
