/**
 * A keyed one-way function: at least 16 bytes that follow from the key, a domain and a text, and tell nothing of either.
 * Core has no key and no hash: whoever has both hands it in.
 */
export type Keyed = (domain: string, text: string) => Uint8Array

/** So many decimal digits stand for a word: digits alone, so that no word shows up in another's pseudonym by chance. */
const digits = 16

/** The digits that stand for a text: the same for the same key. */
export function digitsOf(keyed: Keyed, text: string): string {
  const bytes = keyed('word', text)
  let number = 0n
  for (let at = 0; at < 8; at++) number = (number << 8n) | BigInt(bytes[at]!)
  return (number % 10n ** BigInt(digits)).toString().padStart(digits, '0')
}
