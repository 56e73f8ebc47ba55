import type { Prefix } from '@weir/core/address/address.js'
import { codecs } from '../codec/maps.js'
import { type Peer, unwired, type Wiring } from '../peer.js'
import type { CellOperation } from '../plan/operation.js'
import { type RowContent, rowContent } from '../plan/row-content.js'
import type { BatchBuilder, MapWrite } from './batch.js'
import { type Placement, stepsPerChunk } from './row-store.js'
import { verdictReasons } from '../flow/reasons.js'
import { type Step, type Verdict, verdicts } from '@weir/core/tables/tables.js'

const peerValue = {
  size: codecs.peer.size,
  write: (bytes: Uint8Array, offset: number, { identity, peerClass, subject, slot }: Peer): void =>
    codecs.peer.write(bytes, offset, { identity, peer_class: peerClass, subject, slot }),
}

const addresses4 = { key: codecs.address4, value: peerValue }
const addresses6 = { key: codecs.address6, value: peerValue }
const prefixes4 = { key: codecs.prefix4, value: peerValue }
const prefixes6 = { key: codecs.prefix6, value: peerValue }
const cells = { key: codecs.cellKey, value: codecs.cell }
const endpoints = { key: codecs.index, value: codecs.endpoint }

export function putAddress(into: BatchBuilder, { family, bytes }: Prefix, peer: Peer | undefined): void {
  if (family === 4) into.put('weir_addr4', addresses4, { address: bytes }, peer)
  else into.put('weir_addr6', addresses6, { address: bytes }, peer)
}

export function putPrefix(into: BatchBuilder, { family, bytes, length }: Prefix, peer: Peer | undefined): void {
  if (family === 4) into.put('weir_pfx4', prefixes4, { length, address: bytes }, peer)
  else into.put('weir_pfx6', prefixes6, { length, address: bytes }, peer)
}

export function putCell(into: BatchBuilder, cell: CellOperation, placement: Placement | undefined): void {
  const { subject, direction, peerClass } = cell
  const value = placement && { first: placement.first, chunks: placement.chunks }
  into.put('weir_cells', cells, { subject, direction, peer_class: peerClass }, value)
}

/** The bytes of `02:00:…` text. */
function macBytes(mac: string): Uint8Array {
  const bytes = new Uint8Array(6)
  for (let index = 0; index < 6; index += 1) bytes[index] = Number.parseInt(mac.slice(index * 3, index * 3 + 2), 16)
  return bytes
}

/** The MACs of a slot that is no interface's: most writes of the map are of those. */
const noMac = macBytes(unwired.podMac)

export function putEndpoint(into: BatchBuilder, slot: number, wiring: Wiring, generation: number): void {
  into.put('weir_endpoints', endpoints, slot, {
    generation,
    ifindex: wiring.ifindex,
    pod_mac: wiring === unwired ? noMac : macBytes(wiring.podMac),
    host_mac: wiring === unwired ? noMac : macBytes(wiring.hostMac),
    identity: wiring.identity,
    flags: 0,
  })
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
