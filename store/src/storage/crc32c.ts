const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
  return crc >>> 0
})

/** A CRC-32C that bytes are added to. Begins as all ones; `masked` finishes it. */
export const withByte = (crc: number, byte: number): number => (table[(crc ^ byte) & 0xff] as number) ^ (crc >>> 8)

/** As LevelDB stores it. It stores no CRC as it is: one of data that holds CRCs would say little. */
export function masked(begun: number): number {
  const crc = (begun ^ 0xffffffff) >>> 0
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0
}

/** What LevelDB stores for some bytes. */
export function storedCrc(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (let at = 0; at < bytes.length; at++) crc = withByte(crc, bytes[at] as number)
  return masked(crc)
}
