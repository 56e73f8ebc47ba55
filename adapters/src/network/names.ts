import { isIP } from 'node:net'
import { WeirError } from '@weir/core'

/** Longest interface name that Linux takes (IFNAMSIZ less the final zero). */
const longestDeviceName = 15

/**
 * Every word that goes into a batch for `ip` passes one of these: the batch is read by lines and blanks, so a word with
 * either in it would be another command.
 *
 * @throws WeirError WEIR_NETWORK_NAME when the word isn't a namespace name of ours.
 */
export function namespaceName(word: string): string {
  if (!/^weir-[a-z0-9][a-z0-9-]{0,200}$/.test(word)) throw refusal(word, 'weir-… of lower-case letters, digits, dashes')
  return word
}

/** @throws WeirError WEIR_NETWORK_NAME when the word isn't a device name that Linux takes. */
export function deviceName(word: string): string {
  if (!/^[a-z][a-z0-9-]*$/.test(word) || word.length > longestDeviceName)
    throw refusal(word, 'at most 15 lower-case letters, digits, dashes')
  return word
}

/** @throws WeirError WEIR_NETWORK_NAME when the word isn't a plain IPv4 or IPv6 address (no zone, no prefix length). */
export function address(word: string): string {
  if (isIP(word) === 0 || word.includes('%')) throw refusal(word, 'an IPv4 or IPv6 address')
  return word
}

/** @throws WeirError WEIR_NETWORK_NAME when the word isn't `aa:bb:cc:dd:ee:ff`. */
export function macAddress(word: string): string {
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/.test(word)) throw refusal(word, 'aa:bb:cc:dd:ee:ff')
  return word
}

/**
 * Two locally administered addresses for the n-th veth pair, 0 ≤ n < 2^24.
 *
 * @returns the host side's address and the pod side's.
 */
export function pairMacs(index: number): { readonly host: string; readonly pod: string } {
  const tail = [index >>> 16, index >>> 8, index].map(byte => (byte & 0xff).toString(16).padStart(2, '0')).join(':')
  return { host: `0a:57:48:${tail}`, pod: `0a:57:50:${tail}` }
}

/** The link-local IPv6 address that follows from a MAC address (RFC 4291, appendix A). */
export function linkLocal(mac: string): string {
  const bytes = mac.split(':').map(byte => Number.parseInt(byte, 16))
  const eui = [
    (bytes[0] ?? 0) ^ 2,
    bytes[1] ?? 0,
    bytes[2] ?? 0,
    0xff,
    0xfe,
    bytes[3] ?? 0,
    bytes[4] ?? 0,
    bytes[5] ?? 0,
  ]
  const groups: string[] = []
  for (let at = 0; at < 8; at += 2) groups.push((((eui[at] ?? 0) << 8) | (eui[at + 1] ?? 0)).toString(16))
  return `fe80::${groups.join(':')}`
}

/** @returns 4 or 6. */
export function familyOf(word: string): 4 | 6 {
  return word.includes(':') ? 6 : 4
}

function refusal(word: string, expected: string): WeirError<'WEIR_NETWORK_NAME'> {
  return new WeirError('WEIR_NETWORK_NAME', `not usable as a name in the network: ${JSON.stringify(word)}`, {
    name: word,
    expected,
  })
}
