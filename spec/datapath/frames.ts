/** Frames with what the programs look at; checksums are left out, as they aren't looked at. */
export interface Tcp {
  readonly from: string
  readonly to: string
  readonly sourcePort?: number
  readonly port: number
  /** `syn` unless said. */
  readonly flags?: 'syn' | 'syn-ack' | 'ack'
  readonly sourceMac: string
  readonly destinationMac: string
}

const mac = (text: string) => text.split(':').map(part => Number.parseInt(part, 16))
const be16 = (value: number) => [value >> 8, value & 255]
const tcpFlags = { syn: 0x02, 'syn-ack': 0x12, ack: 0x10 } as const

function groups(address: string): number[] {
  const [head = '', tail = ''] = address.split('::')
  const words = (text: string) => (text === '' ? [] : text.split(':').map(word => Number.parseInt(word, 16)))
  const [left, right] = [words(head), words(tail)]
  return [...left, ...new Array<number>(8 - left.length - right.length).fill(0), ...right].flatMap(be16)
}

/** A TCP segment without data, over IPv4 or IPv6 by its addresses. */
export function tcpFrame(tcp: Tcp): Uint8Array {
  const flags = tcpFlags[tcp.flags ?? 'syn']
  const segment = [
    ...be16(tcp.sourcePort ?? 40_000),
    ...be16(tcp.port),
    ...[0, 0, 0, 1, 0, 0, 0, 0],
    ...[0x50, flags, 0x10, 0, 0, 0, 0, 0],
  ]
  const ethernet = [...mac(tcp.destinationMac), ...mac(tcp.sourceMac)]
  if (tcp.from.includes(':')) {
    const header = [0x60, 0, 0, 0, ...be16(segment.length), 6, 64, ...groups(tcp.from), ...groups(tcp.to)]
    return Uint8Array.from([...ethernet, 0x86, 0xdd, ...header, ...segment])
  }
  const addresses = [...tcp.from.split('.'), ...tcp.to.split('.')].map(Number)
  const header = [0x45, 0, ...be16(20 + segment.length), 0, 1, 0x40, 0, 64, 6, 0, 0, ...addresses]
  return Uint8Array.from([...ethernet, 0x08, 0x00, ...header, ...segment])
}
