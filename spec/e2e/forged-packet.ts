import type { TunnelMode } from '@weir/core/routing/node-ways.js'

/** What a tunnel's packet has behind UDP, with a SYN in it, of whomever it says. */
export function forged(mode: TunnelMode, from: string, to: string, port: number): Buffer {
  const ip = Buffer.alloc(40)
  ip.writeUInt8(0x45, 0)
  ip.writeUInt16BE(40, 2)
  ip.writeUInt8(64, 8)
  ip.writeUInt8(6, 9)
  Buffer.from(from.split('.').map(Number)).copy(ip, 12)
  Buffer.from(to.split('.').map(Number)).copy(ip, 16)
  let sum = 0
  for (let at = 0; at < 20; at += 2) sum += ip.readUInt16BE(at)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  ip.writeUInt16BE(~sum & 0xffff, 10)
  ip.writeUInt16BE(40_000, 20)
  ip.writeUInt16BE(port, 22)
  ip.writeUInt8(5 << 4, 32)
  ip.writeUInt8(2, 33)
  const ethernet = Buffer.from([2, 0x57, 0x65, 0x69, 0x72, 0, 6, 0, 0, 0, 0, 0, 8, 0])
  return Buffer.concat([headers[mode], ethernet, ip])
}

/** Geneve's without an option, which nobody comes to look for. */
const headers: Readonly<Record<TunnelMode, Buffer>> = {
  vxlan: Buffer.from([8, 0, 0, 0, 0, 1, 0, 0]),
  geneve: Buffer.from([0, 0, 0x65, 0x58, 0, 1, 0, 0]),
}
