import type { EgressRow, MasqueradeRow } from '@weir/core/tables/egress-rows.js'
import { commonBits } from '@weir/core/address/address.js'
import { codecs, egressActions, masqueradeFamilies } from '../codec/maps.js'
import { bitsOf } from '../plan/prefix-table.js'
import type { MapWrite } from '../reconcile/batch.js'

const actions: Readonly<Record<EgressRow['action'], number>> = {
  steer: egressActions.WEIR_EGRESS_STEER,
  translate: egressActions.WEIR_EGRESS_TRANSLATE,
  noGateway: egressActions.WEIR_EGRESS_NO_GATEWAY,
  noAddress: egressActions.WEIR_EGRESS_NO_ADDRESS,
  pass: egressActions.WEIR_EGRESS_PASS,
}

/** An address in the 16 bytes that hold one of either family. */
function wide(address: string): Uint8Array {
  const bytes = new Uint8Array(16)
  if (address !== '') bytes.set(bitsOf(address).bytes)
  return bytes
}

/** The entry of a rule; without a row, its end. */
export function egressWrite(
  { source, prefix }: Pick<EgressRow, 'source' | 'prefix'>,
  row: EgressRow | undefined,
): MapWrite {
  const from = bitsOf(source)
  const to = bitsOf(prefix)
  const key = { length: from.length + to.length, source: from.bytes, destination: to.bytes }
  const value =
    row && codecs.egress.encode({ action: actions[row.action], address: wide(row.gatewayAddress + row.egressAddress) })
  return from.family === 4
    ? { map: 'weir_egress4', key: codecs.egress4.encode(key), value }
    : { map: 'weir_egress6', key: codecs.egress6.encode(key), value }
}

const keyOf = ({ key }: MapWrite) => (key.length === codecs.egress4.size ? codecs.egress4 : codecs.egress6).read(key)

/** How long a rule's prefix is, both addresses counted. */
export const egressLength = (write: MapWrite): number => keyOf(write).length

/** Names the source of a rule. */
export const egressSource = (write: MapWrite): string => keyOf(write).source.join('.')

/** What leaves a packet to masquerading. */
export const egressPass = codecs.egress.encode({ action: egressActions.WEIR_EGRESS_PASS, address: new Uint8Array(16) })

/** Whether a rule with this value decides by itself. */
export const egressActs = (value: Uint8Array): boolean =>
  codecs.egress.read(value).action !== egressActions.WEIR_EGRESS_PASS

/** The value of the longest of these rules that holds for all of a block. */
export function egressWinner(rules: readonly MapWrite[], block: MapWrite): Uint8Array | undefined {
  const { length, source, destination } = keyOf(block)
  const whole = Uint8Array.of(...source, ...destination)
  let found: { readonly length: number; readonly value: Uint8Array | undefined } | undefined
  for (const rule of rules) {
    const key = keyOf(rule)
    if (rule.map !== block.map || key.length > length || (found !== undefined && key.length < found.length)) continue
    if (commonBits(Uint8Array.of(...key.source, ...key.destination), whole, key.length) === key.length)
      found = { length: key.length, value: rule.value }
  }
  return found?.value
}

export function unmaskedWrite(prefix: string, isThere: boolean): MapWrite {
  const { family, bytes, length } = bitsOf(prefix)
  const value = isThere ? codecs.unmasked.encode(1) : undefined
  return family === 4
    ? { map: 'weir_unmasked4', key: codecs.prefix4.encode({ length, address: bytes }), value }
    : { map: 'weir_unmasked6', key: codecs.prefix6.encode({ length, address: bytes }), value }
}

export function masqueradeWrite(ifindex: number, row: MasqueradeRow | undefined): MapWrite {
  const value =
    row && codecs.masquerade.encode({ ipv4: wide(row.ipv4 ?? '').subarray(0, 4), ipv6: wide(row.ipv6 ?? '') })
  return { map: 'weir_masquerade', key: codecs.index.encode(ifindex), value }
}

/** Which families are masqueraded, by the rows of devices, and whether there are rules. */
export function leavingWrite(devices: Iterable<MasqueradeRow>, hasRules: boolean): MapWrite {
  let masquerades = 0
  for (const { ipv4, ipv6 } of devices) {
    if (ipv4 !== undefined) masquerades |= masqueradeFamilies.WEIR_MASQUERADE_4
    if (ipv6 !== undefined) masquerades |= masqueradeFamilies.WEIR_MASQUERADE_6
  }
  return {
    map: 'weir_leaving',
    key: codecs.index.encode(0),
    value: codecs.leaving.encode({ masquerades, rules: hasRules ? 1 : 0 }),
  }
}
