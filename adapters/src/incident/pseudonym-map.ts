import { keyedBy } from './key.js'
import { AddressPseudonyms } from '@weir/core/pseudonym/addresses.js'
import { digitsOf } from '@weir/core/pseudonym/keyed.js'
import type { Pseudonyms } from '@weir/core/pseudonym/pseudonyms.js'
import type { EventLog } from '@weir/store'

/** Originals by what stands for them: words by their digits, whatever their place in a file's order, and addresses. */
export type PseudonymMap = ReadonlyMap<string, string>

/** As JSON, one a line, for whoever owns the originals. */
export function mapText({ words, addresses }: Pseudonyms): string {
  const entries = [...words.known, ...[...addresses.known].map(([text, other]) => [other, text] as const)]
  const told = entries.filter(([other, text]) => other !== text).sort(([a], [b]) => (a < b ? -1 : 1))
  return `${JSON.stringify(Object.fromEntries(told), undefined, 1)}\n`
}

/** @throws SyntaxError, TypeError for what isn't such a map */
export function readMap(text: string): PseudonymMap {
  const entries = Object.entries(JSON.parse(text) as Record<string, string>)
  return new Map(entries.map(([other, original]) => [keyOf(other), original]))
}

/** What the key makes of all that a log says. */
export async function mapOfLog(log: EventLog, key: Buffer): Promise<PseudonymMap> {
  const keyed = keyedBy(key)
  const addresses = new AddressPseudonyms(keyed)
  const map = new Map<string, string>()
  const seen = new Set<string>()
  for await (const batch of log.read())
    for (const event of batch)
      for (const text of textsIn(event)) {
        if (seen.has(text)) continue
        seen.add(text)
        map.set(digitsOf(keyed, text), text)
        const other = addresses.of(text)
        if (other !== text) map.set(other, text)
      }
  return map
}

/** Every text in a value, and the parts of it that have pseudonyms of their own. */
function* textsIn(value: unknown): Generator<string> {
  if (typeof value === 'string') {
    yield value
    for (const separator of ['/', '.', ':']) if (value.includes(separator)) yield* value.split(separator)
    const parts = value.split(/[/:]/)
    if (parts.length > 1) yield* parts
  } else if (typeof value === 'object' && value !== null)
    for (const [key, held] of Object.entries(value)) {
      yield* textsIn(key)
      yield* textsIn(held)
    }
}

/** A text with originals where pseudonyms stand. */
export const revealed = (text: string, map: PseudonymMap): string =>
  text.replace(token, found => map.get(keyOf(found)) ?? withoutEnd(found, map))

/** Of a word the digits. */
const keyOf = (pseudonym: string): string => (/^[qyz]/.test(pseudonym) ? pseudonym.slice(-16) : pseudonym)

/** Words, and whatever may be an address or a block. */
const token = /[yz]\d{3,}-\d{16}|q\d{16}|[\da-fA-F]*[:.][\da-fA-F:.]*(?:\/\d{1,3})?/g

/** `10.0.0.1:80` has an address before its last colon, `10.0.0.1.` one before the end of a sentence. */
function withoutEnd(found: string, map: PseudonymMap): string {
  const [, address = '', rest] = /^(.*?)([:/]\d*|\.|:)$/.exec(found) ?? []
  const original = map.get(address)
  return original === undefined ? found : original + rest
}
