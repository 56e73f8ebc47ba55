/**
 * What a terminal would act on instead of showing it: control characters (C0 but tab, DEL, C1), and those that turn
 * the direction of writing or break a line by another name.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: it is these that are looked for
const unshowable = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g

/** What a `Colour` sets. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences start with one
const colours = /(\u001b\[(?:1|2|22|31|32|39)m)/

const written = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`

/** Text of unknown origin (a file's name, a word of a manifest) as one harmless line: `\u001b` for an escape. */
export function printable(text: string): string {
  return text.replace(unshowable, written)
}

/** One line as a command composed it: its colours stay. */
export function printableLine(text: string): string {
  return keepOdd(text.split(colours))
}

/**
 * Lines as a command composed them: colours and line ends stay. The notation is that of JSON, so JSON means the same
 * as before.
 */
export function printableLines(text: string): string {
  return text.split('\n').map(printableLine).join('\n')
}

/** `split` by a group gives what is between the matches, then a match, in turn. */
function keepOdd(parts: readonly string[]): string {
  return parts.map((part, at) => (at % 2 === 1 ? part : printable(part))).join('')
}
