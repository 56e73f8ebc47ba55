import { invalidWord } from './invalid-word.js'
import { isSelector } from './selector-word.js'

/** What is asked for at the destination: a port, or nothing, which means all that the destination has. */
export interface Target {
  readonly place: string
  /** A number, a range (`80-90`, `*`), a container port's name; of ICMP a type, also with its code (`3.1`). */
  readonly port?: string
  readonly protocol?: string
}

/**
 * Reads `TO[:PORT[/PROTO]]`: `shop/cart:7070`, `cart:api/TCP`, `10.0.0.7:53/udp`, `[2001:db8::1]:443`, `world`,
 * `app=web,ns=shop:80-90`, `10.0.0.0/8:53/udp`, `[fd00::/8]:*`.
 *
 * @throws WeirError WEIR_REQUEST_INVALID when it is none of these.
 */
export function parseTarget(text: string): Target {
  const bracketed = /^\[([^\]]+)\](?::(.*))?$/.exec(text)
  const selector = bracketed === null && isSelector(text)
  // An address of IPv6 without brackets has no port: where it would end can't be told.
  if (bracketed === null && !selector && !text.includes('[') && text.split(':').length > 2) return { place: text }
  const colon = selector ? portColon(text) : text.indexOf(':')
  const place = bracketed?.[1] ?? (colon < 0 ? text : text.slice(0, colon))
  const rest = bracketed === null ? (colon < 0 ? undefined : text.slice(colon + 1)) : bracketed[2]
  if (rest === undefined && place !== '' && (bracketed !== null || !text.includes('['))) return { place }
  const match = /^([A-Za-z0-9.*-]+)(?:\/([A-Za-z0-9]+))?$/.exec(rest ?? '')
  const [, port, protocol] = match ?? []
  if (place === '' || port === undefined)
    throw invalidWord('to', `can't be read as a destination: ${text}`, text, 'NAME[:PORT[/PROTO]] or [IPV6]:PORT')
  return { place, port, ...(protocol !== undefined && { protocol }) }
}

/** Where a selector's port begins: at a colon that ends no source (`k8s:`, `any:`), behind the last value. */
function portColon(text: string): number {
  const colon = text.lastIndexOf(':')
  if (colon < Math.max(text.lastIndexOf('='), text.lastIndexOf(')'))) return -1
  return /(?:^|[,!\s])(?:k8s|any|reserved)$/.test(text.slice(0, colon)) ? -1 : colon
}
