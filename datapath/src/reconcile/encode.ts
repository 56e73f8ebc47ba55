import type { Prefix } from '@weir/core/address/address.js'
import { codecs, type TableMapName } from '../codec/maps.js'
import type { Peer, Wiring } from '../peer.js'
import type { CellOperation } from '../plan/operation.js'
import { bitsOf } from '../plan/prefix-table.js'
import { type RowContent, rowContent } from '../plan/row-content.js'
import { type Placement, stepsPerChunk } from './row-store.js'
import { verdictReasons } from '../flow/reasons.js'
import { type Step, type Verdict, verdicts } from '@weir/core/tables/tables.js'

/** One write of one map, as bytes; without a value it deletes. */
export interface MapWrite {
  readonly map: TableMapName
  readonly key: Uint8Array
  readonly value: Uint8Array | undefined
}

const encodePeer = (peer: Peer | undefined): Uint8Array | undefined =>
  peer &&
  codecs.peer.encode({
    identity: peer.identity,
    peer_class: peer.peerClass,
    subject: peer.subject,
    slot: peer.slot,
  })

export function addressWrite(address: string, peer: Peer | undefined): MapWrite {
  const { family, bytes } = bitsOf(address)
  const value = encodePeer(peer)
  return family === 4
    ? { map: 'weir_addr4', key: codecs.address4.encode({ address: bytes }), value }
    : { map: 'weir_addr6', key: codecs.address6.encode({ address: bytes }), value }
}

export function prefixWrite(prefix: string, peer: Peer | undefined): MapWrite {
  const { family, bytes, length }: Prefix = bitsOf(prefix)
  const value = encodePeer(peer)
  return family === 4
    ? { map: 'weir_pfx4', key: codecs.prefix4.encode({ length, address: bytes }), value }
    : { map: 'weir_pfx6', key: codecs.prefix6.encode({ length, address: bytes }), value }
}

export function cellWrite(cell: CellOperation, placement: Placement | undefined): MapWrite {
  const key = codecs.cellKey.encode({
    subject: cell.subject,
    direction: cell.direction,
    peer_class: cell.peerClass,
  })
  const value = placement && codecs.cell.encode({ first: placement.first, chunks: placement.chunks })
  return { map: 'weir_cells', key, value }
}

const macBytes = (mac: string): Uint8Array => Uint8Array.from(mac.split(':'), part => Number.parseInt(part, 16))

export function endpointWrite(slot: number, wiring: Wiring, generation: number): MapWrite {
  const value = codecs.endpoint.encode({
    generation,
    ifindex: wiring.ifindex,
    pod_mac: macBytes(wiring.podMac),
    host_mac: macBytes(wiring.hostMac),
    identity: wiring.identity,
    flags: 0,
  })
  return { map: 'weir_endpoints', key: codecs.index.encode(slot), value }
}

export const deviceWrite = (ifindex: number, slot: number | undefined): MapWrite => ({
  map: 'weir_devices',
  key: codecs.index.encode(ifindex),
  value: slot === undefined ? undefined : codecs.slot.encode(slot),
})

const unusedKey = 0xffffffff

/** `WEIR_DENY` or `WEIR_ALLOW`, and in the next byte the drop reason of a denial; 0 stands for `Policy denied`. */
const verdictWords: Readonly<Record<Verdict, number>> = {
  [verdicts.deny]: 0,
  [verdicts.allow]: 1,
  [verdicts.denylisted]: verdictReasons.denylisted << 8,
  [verdicts.proxy]: verdictReasons.proxy << 8,
}

/** A word that nobody writes becomes a number that no row has: a row with one differs from every row wanted. */
const verdictOf = (word: number): Verdict =>
  Object.values(verdicts).find(verdict => verdictWords[verdict] === word) ?? (~word as Verdict)

/** The entries of a row; what isn't used has a key that no packet reaches. */
export function rowWrites(row: RowContent, placement: Placement): readonly MapWrite[] {
  return Array.from({ length: placement.chunks }, (_, chunk) => {
    const steps = row.steps.slice(chunk * stepsPerChunk, (chunk + 1) * stepsPerChunk)
    const places = Array.from({ length: stepsPerChunk }, (_unused, index) => steps[index])
    const value = codecs.rowChunk.encode({
      key: places.map(step => step?.key ?? unusedKey),
      verdict: places.map(step => verdictWords[step?.verdict ?? verdicts.deny]),
    })
    return { map: 'weir_rows', key: codecs.index.encode(placement.first + chunk), value }
  })
}

/** The row that chunks hold, whatever they hold. */
export function decodeRow(chunks: readonly Uint8Array[]): RowContent {
  const steps: Step[] = []
  for (const bytes of chunks) {
    const { key, verdict } = codecs.rowChunk.read(bytes)
    for (const [index, stepKey] of key.entries()) {
      if (stepKey !== unusedKey) steps.push({ key: stepKey, verdict: verdictOf(verdict[index]!) })
    }
  }
  return rowContent(steps)
}
