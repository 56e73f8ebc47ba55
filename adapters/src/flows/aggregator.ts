import { eventKinds } from '@weir/datapath/codec/maps.js'
import { denials } from '@weir/datapath/flow/reasons.js'
import { layout } from '@weir/datapath/layout.generated.js'
import { protocolNumbers } from '@weir/core'
import {
  addressesStride,
  type FlowColumns,
  flowMarks,
  flowVerdicts,
  type FlowVerdictName,
  makeFlowColumns,
} from '@weir/store/flows/columns.js'

const { size: recordBytes, members } = layout.types.weir_event
const offsetOf = Object.fromEntries(members.map(({ name, offsetBits }) => [name, offsetBits / 8])) as Readonly<
  Record<(typeof members)[number]['name'], number>
>
const at = {
  ...{ kind: offsetOf.kind, reason: offsetOf.reason, direction: offsetOf.direction, family: offsetOf.family },
  ...{ protocol: offsetOf.protocol, tcpFlags: offsetOf.tcp_flags, isReply: offsetOf.is_reply },
  ...{ icmpType: offsetOf.icmp_type, icmpCode: offsetOf.icmp_code },
  ...{ sourcePort: offsetOf.source_port >> 1, destinationPort: offsetOf.destination_port >> 1 },
  ...{ source: offsetOf.source >> 2, destination: offsetOf.destination >> 2, length: offsetOf.length >> 2 },
  ...{ sourceIdentity: offsetOf.source_identity >> 2, destinationIdentity: offsetOf.destination_identity >> 2 },
} as const

const verdictNumber = (name: FlowVerdictName): number => flowVerdicts.indexOf(name)
const allowed = verdictNumber('allowed')
const verdictOfReason = Uint8Array.from({ length: 256 }, (_, reason) =>
  verdictNumber(denials.has(reason) ? 'denied' : 'dropped'),
)
const isIcmp = Uint8Array.from({ length: 256 }, (_, protocol) =>
  protocol === protocolNumbers.ICMP || protocol === protocolNumbers.ICMPv6 ? 1 : 0,
)
const dropKind = eventKinds.WEIR_EVENT_DROP

const addressWords = addressesStride / 4
/** Slots of the index for each row that there can be. */
const slotsPerRow = 2

/**
 * Sums up records of the event ring: packets of one kind between two ends become one row. Reads the records where they lie
 * and makes no object for any of them.
 */
export class FlowAggregator {
  readonly #columns
  /** The columns' addresses, by 4 bytes. */
  readonly #words: Uint32Array
  /** Row + 1 by hash; 0: free. */
  readonly #slots: Int32Array
  readonly #mask: number
  readonly capacity: number

  /** @param capacity Most rows; a power of two. */
  constructor(capacity: number) {
    this.capacity = capacity
    this.#columns = makeFlowColumns(capacity)
    this.#words = new Uint32Array(this.#columns.addresses.buffer)
    this.#slots = new Int32Array(capacity * slotsPerRow)
    this.#mask = this.#slots.length - 1
  }

  /** What was summed up so far; it changes with the next record. */
  get columns(): FlowColumns {
    return this.#columns
  }

  /** Forgets all rows. */
  clear(): void {
    this.#columns.count = 0
    this.#slots.fill(0)
  }

  /**
   * Takes records `from` to `to` (exclusive) of those in `data`.
   *
   * @param data Records as the event ring has them, from a multiple of 4 bytes on.
   * @param seq The last event of the log when they were read; never less than before.
   * @param nowMs Milliseconds since the epoch, a whole number.
   * @returns the record that found no row free; `to` when all were taken
   */
  add(data: Uint8Array, from: number, to: number, seq: number, nowMs: number): number {
    const shorts = new Uint16Array(data.buffer, data.byteOffset, data.length >> 1)
    const words = new Uint32Array(data.buffer, data.byteOffset, data.length >> 2)
    for (let record = from; record < to; record++) {
      const bytesAt = record * recordBytes
      const family = data[bytesAt + at.family]!
      // Packets that aren't IP have no ends to sum up by.
      if (family === 0) continue
      const row = this.#rowOf(data, shorts, words, record, family, seq, nowMs)
      if (row < 0) return record
      const columns = this.#columns
      columns.packets[row] = columns.packets[row]! + 1
      columns.bytes[row] = columns.bytes[row]! + words[(bytesAt >> 2) + at.length]!
      columns.tcpFlags[row] = columns.tcpFlags[row]! | data[bytesAt + at.tcpFlags]!
      if (nowMs > columns.lastMs[row]!) columns.lastMs[row] = nowMs
    }
    return to
  }

  /** The record's row, a new one where there is none yet; -1 when there is none and all are taken. */
  #rowOf(
    data: Uint8Array,
    shorts: Uint16Array,
    words: Uint32Array,
    record: number,
    family: number,
    seq: number,
    nowMs: number,
  ): number {
    const bytesAt = record * recordBytes
    const wordsAt = bytesAt >> 2
    const protocol = data[bytesAt + at.protocol]!
    const isReply = data[bytesAt + at.isReply]!
    const isDrop = data[bytesAt + at.kind] === dropKind
    const reason = isDrop ? data[bytesAt + at.reason]! : 0
    const verdict = isDrop ? verdictOfReason[reason]! : allowed
    const marks = (data[bytesAt + at.direction] === 0 ? 0 : flowMarks.ingress) | (isReply === 0 ? 0 : flowMarks.reply)
    const port =
      isIcmp[protocol] === 1
        ? (data[bytesAt + at.icmpType]! << 8) | data[bytesAt + at.icmpCode]!
        : shorts[(bytesAt >> 1) + (isReply === 0 ? at.destinationPort : at.sourcePort)]!
    const sourceIdentity = words[wordsAt + at.sourceIdentity]!
    const destinationIdentity = words[wordsAt + at.destinationIdentity]!
    const sourceAt = wordsAt + at.source
    const destinationAt = wordsAt + at.destination

    let hash = Math.imul(port | (protocol << 16) | (marks << 24), 0x9e3779b1) ^ (reason | (verdict << 8))
    for (let word = 0; word < 4; word++) {
      hash = Math.imul(hash ^ words[sourceAt + word]!, 0x85ebca6b)
      hash = Math.imul((hash ^ (hash >>> 15)) + words[destinationAt + word]!, 0xc2b2ae35)
    }
    hash = Math.imul(hash ^ sourceIdentity ^ (destinationIdentity << 13), 0x27d4eb2f)
    hash ^= hash >>> 15

    const columns = this.#columns
    const kept = this.#words
    let slot = hash & this.#mask
    for (let row = this.#slots[slot]! - 1; row >= 0; row = this.#slots[slot]! - 1) {
      const keptAt = row * addressWords
      if (
        columns.port[row] === port &&
        kept[keptAt] === words[sourceAt] &&
        kept[keptAt + 4] === words[destinationAt] &&
        columns.protocol[row] === protocol &&
        columns.verdict[row] === verdict &&
        columns.reason[row] === reason &&
        columns.marks[row] === marks &&
        columns.family[row] === family &&
        columns.sourceIdentity[row] === sourceIdentity &&
        columns.destinationIdentity[row] === destinationIdentity &&
        kept[keptAt + 1] === words[sourceAt + 1] &&
        kept[keptAt + 2] === words[sourceAt + 2] &&
        kept[keptAt + 3] === words[sourceAt + 3] &&
        kept[keptAt + 5] === words[destinationAt + 1] &&
        kept[keptAt + 6] === words[destinationAt + 2] &&
        kept[keptAt + 7] === words[destinationAt + 3]
      )
        return row
      slot = (slot + 1) & this.#mask
    }
    const row = columns.count
    if (row === this.capacity) return -1
    columns.count++
    this.#slots[slot] = row + 1
    for (let word = 0; word < 4; word++) {
      kept[row * addressWords + word] = words[sourceAt + word]!
      kept[row * addressWords + 4 + word] = words[destinationAt + word]!
    }
    columns.family[row] = family
    columns.sourceIdentity[row] = sourceIdentity
    columns.destinationIdentity[row] = destinationIdentity
    columns.protocol[row] = protocol
    columns.port[row] = port
    columns.verdict[row] = verdict
    columns.reason[row] = reason
    columns.marks[row] = marks
    columns.tcpFlags[row] = 0
    columns.packets[row] = 0
    columns.bytes[row] = 0
    columns.firstMs[row] = nowMs
    columns.lastMs[row] = nowMs
    columns.seq[row] = seq
    return row
  }
}
